"""When the jobs of a schedule are due: cron slots in UTC, and what happens to missed ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from apscheduler.triggers.cron import CronTrigger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actp.settings import Settings
    from actp.store import Store

__all__ = ["Job", "RunContext", "due_slot", "latest_slot", "next_slot"]

# How far back the last slot of a cron expression is sought, the likely distances first.
_LOOKBACKS: Final = tuple(timedelta(hours=hours) for hours in (1, 25, 24 * 8, 24 * 32, 24 * 367))


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a job is given when its slot is run; one that is long asks whether it should end."""

    store: Store
    settings: Settings
    slot: datetime
    is_stopping: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Job:
    """One line of the cron table.

    ``missed`` says what happens to a slot that nobody could run at its time: ``skip`` lets it go
    once it is ``grace`` late, ``last`` makes up for the latest one, however late. ``run`` returns
    what is kept of it; it may be killed at any time and is not run again for that slot. One that
    ``is_long`` takes minutes and does not keep a thread from the others. One that ``needs``
    something open is not run while the database says that nothing of it is.
    """

    name: str
    cron: str
    run: Callable[[RunContext], Mapping[str, Any]]
    missed: Literal["skip", "last"] = "skip"
    grace: timedelta = timedelta(minutes=5)
    wanted: Callable[[Settings], bool] = lambda _: True
    is_long: bool = False
    needs: str | None = None


def latest_slot(cron: str, now: datetime) -> datetime | None:
    """Return the last moment up to ``now`` that a five-field cron expression names, in UTC."""
    trigger = CronTrigger.from_crontab(cron, timezone=UTC)
    for lookback in _LOOKBACKS:
        slot: datetime | None = None
        following: datetime | None = trigger.get_next_fire_time(None, now - lookback)
        while following is not None and following <= now:
            slot = following
            following = trigger.get_next_fire_time(slot, slot + timedelta(seconds=1))
        if slot is not None:
            return slot
    return None


def next_slot(cron: str, now: datetime) -> datetime | None:
    """Return the first moment after ``now`` that a five-field cron expression names, in UTC."""
    trigger = CronTrigger.from_crontab(cron, timezone=UTC)
    slot: datetime | None = trigger.get_next_fire_time(now, now + timedelta(seconds=1))
    return slot


def due_slot(job: Job, now: datetime, done: datetime | None) -> datetime | None:
    """Return the slot of a job that should run now; ``done`` is the last one known as taken."""
    slot = latest_slot(job.cron, now)
    if slot is None or (done is not None and slot <= done):
        return None
    is_late = now - slot > job.grace
    return None if is_late and job.missed == "skip" else slot
