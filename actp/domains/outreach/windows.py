"""Chooses the time of a message: the hours of its stage, or the recipient's usual hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from actp.domains.outreach.cooldown import Stage

__all__ = ["WINDOWS", "Window", "active_hour", "next_send_time"]

FEWEST_HOURS: Final = 3
# What is handed over at the last moment would be sent outside the window.
CLOSING_MARGIN: Final = timedelta(minutes=5)
_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the day in UTC, each open until the next full hour; weekdays from Monday = 0."""

    hours: tuple[int, ...]
    weekdays: tuple[int, ...]


WINDOWS: Final[Mapping[Stage, Window]] = MappingProxyType(
    {
        "decision": Window((13, 17), (0, 1, 2, 3, 4)),
        "consideration": Window((13,), (0, 1, 2, 3, 4)),
        "awareness": Window((13,), (0, 1, 2)),
    }
)


def next_send_time(
    stage: Stage, now: datetime, heard_hours: Sequence[int] = (), *, spread: float = 0.0
) -> datetime:
    """Return a moment from now on in the first window that is open or opens next, in UTC.

    ``heard_hours`` are the hours at which the reader wrote to us; three or more of them replace
    the stage's hours, not its weekdays. ``spread``, from 0 to 1, is the place in what is left of
    the window, so that messages do not all go at its first second.
    """
    begins, left = _opening(stage, now, active_hour(heard_hours))
    return begins + left * spread


# All messages of a run ask at one moment.
@lru_cache(maxsize=1024)
def _opening(stage: Stage, now: datetime, learned: int | None) -> tuple[datetime, timedelta]:
    """Return from when on a message may go, and what is left of the window then."""
    now = now.astimezone(UTC)
    window = WINDOWS[stage]
    hours = window.hours if learned is None else (learned,)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in (midnight + timedelta(days=ahead) for ahead in range(_WEEK + 1)):
        if day.weekday() not in window.weekdays:
            continue
        for hour in sorted(hours):
            opens = day + timedelta(hours=hour)
            if now < opens + timedelta(hours=1):
                begins = max(now, opens)
                closes = opens + timedelta(hours=1) - CLOSING_MARGIN
                return begins, max(closes - begins, timedelta())
    raise AssertionError("every window has a weekday")


def active_hour(heard_hours: Sequence[int]) -> int | None:
    """Return the hour around which somebody writes most, or None where too little is known."""
    if len(heard_hours) < FEWEST_HOURS:
        return None
    counts = [heard_hours.count(hour) for hour in range(24)]
    # An hour counts with its neighbours, around midnight too; of equals the earlier one.
    around = [2 * counts[h] + counts[h - 1] + counts[(h + 1) % 24] for h in range(24)]
    return around.index(max(around))
