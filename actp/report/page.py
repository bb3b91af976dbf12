"""Puts the charts on one page that needs nothing else; whatever came from outside is escaped."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from actp.report.charts import charts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from actp.report.chart import Chart

__all__ = ["figure_of", "page"]


def page(data: Mapping[str, Any], *, attention: Sequence[str] = (), host: str) -> str:
    """Return the page of what ``agent_report`` answers, under what needs attention."""
    here = files("actp.report")
    at = datetime.fromisoformat(data["at"]).astimezone(UTC)
    return Template(here.joinpath("page.html").read_text("utf-8")).substitute(
        at=f"{at:%d %B %Y, %H:%M}",
        moment=at.isoformat(timespec="seconds"),
        host=escape(host),
        attention=_attention(attention),
        style=here.joinpath("page.css").read_text("utf-8"),
        figures="\n".join(figure_of(chart) for chart in charts(data)),
    )


def _attention(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    entries = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<section class="attention"><h2>Needs attention</h2><ul>{entries}</ul></section>'


def figure_of(chart: Chart) -> str:
    """Return one chart as HTML; everything that came from outside is escaped."""
    if chart.drawing is None:
        shown = f'<p class="nothing">{escape(chart.nothing)}</p>'
        caption = ""
    else:
        drawn = chart.drawing.svg(f"{chart.title}. {chart.caption}")
        label = escape(f"{chart.title}: the drawing")
        newest = " newest-right" if chart.is_newest_right else ""
        shown = (
            f'<div class="drawing{newest}" tabindex="0" role="group" aria-label="{label}">'
            f"{drawn}</div>"
        )
        caption = f"<p>{escape(chart.caption)}</p>"
    wide = ' class="wide"' if chart.is_wide else ""
    return (
        f'<figure id="{chart.name}"{wide}>'
        f"<figcaption><h2>{escape(chart.title)}</h2>{caption}</figcaption>"
        f"{shown}{_table(chart)}</figure>"
    )


def _table(chart: Chart) -> str:
    if not chart.rows:
        return ""
    # A column of figures stands at the right, also where some are missing.
    numbers = [
        any(isinstance(v, int | float) for v in column) for column in zip(*chart.rows, strict=True)
    ]
    kinds = [' class="number"' if is_number else "" for is_number in numbers]
    head = "".join(
        f'<th scope="col"{kind}>{escape(name)}</th>'
        for name, kind in zip(chart.columns, kinds, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(f"<td{k}>{escape(_cell(v))}</td>" for v, k in zip(row, kinds, strict=True))
        + "</tr>"
        for row in chart.rows
    )
    return (
        '<details><summary>The figures</summary><div class="table" tabindex="0" role="region"'
        f' aria-label="{escape(chart.title)}: the figures">'
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div></details>"
    )


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
