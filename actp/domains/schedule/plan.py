"""The planned posts, as stored in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from actp.domains.schedule.calendar import Planned, place
from actp.domains.schedule.slots import Timetable
from actp.moments import stored_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actp.store import Store

__all__ = ["SHORTEST_LEAD", "Plan", "read_plan", "times_for"]

# What is planned for sooner may come too late to Blotato.
SHORTEST_LEAD: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Plan:
    """The timetables and the posts that have their time, at one moment of the database's clock."""

    now: datetime
    tables: tuple[Timetable, ...]
    planned: tuple[Planned, ...]


def read_plan(store: Store) -> Plan:
    """Return the plan as it stands."""
    answer = store.call("agent_schedule_rows")
    return Plan(
        datetime.fromisoformat(answer["now"]).astimezone(UTC),
        tuple(Timetable.read(row) for row in answer["rows"]),
        tuple(
            Planned(
                stored_time(row["at"]),
                row["platform"],
                row["niche"] or "",
                row["hook"],
                row["what"],
            )
            for row in answer["planned"]
        ),
    )


def times_for(store: Store, niche: str, platforms: Iterable[str]) -> dict[str, str]:
    """Return when a video of a niche is to appear on each platform, in ISO 8601."""
    plan = read_plan(store)
    start = plan.now + SHORTEST_LEAD
    placed = place(plan.tables, start, plan.planned, niche, platforms)
    return {platform: at.isoformat() for platform, at in placed.items()}
