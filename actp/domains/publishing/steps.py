"""Decides the next step of a publishing task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

    from actp.domains.publishing.task import Attempt, Task

__all__ = [
    "MOST_ATTEMPTS",
    "Ask",
    "Finish",
    "Publish",
    "Rest",
    "Step",
    "next_step",
    "retry_seconds",
]

MOST_ATTEMPTS: Final = 4
RETRY_GROWTH: Final = 8.0
# A pause is lifted by a person; nobody tells us.
PAUSED_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Publish:
    """Post it on a platform."""

    platform: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask Blotato what happened to a submission; ``is_last`` says not to wait for it any more."""

    attempt: Attempt
    is_last: bool


@dataclass(frozen=True, slots=True)
class Rest:
    """Do nothing for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to do; ``error`` where nothing could be done at all."""

    error: str | None = None


Step: TypeAlias = Publish | Ask | Rest | Finish


def next_step(task: Task) -> Step:
    """Return what to do now: every platform is begun before anything is asked or waited for."""
    if not task.platforms:
        return Finish("the task names no platforms")
    waits: list[float] = []
    for platform in task.platforms:
        due_at = _publish_at(task, platform)
        if due_at is None:
            continue
        if task.is_paused(platform):
            waits.append(PAUSED_SECONDS)
        elif due_at <= task.now:
            return Publish(platform)
        else:
            waits.append((due_at - task.now).total_seconds())
    for attempt in task.attempts.values():
        if attempt.outcome != "sent" or attempt.ask_at is None:
            continue
        if attempt.ask_at <= task.now:
            return Ask(attempt, is_last=task.now - task.appears_at(attempt) >= task.confirm_within)
        waits.append((attempt.ask_at - task.now).total_seconds())
    return Rest(min(waits)) if waits else Finish()


def retry_seconds(attempt: int, base_seconds: float) -> float | None:
    """Return how long to wait after an attempt that sent nothing; None after the last one."""
    if attempt >= MOST_ATTEMPTS:
        return None
    return base_seconds * RETRY_GROWTH ** (attempt - 1)


def _publish_at(task: Task, platform: str) -> datetime | None:
    """Return when to post on a platform, None where that is over."""
    last = task.attempts.get(platform)
    if last is None:
        return task.now
    return last.retry_at if last.outcome == "not_sent" else None
