"""Posting hours: what was learned of each, and how posts at them did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from actp.domains.schedule.slots import Slot, Timetable
from actp.report.chart import WIDE, Chart, percent, plain, plotted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from actp.report.chart import Data, Spec

__all__ = ["learned", "posts"]

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS: Final = range(24)
UNTRIED: Final = Slot()


def learned(data: Mapping[str, Any]) -> Chart:
    """Return what the schedule knows of each platform's hours, and which of them it uses."""
    tables = [Timetable.read(row) for row in data["plans"]]
    values: list[Data] = []
    for table in tables:
        for hour in sorted({*table.slots, *table.best_hours}):
            slot = table.slots.get(hour, UNTRIED)
            seen = round(slot.alpha + slot.beta - UNTRIED.alpha - UNTRIED.beta)
            platform = plain(table.platform)
            tried = f"{percent(slot.mean)} did better than most, of {seen:,}"
            values.append(
                {
                    "row": platform,
                    "hour": f"{hour:02d}",
                    "share": slot.mean,
                    "posts": seen,
                    "is_planned": hour in table.best_hours,
                    "told": f"{platform} at {hour:02d}:00: {tried if seen else 'not tried'}",
                }
            )
    tried_hours = sum(1 for value in values if value["posts"])
    caption = (
        f"What the schedule has learned of {tried_hours:,} hours. A dot marks an hour in use."
        if tried_hours
        else "Nothing is learned yet, so every hour is as good as another. A dot marks one in use."
    )
    dots = {
        "transform": [{"filter": "datum.is_planned"}],
        "mark": {"type": "point", "shape": "circle", "size": 46, "filled": True, "aria": False}
        | {"color": "var(--ink)", "stroke": "var(--card)", "strokeWidth": 1.5, "opacity": 1},
        "encoding": _places([plain(table.platform) for table in tables]),
    }
    has_something = tried_hours or data["posts"]
    return Chart(
        "hours",
        "Posting hours by platform",
        caption,
        "Nothing yet: no post was measured, so nothing is known of any hour.",
        ("platform", "hour (UTC)", "better than most", "posts", "in use"),
        [
            (v["row"], v["hour"], percent(v["share"]), v["posts"], "yes" if v["is_planned"] else "")
            for v in values
            if v["posts"] or v["is_planned"]
        ],
        _heat(values, [plain(table.platform) for table in tables], dots) if has_something else None,
        is_wide=True,
    )


def posts(data: Mapping[str, Any]) -> Chart:
    """Return how posts of each weekday and hour did against the platform's usual one."""
    values = [
        {
            "row": WEEKDAYS[row["weekday"]],
            "hour": f"{row['hour']:02d}",
            "share": row["good"] / row["posts"],
            "posts": row["posts"],
            "told": f"{WEEKDAYS[row['weekday']]} {row['hour']:02d}:00:"
            f" {row['good']:,} of {row['posts']:,} did better than most",
        }
        for row in data["posts"]
    ]
    counts = {
        "mark": {"type": "text", "aria": False, "fontSize": 11},
        "encoding": _places(WEEKDAYS)
        | {
            "text": {"field": "posts"},
            "color": {
                "condition": {"test": "datum.share > 0.6", "value": "var(--on-heat)"},
                "value": "var(--ink)",
            },
        },
    }
    total = sum(value["posts"] for value in values)
    return Chart(
        "posts",
        "How posts did by weekday and hour",
        f"{total:,} posts of 60 days. The stronger the colour, the more did better than their"
        " platform's usual post. The figure says how many there were.",
        "Nothing yet: no post of the last 60 days was measured.",
        ("weekday", "hour (UTC)", "better than most", "posts"),
        [(v["row"], v["hour"], percent(v["share"]), v["posts"]) for v in values],
        _heat(values, WEEKDAYS, counts) if values else None,
        is_wide=True,
    )


def _heat(values: Sequence[Data], rows: Sequence[str], more: Spec) -> Spec:
    places = [{"row": row, "hour": f"{hour:02d}"} for row in rows for hour in HOURS]
    ground = {
        "data": {"values": places},
        "mark": {"type": "rect", "color": "var(--ground)", "cornerRadius": 3, "aria": False},
        "encoding": _places(rows),
    }
    cells = {
        "mark": {"type": "rect", "color": "var(--heat)", "cornerRadius": 3},
        "encoding": _places(rows)
        | {
            "opacity": {
                "field": "share",
                "type": "quantitative",
                "scale": {"domain": [0, 1], "range": [0.06, 0.9]},
                "legend": {
                    "title": "did better than most",
                    "format": ".0%",
                    "values": [0, 0.25, 0.5, 0.75, 1],
                    "symbolType": "square",
                    "symbolFillColor": "var(--heat)",
                    "symbolStrokeColor": "transparent",
                },
            },
            "description": {"field": "told"},
        },
    }
    return plotted(values, len(rows), [ground, cells, more], step=30) | {"width": WIDE}


def _places(rows: Sequence[str]) -> Spec:
    return {
        "x": {
            "field": "hour",
            "type": "ordinal",
            "title": "hour (UTC)",
            "scale": {"domain": [f"{hour:02d}" for hour in HOURS], "padding": 0.08},
            "axis": {"labelAngle": 0, "domain": False},
        },
        "y": {
            "field": "row",
            "type": "nominal",
            "title": None,
            "scale": {"domain": list(rows), "padding": 0.08},
        },
    }
