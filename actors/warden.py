"""Starts the actors of a process, restarts those that crash, and ends them in order."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actors.base import WARDEN, Actor, Surroundings
from actors.ledger import LEDGER
from actors.lifeline import LIFELINE
from actors.messages import (
    Abandon,
    Crashed,
    Holding,
    Idle,
    PeerRestarted,
    Ping,
    Pong,
    Start,
    Stop,
    Tick,
)
from actors.poller import POLLER
from actp.clock import steady_seconds
from actp.errors import ExitCode
from metrics import instruments

if TYPE_CHECKING:
    from collections.abc import Callable

    import pykka

__all__ = ["ActorSpec", "Oversight", "Warden"]

ROUND = Tick("round")
OVERDUE = Tick("overdue")
# What is written after the time to stop is over; results that do not make it are in the spool.
FAREWELL_SECONDS = 3.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ActorSpec:
    """How an actor is made, again and again."""

    name: str
    start: Callable[[], pykka.ActorRef[Any]]
    does_work: bool = False


@dataclass(frozen=True, slots=True)
class Oversight:
    """What is demanded of actors.

    ``restarts_allowed`` within ``restarts_within_seconds``, over all of them; a mailbox that does
    not answer for ``stuck_after_seconds`` ends the process, since a thread cannot be ended.
    """

    round_seconds: float = 5.0
    stuck_after_seconds: float = 30.0
    restarts_allowed: int = 5
    restarts_within_seconds: float = 60.0
    stop_seconds: float = 30.0


class Warden(Actor):
    """One for one: a crashed actor is replaced alone, and the others are told.

    Past the limit, or when an actor is stuck, the process ends and its supervisor starts it anew.
    The rows that the actors report with each Ping are those whose leases are renewed.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        specs: tuple[ActorSpec, ...],
        oversight: Oversight,
        ended: Callable[[ExitCode], None],
    ) -> None:
        super().__init__(WARDEN, surroundings)
        self._specs = {spec.name: spec for spec in specs}
        self._oversight = oversight
        self._ended = ended
        self._round = 0
        self._pongs: dict[str, Pong] = {}
        self._answered_at: dict[str, float] = {}
        self._restarts: deque[float] = deque()
        self._stopping: list[frozenset[str]] | None = None

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Pong():
                self._pongs[message.name] = message
                self._answered_at[message.name] = steady_seconds()
            case Tick(what="round"):
                self._go_round()
            case Crashed():
                self._crashed(message)
            case Start():
                for spec in self._specs.values():
                    self._start(spec)
                self._go_round()
            case Stop():
                self._stop_all()
            case Idle(name=name):
                self._idle(name)
            case Tick(what="overdue"):
                self._overdue()
            case _:
                pass

    def _start(self, spec: ActorSpec) -> None:
        self._switchboard.connect(spec.name, spec.start())
        self._answered_at[spec.name] = steady_seconds()
        self._pongs.pop(spec.name, None)
        self.tell(spec.name, Start())

    def _crashed(self, crashed: Crashed) -> None:
        if crashed.name not in self._specs:
            return
        now, limits = steady_seconds(), self._oversight
        instruments.ACTOR_RESTARTS.labels(crashed.name).inc()
        self._restarts.append(now)
        while self._restarts and self._restarts[0] < now - limits.restarts_within_seconds:
            self._restarts.popleft()
        if len(self._restarts) > limits.restarts_allowed:
            self._give_up(f"too many crashes, the last of {crashed.name}: {crashed.error}")
            return
        self._start(self._specs[crashed.name])
        self._switchboard.tell_all(PeerRestarted(crashed.name), but=crashed.name)
        if self._stopping is not None:
            self.tell(crashed.name, Stop())

    def _go_round(self) -> None:
        self._round += 1
        now = steady_seconds()
        for name in self._specs:
            silent_seconds = now - self._answered_at[name]
            if silent_seconds > self._oversight.stuck_after_seconds:
                self._give_up(f"{name} has not moved for {silent_seconds:.0f} s")
                return
        held = tuple(row for pong in self._pongs.values() for row in pong.held)
        state = {name: dict(pong.state) for name, pong in self._pongs.items() if pong.state}
        if self._round > 1:
            self.tell(LIFELINE, Holding(held, state))
        for name in self._specs:
            self.tell(name, Ping(self._round))
        self.later(self._oversight.round_seconds, ROUND)

    def _give_up(self, why: str) -> None:
        _log.critical(why, extra={"action": "gave_up"})
        self._ended(ExitCode.SOFTWARE)

    # -- the end: no new work, what is on the wire, what is to be written, the farewell

    def _stop_all(self) -> None:
        if self._stopping is not None:
            return
        workers = frozenset(name for name, spec in self._specs.items() if spec.does_work)
        self._stopping = [workers, frozenset({LEDGER}), frozenset({LIFELINE})]
        self.tell(POLLER, Stop())
        self._tell_stage(Stop())
        self.later(self._oversight.stop_seconds, OVERDUE)

    def _tell_stage(self, message: object) -> None:
        if self._stopping:
            for name in self._stopping[0]:
                self.tell(name, message)

    def _idle(self, name: str) -> None:
        if not self._stopping:
            return
        self._stopping[0] -= {name}
        while self._stopping and not self._stopping[0]:
            self._stopping.pop(0)
            self._tell_stage(Stop())
        if not self._stopping:
            self._ended(ExitCode.OK)

    def _overdue(self) -> None:
        """End what is on the wire as it stands; a database that is away is not waited for."""
        if not self._stopping:
            return
        _log.warning(
            "stopping takes too long",
            extra={"action": "stop_overdue", "waiting_for": sorted(self._stopping[0])},
        )
        if self._stopping[0] & {LEDGER, LIFELINE}:
            self._ended(ExitCode.OK)
        else:
            self._tell_stage(Abandon())
            self.later(FAREWELL_SECONDS, OVERDUE)
