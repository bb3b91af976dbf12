"""How much of today's limits is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.report.chart import BAR, Chart, plain, plotted

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["limits"]


def limits(data: Mapping[str, Any]) -> Chart:
    """Return each limit with today's use of it."""
    values = []
    rules = [row for row in data["limits"] if row["service"] or row["used"]]
    for row in rules:
        name = f"{plain(row['platform'])} {row['kind']}"
        used, limit = row["used"], row["daily_limit"]
        values.append(
            {
                "limit": name,
                "share": min(1.0, used / limit) if limit else 0.0,
                "is_full": used >= limit,
                "figures": f"{used:,} of {limit:,}",
                "told": f"{name}: {used:,} of {limit:,} used",
                "whole": 1,
            }
        )
    rows = {"field": "limit", "type": "nominal", "title": None, "sort": None}
    wide = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": None}
    track = {
        "mark": {"type": "bar", "height": BAR, "color": "var(--track)", "aria": False},
        "encoding": {"y": rows, "x": {"field": "whole", **wide}},
    }
    use = {
        "transform": [{"filter": "datum.share > 0"}],
        "mark": {"type": "bar", "height": BAR},
        "encoding": {
            "y": rows,
            "x": {"field": "share", **wide},
            "color": {
                "condition": {"test": "datum.is_full", "value": "var(--amber)"},
                "value": "var(--blue)",
            },
            "description": {"field": "told"},
        },
    }
    label = {
        "mark": {"type": "text", "align": "left", "dx": 10, "aria": False},
        "encoding": {"y": rows, "x": {"field": "whole", **wide}, "text": {"field": "figures"}},
    }
    full = [value["limit"] for value in values if value["is_full"]]
    spent = f"{', '.join(full)}: used up." if full else "No limit is used up."
    return Chart(
        "limits",
        "Today's limits",
        f"{spent} Counts begin anew at 00:00 UTC.",
        "Nothing yet: no limit was touched today.",
        ("limit", "used", "a day"),
        [
            (value["limit"], row["used"], row["daily_limit"])
            for value, row in zip(values, rules, strict=True)
        ],
        plotted(values, len(values), [track, use, label], around=8)
        if any(row["used"] for row in rules)
        else None,
    )
