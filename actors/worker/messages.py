"""The messages between the actors of a worker, as frozen values; none expects a reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from actp.safari.outcomes import Outcome

__all__ = [
    "AttemptEnded",
    "Claimed",
    "Demand",
    "Ended",
    "LeasesLost",
    "Probed",
    "Recorded",
    "Row",
    "StartClaiming",
    "WaitLifted",
    "Work",
]


@dataclass(frozen=True, slots=True)
class Row:
    """One claimed row of the queue, as the database gave it."""

    id: str
    lease: int
    service: str
    action: str
    platform: str | None
    params: Any = field(repr=False)
    effect: str
    crash_count: int
    waited_seconds: float


@dataclass(frozen=True, slots=True)
class StartClaiming:
    """Registered, spool replayed, predecessors rescued: claiming may begin."""


@dataclass(frozen=True, slots=True)
class Demand:
    """How a service's credit changed.

    ``more`` rows may be claimed for it on top of what was said before, or in place of it when
    ``fresh``. ``received`` counts all rows it was ever given, ``held`` those it has now.
    """

    service: str
    more: int
    held: int
    received: int
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one claim brought; ``wants`` is what was asked for."""

    wants: Mapping[str, int]
    rows: tuple[Row, ...]
    waits: Mapping[str, Any]
    next_due_seconds: float | None
    drain: bool


@dataclass(frozen=True, slots=True)
class Work:
    """Rows for one service, in the order of their execution."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of an attempt.

    ``finish`` is the future of its entry in the ledger, None when there is nothing to write.
    ``learned`` is what the outcome says of the service, ``request_seconds`` how long the request
    took, where there was one. After ``must_wait`` the same wait holds for the rows behind it.
    """

    row: Row
    finish: Future[bool] | None = None
    learned: Outcome | None = None
    request_seconds: float | None = None
    must_wait: bool = False
    is_lost: bool = False
    error: Exception | None = None

    @property
    def is_ordinary(self) -> bool:
        """Whether it was sent and says no more of the service than that it works."""
        learned = self.learned
        return (
            self.error is None
            and learned is not None
            and (learned.verdict, learned.breaker) == ("sent", "ok")
        )


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """One or more attempts have ended; their thread holds the ends."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A result that was submitted to the ledger is in the database."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What a look at the service said; ``error`` is None when it may be used."""

    error: str | None


class WaitLifted:
    """An operator has lifted what the service waits for."""


@dataclass(frozen=True, slots=True)
class LeasesLost:
    """These rows, as (id, lease), are ours no longer."""

    held: frozenset[tuple[str, int]]
