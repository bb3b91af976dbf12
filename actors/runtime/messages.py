"""The messages that every actor understands, as frozen values; none expects a reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Crashed",
    "Drained",
    "LeasesHeld",
    "OffloadFailed",
    "PeerRestarted",
    "Ping",
    "Pong",
    "Start",
    "Stop",
    "StopNow",
    "Tick",
    "Wake",
]


@dataclass(frozen=True, slots=True)
class Start:
    """Sent once an actor can be reached under its name: now it may talk to others."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Take nothing new, end what is under way, then say Drained."""


@dataclass(frozen=True, slots=True)
class StopNow:
    """The time to stop is over: end what is on the wire as it stands."""


@dataclass(frozen=True, slots=True)
class Drained:
    """An actor that was told to stop holds nothing any more."""

    name: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """An actor died of an exception."""

    name: str
    error: str


@dataclass(frozen=True, slots=True)
class PeerRestarted:
    """An actor was replaced and has forgotten what it was told."""

    name: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks an actor, through its mailbox, to show that it is moving."""

    round: int


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to Ping, with the rows held as (id, lease) and a state to show.

    An actor that waits for what should have ended long ago says that it is stuck.
    """

    name: str
    round: int
    held: tuple[tuple[str, int], ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    is_stuck: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """A timer ran out; ``what`` names which."""

    what: str


@dataclass(frozen=True, slots=True)
class OffloadFailed:
    """Work done off the actor's thread raised; ``what`` names it."""

    what: str
    error: Exception


@dataclass(frozen=True, slots=True)
class Wake:
    """There may be new work, for these services; no names stand for all of them."""

    services: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LeasesHeld:
    """Everything that the actors of this process report holding."""

    held: tuple[tuple[str, int], ...]
    state: Mapping[str, Any]
