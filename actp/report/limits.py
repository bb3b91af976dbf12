"""How much of today's limits is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.report.chart import Chart, plain
from actp.report.svg import Bar, bars

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["limits"]


def limits(data: Mapping[str, Any]) -> Chart:
    """Return each limit with today's use of it."""
    rows, notes, full = [], [], []
    rules = [row for row in data["limits"] if row["service"] or row["used"]]
    for row in rules:
        name = f"{plain(row['platform'])} {row['kind']}"
        used, limit = row["used"], row["daily_limit"]
        share = min(1.0, used / limit) if limit else 0.0
        color = "amber" if used >= limit else "blue"
        told = f"{name}: {used:,} of {limit:,} used"
        rows.append((name, [Bar(share, color, told)] if share else []))
        notes.append(f"{used:,} of {limit:,}")
        if used >= limit:
            full.append(name)
    spent = f"{', '.join(full)}: used up." if full else "No limit is used up."
    return Chart(
        "limits",
        "Today's limits",
        f"{spent} Counts reset at 00:00 UTC.",
        "Nothing yet: no limit was touched today.",
        ("limit", "used", "a day"),
        [
            (name, row["used"], row["daily_limit"])
            for (name, _), row in zip(rows, rules, strict=True)
        ],
        bars(rows, most=1, notes=notes, has_track=True) if any(r["used"] for r in rules) else None,
    )
