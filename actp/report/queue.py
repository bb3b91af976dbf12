"""The queue: what stands where now, and what ended on which day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.report.chart import BAR, WIDE, Chart, colours, plain, plotted

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ended", "queue"]

STATES: Final = MappingProxyType(
    {"running": "green", "ready": "blue", "waiting": "amber", "held": "grey"}
)
OUTCOMES: Final = MappingProxyType(
    {"completed": "green", "failed": "red", "unknown": "violet", "cancelled": "grey"}
)
DAYS: Final = 14
COLUMNS_HEIGHT: Final = 7


def queue(data: Mapping[str, Any]) -> Chart:
    """Return what is in the queue, by service and state."""
    services = [row for row in data["queue"] if any(row[state] for state in STATES)]
    values = [
        {
            "service": plain(row["service"]),
            "kind": state,
            "order": order,
            "commands": row[state],
            "told": f"{plain(row['service'])}: {row[state]:,} {state}",
        }
        for row in services
        for order, state in enumerate(STATES)
        if row[state]
    ]
    bars = {
        "mark": {"type": "bar", "height": BAR},
        "encoding": {
            "y": {"field": "service", "type": "nominal", "title": None, "sort": "-x"},
            "x": {"field": "commands", "type": "quantitative", "title": "commands", "stack": True},
            "color": colours(STATES),
            "order": {"field": "order"},
            "description": {"field": "told"},
        },
    }
    total = sum(value["commands"] for value in values)
    return Chart(
        "queue",
        "The queue now",
        f"{total:,} commands are not settled yet.",
        "Nothing yet: the queue is empty.",
        ("service", *STATES),
        [(plain(row["service"]), *(row[state] for state in STATES)) for row in services],
        plotted(values, len(services), [bars]) if values else None,
    )


def ended(data: Mapping[str, Any]) -> Chart:
    """Return how commands ended on each of the last days."""
    last = datetime.fromisoformat(data["at"]).astimezone(UTC).date()
    counts = {(date.fromisoformat(row["day"]), row["outcome"]): row for row in data["ended"]}
    days = [last - timedelta(days=ago) for ago in reversed(range(DAYS))]
    table = [
        (f"{day:%d %b}", *(counts.get((day, o), {}).get("commands", 0) for o in OUTCOMES))
        for day in days
    ]
    values = [
        {
            "day": name,
            "kind": outcome,
            "order": order,
            "commands": count,
            "told": f"{name}: {count:,} {outcome}",
        }
        for name, *figures in table
        for order, (outcome, count) in enumerate(zip(OUTCOMES, figures, strict=True))
        if count
    ]
    columns = {
        "mark": {"type": "bar", "width": {"band": 0.6}},
        "encoding": {
            "x": {
                "field": "day",
                "type": "ordinal",
                "title": None,
                "scale": {"domain": [row[0] for row in table]},
                "axis": {"labelAngle": 0, "labelOverlap": True},
            },
            "y": {
                "field": "commands",
                "type": "quantitative",
                "title": "commands",
                "axis": {"grid": True, "domain": False, "tickCount": 4},
            },
            "color": colours(OUTCOMES),
            "order": {"field": "order"},
            "description": {"field": "told"},
        },
    }
    done, failed, unknown, _ = (sum(row[n] for row in table) for n in range(1, 5))
    return Chart(
        "ended",
        "What became of commands",
        f"In {DAYS} days {done:,} were completed and {failed:,} failed;"
        f" of {unknown:,} nobody knows.",
        "Nothing yet: no command has ended in 14 days.",
        ("day", *OUTCOMES),
        table,
        plotted(values, COLUMNS_HEIGHT, [columns]) | {"width": WIDE} if data["ended"] else None,
        is_wide=True,
    )
