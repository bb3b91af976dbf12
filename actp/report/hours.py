"""Posting hours: what was learned of each, and how posts at them did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from actp.domains.schedule.slots import Slot, Timetable
from actp.report.chart import Chart, percent, plain
from actp.report.svg import Cell, heat

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["learned", "posts"]

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS: Final = tuple(f"{hour:02d}" for hour in range(24))
UNTRIED: Final = Slot()


def learned(data: Mapping[str, Any]) -> Chart:
    """Return what the schedule knows of each platform's hours, and which of them it uses."""
    tables = [Timetable.read(row) for row in data["plans"]]
    cells: list[Cell] = []
    rows: list[tuple[object, ...]] = []
    tried_hours = 0
    for number, table in enumerate(tables):
        platform = plain(table.platform)
        for hour in sorted({*table.slots, *table.best_hours}):
            slot = table.slots.get(hour, UNTRIED)
            seen = round(slot.alpha + slot.beta - UNTRIED.alpha - UNTRIED.beta)
            is_planned = hour in table.best_hours
            tried = f"{percent(slot.mean)} did better than most, of {seen:,}"
            told = f"{platform} at {hour:02d}:00: {tried if seen else 'not tried'}"
            cells.append(Cell(number, hour, slot.mean, told, has_dot=is_planned))
            tried_hours += bool(seen)
            if seen or is_planned:
                used = "yes" if is_planned else ""
                rows.append((platform, f"{hour:02d}", percent(slot.mean), seen, used))
    caption = (
        f"What the schedule has learned of {tried_hours:,} hours. A dot marks an hour in use."
        if tried_hours
        else "Nothing is learned yet, so every hour is as good as another. A dot marks one in use."
    )
    has_something = tried_hours or data["posts"]
    return Chart(
        "hours",
        "Posting hours by platform",
        caption,
        "Nothing yet: no post was measured, so nothing is known of any hour.",
        ("platform", "hour (UTC)", "better than most", "posts", "in use"),
        rows,
        heat([plain(t.platform) for t in tables], HOURS, cells, title="hour (UTC)")
        if has_something
        else None,
        is_wide=True,
    )


def posts(data: Mapping[str, Any]) -> Chart:
    """Return how posts of each weekday and hour did against the platform's usual one."""
    cells = [
        Cell(
            row["weekday"],
            row["hour"],
            row["good"] / row["posts"],
            f"{WEEKDAYS[row['weekday']]} {row['hour']:02d}:00:"
            f" {row['good']:,} of {row['posts']:,} did better than most",
            f"{row['posts']:,}",
        )
        for row in data["posts"]
    ]
    total = sum(row["posts"] for row in data["posts"])
    return Chart(
        "posts",
        "How posts did by weekday and hour",
        f"{total:,} posts of 60 days. The stronger the colour, the more did better than their"
        " platform's usual post. The figure says how many there were.",
        "Nothing yet: no post of the last 60 days was measured.",
        ("weekday", "hour (UTC)", "better than most", "posts"),
        [
            (
                WEEKDAYS[row["weekday"]],
                f"{row['hour']:02d}",
                percent(row["good"] / row["posts"]),
                row["posts"],
            )
            for row in data["posts"]
        ],
        heat(WEEKDAYS, HOURS, cells, title="hour (UTC)") if cells else None,
        is_wide=True,
    )
