"""What happens to a target of a campaign, and the actions that follow. Frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "Action",
    "Alert",
    "CancelPending",
    "Cancelled",
    "Doubted",
    "Enqueue",
    "Event",
    "HoldPending",
    "ReleaseNext",
    "Replied",
    "RequestSync",
    "Resolved",
    "Result",
    "StepEnded",
    "StepRequeued",
    "Synced",
    "Ticked",
]

Result: TypeAlias = Literal[
    "pending", "completed", "unknown", "not_sent", "exhausted", "failed", "cancelled"
]


@dataclass(frozen=True, slots=True)
class StepEnded:
    """The command of a step came to an end, at a time of the database."""

    step: str
    result: Result
    at: datetime


@dataclass(frozen=True, slots=True)
class StepRequeued:
    """Somebody had the command of a step tried again."""

    step: str


@dataclass(frozen=True, slots=True)
class Replied:
    """The person has written back."""


@dataclass(frozen=True, slots=True)
class Doubted:
    """There is a message that may be a reply."""

    why: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """Somebody has looked: it was no reply."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody has ended it."""


@dataclass(frozen=True, slots=True)
class Synced:
    """The conversations of the platform were read, beginning at that time."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Ticked:
    """The database's clock; ``must_sync`` where a CRM knows of replies once it is synced."""

    now: datetime
    must_sync: bool = False


Event: TypeAlias = (
    StepEnded | StepRequeued | Replied | Doubted | Resolved | Cancelled | Synced | Ticked
)


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Put a step into the queue; ``order`` counts those of its stage from 0."""

    step: str
    action: str
    order: int


@dataclass(frozen=True, slots=True)
class CancelPending:
    """Cancel every command of the target that has not begun."""


@dataclass(frozen=True, slots=True)
class HoldPending:
    """Let no command of the target begin."""


@dataclass(frozen=True, slots=True)
class ReleaseNext:
    """Let the next held command of the target begin, if no other is under way."""


@dataclass(frozen=True, slots=True)
class RequestSync:
    """Have the conversations read."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Tell a person."""

    kind: str
    why: str


Action: TypeAlias = Enqueue | CancelPending | HoldPending | ReleaseNext | RequestSync | Alert
