"""Starts the actors of a process, restarts those that crash, and ends them in order."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from time import monotonic
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import (
    Crashed,
    Drained,
    LeasesHeld,
    PeerRestarted,
    Ping,
    Pong,
    Start,
    Stop,
    StopNow,
    Tick,
)
from actp.errors import ExitCode
from metrics import instruments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    import pykka

__all__ = ["ActorSpec", "RestartPolicy", "StopStage", "Supervisor"]

ROUND = Tick("round")
OVERDUE = Tick("overdue")
# What is written after the time to stop is over; results that do not make it are in the spool.
FAREWELL_SECONDS = 3.0

_log = logging.getLogger(__name__)


class StopStage(IntEnum):
    """When an actor is stopped; a stage begins once the one before it has drained.

    INTAKE and WORK are both asked at once, so that no new command is begun while the last claim
    is under way, and WORK once more when INTAKE has drained. WRITE and SIGN_OFF need the database
    and are not waited for when the time to stop is over.
    """

    INTAKE = 0
    WORK = 1
    WRITE = 2
    SIGN_OFF = 3


@dataclass(frozen=True, slots=True)
class ActorSpec:
    """How an actor is made, again and again, and what it takes part in.

    Without a ``stop_stage`` it ends with the process. With ``hears_leases`` it is given the rows
    that all actors report holding, round by round.
    """

    name: str
    start: Callable[[], pykka.ActorRef[Any]]
    stop_stage: StopStage | None = None
    hears_leases: bool = False


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """What is demanded of actors.

    Past ``restarts_allowed`` within ``restarts_within_seconds`` the process ends; where there is a
    ``cool_down_seconds``, only the actor that crashed so often stays down for that long, and the
    others work on. A mailbox that does not answer for ``stuck_after_seconds`` ends the process,
    since a thread cannot be ended.
    """

    round_seconds: float = 5.0
    stuck_after_seconds: float = 30.0
    restarts_allowed: int = 5
    restarts_within_seconds: float = 60.0
    stop_seconds: float = 30.0
    cool_down_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class _CooledDown:
    """An actor that crashed too often is started again."""

    name: str


class Supervisor(Actor):
    """One for one: a crashed actor is replaced alone, and the others are told.

    Past the limit of the policy, or when an actor is stuck, the process ends and supervisord starts
    it anew.
    The rows that the actors report with each Ping are those whose leases are renewed.
    """

    def __init__(
        self,
        context: ActorContext,
        *,
        specs: tuple[ActorSpec, ...],
        policy: RestartPolicy,
        ended: Callable[[ExitCode], None],
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(SUPERVISOR, context)
        self._specs = {spec.name: spec for spec in specs}
        self._policy = policy
        self._ended = ended
        self._beat = beat
        self._round = 0
        self._pongs: dict[str, Pong] = {}
        self._answered_at: dict[str, float] = {}
        self._restarts: dict[str, deque[float]] = {}
        self._cooling: set[str] = set()
        self._stopping: dict[StopStage, set[str]] | None = None
        self._asked_stage: StopStage | None = None
        self._is_overdue = False

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Pong():
                self._pongs[message.name] = message
                if not message.is_stuck:
                    self._answered_at[message.name] = monotonic()
            case Tick(what=what):
                self._overdue() if what == OVERDUE.what else self._go_round()
            case Crashed():
                self._crashed(message)
            case _CooledDown(name=name):
                self._cooled_down(name)
            case Start():
                self._start_all()
            case Stop():
                self._stop_all()
            case Drained(name=name):
                self._drained(name)
            case _:
                pass

    def _start_all(self) -> None:
        for spec in self._specs.values():
            self._start(spec)
        self._go_round()

    def _start(self, spec: ActorSpec) -> None:
        self._registry.connect(spec.name, spec.start())
        self._answered_at[spec.name] = monotonic()
        self._pongs.pop(spec.name, None)
        self.tell(spec.name, Start())

    def _crashed(self, crashed: Crashed) -> None:
        if crashed.name not in self._specs:
            return
        instruments.ACTOR_RESTARTS.labels(crashed.name).inc()
        if not self._has_crashed_too_often(crashed.name):
            self._restart(crashed.name)
        elif (seconds := self._policy.cool_down_seconds) is None:
            self._give_up(f"too many crashes, the last of {crashed.name}: {crashed.error}")
        else:
            _log.error(
                "%s crashed too often and restarts in %g s: %s",
                *(crashed.name, seconds, crashed.error),
                extra={"action": "cooling_down", "actor": crashed.name},
            )
            self._cool_down(crashed.name, seconds)

    def _has_crashed_too_often(self, name: str) -> bool:
        """Count a crash: over all actors, or where they cool down, over this one."""
        now, limits = monotonic(), self._policy
        counted = "" if limits.cool_down_seconds is None else name
        restarts = self._restarts.setdefault(counted, deque())
        restarts.append(now)
        while restarts and restarts[0] < now - limits.restarts_within_seconds:
            restarts.popleft()
        return len(restarts) > limits.restarts_allowed

    def _restart(self, name: str) -> None:
        self._start(self._specs[name])
        self._registry.tell_all(PeerRestarted(name), but=name)
        if self._is_asked_to_stop(self._specs[name]):
            self.tell(name, Stop())

    def _cool_down(self, name: str, seconds: float) -> None:
        self._cooling.add(name)
        self._pongs.pop(name, None)
        self.later(seconds, _CooledDown(name))
        if self._stopping is not None:
            for names in self._stopping.values():
                names.discard(name)
            self._go_on_stopping()

    def _cooled_down(self, name: str) -> None:
        self._cooling.discard(name)
        if self._stopping is None:
            self._restart(name)

    @property
    def _working(self) -> Iterator[str]:
        """Return the names of the actors that are not kept down."""
        return (name for name in self._specs if name not in self._cooling)

    def _go_round(self) -> None:
        if self._all_move:
            self._beat()
        self._round += 1
        now = monotonic()
        for name in self._working:
            silent_seconds = now - self._answered_at[name]
            if silent_seconds > self._policy.stuck_after_seconds:
                self._give_up(f"{name} has not moved for {silent_seconds:.0f} s")
                return
        held = tuple(row for pong in self._pongs.values() for row in pong.held)
        state = {name: dict(pong.state) for name, pong in self._pongs.items() if pong.state}
        if self._round > 1:
            for name, spec in self._specs.items():
                if spec.hears_leases:
                    self.tell(name, LeasesHeld(held, state))
        for name in self._working:
            self.tell(name, Ping(self._round))
        self.later(self._policy.round_seconds, ROUND)

    @property
    def _all_move(self) -> bool:
        """Whether this round has passed through every mailbox."""
        pongs = (self._pongs.get(name) for name in self._working)
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

    # -- the end: no new work, what is on the wire, pending writes, the last message

    def _stop_all(self) -> None:
        if self._stopping is not None:
            return
        self._stopping = {stage: self._members(stage) for stage in StopStage}
        for name in self._stopping[StopStage.INTAKE] | self._stopping[StopStage.WORK]:
            self.tell(name, Stop())
        self._asked_stage = self._stop_stage
        self._go_on_stopping()
        self.later(self._policy.stop_seconds, OVERDUE)

    def _members(self, stage: StopStage) -> set[str]:
        return {name for name in self._working if self._specs[name].stop_stage is stage}

    def _is_asked_to_stop(self, spec: ActorSpec) -> bool:
        if self._stopping is None or spec.stop_stage is None:
            return False
        return spec.stop_stage <= max(StopStage.WORK, self._asked_stage or StopStage.WORK)

    def _drained(self, name: str) -> None:
        stage = self._stop_stage
        if self._stopping is not None and stage is not None and name in self._stopping[stage]:
            self._stopping[stage].remove(name)
            self._go_on_stopping()

    @property
    def _stop_stage(self) -> StopStage | None:
        """Return the stage that is being waited for, the first that has not drained."""
        stages = self._stopping or {}
        return next((stage for stage, names in stages.items() if names), None)

    def _go_on_stopping(self) -> None:
        """End the process once all have drained, else ask the stage whose time has come."""
        stage = self._stop_stage
        if stage is None:
            self._ended(ExitCode.OK)
        elif stage is not self._asked_stage:
            self._asked_stage = stage
            for name in self._members(stage):
                self.tell(name, Stop())

    def _overdue(self) -> None:
        """End what is on the wire as it stands; a database that is away is not waited for."""
        stage = self._stop_stage
        if self._stopping is None or stage is None:
            return
        _log.warning(
            "stopping takes too long",
            extra={"action": "stop_overdue", "waiting_for": sorted(self._stopping[stage])},
        )
        if self._is_overdue or stage >= StopStage.WRITE:
            self._ended(ExitCode.OK)
            return
        self._is_overdue = True
        self._registry.tell_all(StopNow(), but=self.name)
        self.later(FAREWELL_SECONDS, OVERDUE)
