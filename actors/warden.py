"""Starts the actors of a process, restarts those that crash, and ends them in order."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from time import monotonic
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
from actp.errors import ExitCode
from metrics import instruments

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

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
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(WARDEN, surroundings)
        self._specs = {spec.name: spec for spec in specs}
        self._oversight = oversight
        self._ended = ended
        self._beat = beat
        self._round = 0
        self._pongs: dict[str, Pong] = {}
        self._answered_at: dict[str, float] = {}
        self._restarts: deque[float] = deque()
        self._stopping: list[frozenset[str]] | None = None
        self._is_overdue = False

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Pong():
                self._pongs[message.name] = message
                if not message.is_stuck:
                    self._answered_at[message.name] = monotonic()
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
        self._answered_at[spec.name] = monotonic()
        self._pongs.pop(spec.name, None)
        self.tell(spec.name, Start())

    def _crashed(self, crashed: Crashed) -> None:
        if crashed.name not in self._specs:
            return
        now, limits = monotonic(), self._oversight
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
        if self._all_move:
            self._beat()
        self._round += 1
        now = monotonic()
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

    @property
    def _all_move(self) -> bool:
        """Whether this round has passed through every mailbox."""
        pongs = (self._pongs.get(name) for name in self._specs)
        return all(pong and pong.round == self._round and not pong.is_stuck for pong in pongs)

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the process: nobody would hear of a crash any more, nor ask anybody to move."""
        super().on_failure(exception_type, exception_value, traceback)
        self._ended(ExitCode.SOFTWARE)

    def _give_up(self, why: str) -> None:
        _log.critical(why, extra={"action": "gave_up"})
        self._ended(ExitCode.SOFTWARE)

    # -- the end: no new work, what is on the wire, what is to be written, the farewell

    def _stop_all(self) -> None:
        if self._stopping is not None:
            return
        workers = frozenset(name for name, spec in self._specs.items() if spec.does_work)
        # The poller's last claim may still bring rows, which the services then hand back.
        stages = (frozenset({POLLER}), workers, frozenset({LEDGER}), frozenset({LIFELINE}))
        self._stopping = [stage for stage in stages if stage <= self._specs.keys()]
        for name in (POLLER, *workers):
            self.tell(name, Stop())
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
        if self._is_overdue or self._stopping[0] & {LEDGER, LIFELINE}:
            self._ended(ExitCode.OK)
            return
        self._is_overdue = True
        self._switchboard.tell_all(Abandon(), but=self.name)
        self.later(FAREWELL_SECONDS, OVERDUE)
