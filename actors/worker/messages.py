"""The messages between the actors of a worker. Frozen values; none is ever asked for an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.safari.commands import Command
    from actp.safari.outcomes import Outcome

__all__ = [
    "Answered",
    "Begin",
    "Begun",
    "Claimed",
    "Demand",
    "DropTurn",
    "Entries",
    "Finish",
    "LeasesLost",
    "PostFound",
    "Probed",
    "Row",
    "StartClaiming",
    "TurnGranted",
    "WantTurn",
    "Work",
    "Written",
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
    """Rows for one service, in the order in which they are to be done."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class WantTurn:
    """A service that could not take its turn at once stands in line for it.

    If the process dies meanwhile, Safari counts as busy for ``busy_seconds``.
    """

    service: str
    id: str
    busy_seconds: float


@dataclass(frozen=True, slots=True)
class DropTurn:
    """A service does not want its turn any more."""

    service: str


@dataclass(frozen=True, slots=True)
class TurnGranted:
    """Safari is yours, for the row with this id, until you release it."""

    id: str


@dataclass(frozen=True, slots=True)
class Begin:
    """Asks to store the intent to send."""

    id: str
    lease: int
    service: str
    recipient: str | None
    person: str | None
    text_hash: str | None


@dataclass(frozen=True, slots=True)
class Begun:
    """What the database says to a Begin: granted, wait, refused or lost."""

    id: str
    verdict: str
    reason: str | None
    attempt: int
    lease: int
    asked_at: float


@dataclass(frozen=True, slots=True)
class Finish:
    """What came of an attempt; attempt 0 ends a row that was never begun."""

    id: str
    lease: int
    service: str
    attempt: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Entries:
    """What a service has for the ledger, told at once so that it is written at once."""

    entries: tuple[Begin | Finish, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """What one write of the ledger did for a service.

    ``recorded`` names the rows whose Finish is in the database, False for those that were ours no
    longer; ``begun`` is the answer to its Begin, if it had one.
    """

    recorded: tuple[tuple[str, bool], ...] = ()
    begun: Begun | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """The request in flight has ended; the courier holds what came of it."""


@dataclass(frozen=True, slots=True)
class PostFound:
    """The post that the comment ``id`` is for was looked for: ``found`` has it, or says why not."""

    id: str
    found: Command | Outcome


@dataclass(frozen=True, slots=True)
class Probed:
    """What a look at the service said; ``error`` is None when it may be used."""

    error: str | None


@dataclass(frozen=True, slots=True)
class LeasesLost:
    """These rows, as (id, lease), are ours no longer."""

    held: frozenset[tuple[str, int]]
