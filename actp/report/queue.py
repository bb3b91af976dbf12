"""The queue: what stands where now, and what ended on which day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.plural import counted
from actp.report.chart import Chart, plain
from actp.report.svg import Bar, bars, columns

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


def queue(data: Mapping[str, Any]) -> Chart:
    """Return what is in the queue, by service and state."""
    services = [row for row in data["queue"] if any(row[state] for state in STATES)]
    services.sort(key=lambda row: -sum(row[state] for state in STATES))
    rows = [
        (
            name := plain(row["service"]),
            [
                Bar(row[state], color, f"{name}: {row[state]:,} {state}")
                for state, color in STATES.items()
                if row[state]
            ],
        )
        for row in services
    ]
    sums = [sum(row[state] for state in STATES) for row in services]
    total = sum(sums)
    return Chart(
        "queue",
        "The queue now",
        f"{counted(total, 'command')} {'is' if total == 1 else 'are'} not settled yet.",
        "Nothing yet: the queue is empty.",
        ("service", *STATES),
        [(plain(row["service"]), *(row[state] for state in STATES)) for row in services],
        bars(rows, most=max(sums), title="commands", legend=STATES) if rows else None,
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
    parts = [
        [
            Bar(count, color, f"{name}: {count:,} {outcome}")
            for (outcome, color), count in zip(OUTCOMES.items(), figures, strict=True)
            if count
        ]
        for name, *figures in table
    ]
    done, failed, unknown, _ = (sum(row[n] for row in table) for n in range(1, 5))
    return Chart(
        "ended",
        "What happened to commands",
        f"In {DAYS} days: {done:,} completed, {failed:,} failed"
        + (f", {unknown:,} with an unknown outcome." if unknown else "."),
        "Nothing yet: no command has ended in 14 days.",
        ("day", *OUTCOMES),
        table,
        columns([row[0] for row in table], parts, legend=OUTCOMES) if data["ended"] else None,
        is_wide=True,
        is_newest_right=True,
    )
