"""One service: its rows, its turn, its breaker, one request in flight."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime
from random import SystemRandom
from time import time
from typing import TYPE_CHECKING, Literal

from actors.base import WARDEN, Actor, Surroundings
from actors.courier import Flight
from actors.ledger import LEDGER
from actors.messages import (
    Abandon,
    Answered,
    Begin,
    Begun,
    DropTurn,
    Finish,
    Idle,
    LeasesLost,
    PeerRestarted,
    Pong,
    Probed,
    Room,
    Row,
    Start,
    Stop,
    Tick,
    TurnGranted,
    WantTurn,
    Work,
    Written,
)
from actors.poller import POLLER
from actors.readiness import Readiness
from actors.turnstile import TURNSTILE
from actors.window import Window
from actp.clock import steady_seconds
from actp.errors import InvalidInput
from actp.safari.answers import read_answer
from actp.safari.commands import handle_of, parse_command, recipient, text_hash
from actp.safari.outcomes import Failure, Outcome, Phase, refused_input
from metrics import instruments

if TYPE_CHECKING:
    from actors.courier import Courier
    from actp.safari.catalogue import Service
    from actp.safari.commands import Command
    from actp.safari.requests import ServiceRequest
    from actp.safari.turns import TurnTable

__all__ = ["ServiceActor"]

READY = Tick("ready")
# A begin that was granted longer ago may have been overtaken: by a sleeping machine, by a rescue.
BEGIN_VALID_SECONDS = 5.0

_HANDED_BACK = Outcome("wait", "handed_back", quota_back=True)
_STALE = Outcome("wait", "begun_too_long_ago", quota_back=True)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Current:
    """The row being worked on, and what it waits for."""

    row: Row
    command: Command
    request: ServiceRequest | None
    awaits: Literal["turn", "begin", "answer"]


class ServiceActor(Actor):
    """Works off the rows of one service, one at a time: turn, begin, send, finish.

    What it holds is known to others only through Pong; what it has finished is kept until the
    ledger says that it is recorded, so that a restarted ledger can be told again.
    """

    def __init__(self, surroundings: Surroundings, *, courier: Courier, turns: TurnTable) -> None:
        super().__init__(courier.carrier.service.name, surroundings)
        self._courier = courier
        self._carrier = courier.carrier
        self._service = courier.carrier.service
        self._turns = turns
        self._readiness = Readiness(SystemRandom())
        self._window = Window()
        self._rows: deque[Row] = deque()
        self._current: _Current | None = None
        self._finishing: dict[str, Finish] = {}
        self._room = 0
        self._received = 0
        self._held_as_told = 0
        self._is_probing = False
        self._is_stopping = False

    def pong(self, round_: int) -> Pong:
        """Return every row held, so that its lease is renewed, and whether the service is ready."""
        held = [(row.id, row.lease) for row in self._rows]
        if self._current is not None:
            held.append((self._current.row.id, self._current.row.lease))
        held += [(finish.id, finish.lease) for finish in self._finishing.values()]
        return Pong(self.name, round_, tuple(held), self._readiness.state)

    def receive(self, message: object) -> None:  # noqa: C901 - one line a message
        """Handle one message."""
        match message:
            case Work(rows=rows):
                self._take(rows)
            case TurnGranted():
                self._turn_granted()
            case Written(recorded=recorded, begun=begun):
                self._recorded(recorded)
                if begun is not None:
                    self._begun(begun)
            case Answered():
                self._landed()
            case Probed(error=error):
                self._is_probing = False
                self._readiness.probed(error)
            case PeerRestarted(name=name):
                self._tell_again(name)
            case LeasesLost(ids=ids):
                self._lose(ids)
            case Start():
                self._start()
            case Stop():
                self._stop_working()
            case Abandon():
                self._abandon()
            case _:
                pass
        self._go_on()

    # -- the rows

    def _start(self) -> None:
        self.tell(POLLER, Room(self.name, 0, 0, 0, fresh=True))
        flight = self._courier.flight
        if flight is None:
            self._let_go()
        else:  # my predecessor crashed while it flew
            self._current = _Current(flight.row, flight.command, flight.request, "answer")
            self._landed()

    def _take(self, rows: tuple[Row, ...]) -> None:
        self._room -= len(rows)
        self._received += len(rows)
        self._rows.extend(rows)
        for row in rows:
            instruments.QUEUE_WAIT_SECONDS.labels(self.name).observe(row.waited_seconds)

    def _go_on(self) -> None:
        """Do the next thing: start on a row, ask for more, or see to it that one may."""
        step = self._readiness.step
        if self._is_stopping or step != "go":
            self._hand_back_rows()
        while self._current is None and self._rows:
            self._start_on(self._rows.popleft())
        if self._is_stopping:
            if self._current is None and not self._finishing:
                self.tell(WARDEN, Idle(self.name))
        elif step == "probe":
            if not self._is_probing and self._current is None:
                self._is_probing = True
                self._courier.probe()
        elif step == "wait":
            self.later(self._readiness.wait_seconds, READY)
        self._tell_room(is_open=step == "go" and not self._is_stopping)

    def _tell_room(self, *, is_open: bool) -> None:
        outstanding = self._room + len(self._rows) + (self._current is not None)
        more = self._window.room(outstanding) if is_open else -self._room
        held = len(self._rows) + (self._current is not None) + len(self._finishing)
        if more or (held == 0 and self._held_as_told):
            self._room += more
            self._held_as_told = held
            self.tell(POLLER, Room(self.name, more, held, self._received))

    def _start_on(self, row: Row) -> None:
        try:
            command = parse_command(
                {"id": row.id, "action": row.action, "platform": row.platform, "params": row.params}
            )
            request = self._carrier.prepare(command)
        except InvalidInput as error:
            self._finish(row, 0, refused_input(self.name, error))
            return
        current = _Current(row, command, request, "turn")
        if not self._carrier.needs_turn(command) or self._take_turn():
            self._begin(current)
        else:
            self._current = current
            self.tell(TURNSTILE, WantTurn(self.name, self._service.busy_seconds))

    def _take_turn(self) -> bool:
        return self._turns.try_take(self.name, time() + self._service.busy_seconds)

    def _hand_back_rows(self) -> None:
        while self._rows:
            self._finish(self._rows.popleft(), 0, _HANDED_BACK)
        if self._current is not None and self._current.awaits == "turn":
            self._finish(self._current.row, 0, _HANDED_BACK)
            self._let_go()

    # -- one row

    def _turn_granted(self) -> None:
        if self._current is None or self._current.awaits != "turn":
            self._turns.release(self.name)
        else:
            self._begin(self._current)

    def _begin(self, current: _Current) -> None:
        self._current = replace(current, awaits="begin")
        command = current.command
        self.tell(
            LEDGER,
            Begin(
                id=current.row.id,
                lease=current.row.lease,
                service=self.name,
                recipient=recipient(command),
                person=handle_of(command),
                text_hash=text_hash(command),
            ),
        )

    def _begun(self, begun: Begun) -> None:
        current = self._current
        if current is None or current.row.id != begun.id or current.awaits != "begin":
            return
        if begun.verdict == "granted":
            if self._is_stopping or steady_seconds() - begun.asked_at > BEGIN_VALID_SECONDS:
                self._finish(current.row, begun.attempt, _STALE)
                self._let_go()
                return
            self._current = replace(current, awaits="answer")
            self._courier.depart(
                Flight(current.row, current.command, current.request, begun.attempt)
            )
            return
        self._let_go()
        if begun.verdict == "lost":
            instruments.LEASES_LOST.labels(self.name).inc()
        elif begun.verdict == "wait":
            # The same wait holds for the others; the poller brings them back when it is over.
            self._hand_back_rows()

    def _landed(self) -> None:
        landed = self._courier.land()
        if landed is None:
            return
        flight, outcome = landed
        self._window = self._window.after(steady_seconds() - self._courier.departed_at)
        self._readiness.learn(outcome)
        self._ended(flight, outcome)

    def _ended(self, flight: Flight, outcome: Outcome) -> None:
        if self._carrier.needs_turn(flight.command):
            busy_until = time() + self._service.busy_seconds if outcome.is_unclear else None
            self._turns.release(self.name, busy_until)
        self._current = None
        instruments.COMMANDS.labels(self.name, flight.row.action, outcome.verdict).inc()
        self._finish(flight.row, flight.attempt, outcome)

    def _finish(self, row: Row, attempt: int, outcome: Outcome) -> None:
        finish = Finish(row.id, row.lease, self.name, attempt, outcome)
        self._finishing[row.id] = finish
        self.tell(LEDGER, finish)

    def _recorded(self, recorded: tuple[tuple[str, bool], ...]) -> None:
        for id_, is_ours in recorded:
            if self._finishing.pop(id_, None) is not None and not is_ours:
                instruments.LEASES_LOST.labels(self.name).inc()
                _log.warning(
                    "the row was ours no longer",
                    extra={"action": "lease_lost", "service": self.name, "command_id": id_},
                )

    def _let_go(self) -> None:
        """Give up the turn, held or waited for."""
        if self._current is None or self._current.awaits == "turn":
            self.tell(TURNSTILE, DropTurn(self.name))
        self._turns.release(self.name)
        self._current = None

    # -- others

    def _tell_again(self, name: str) -> None:
        current = self._current
        if name == LEDGER:
            for finish in self._finishing.values():
                self.tell(LEDGER, finish)
            if current is not None and current.awaits == "begin":
                self._begin(current)
        elif name == TURNSTILE and current is not None and current.awaits == "turn":
            self.tell(TURNSTILE, WantTurn(self.name, self._service.busy_seconds))
        elif name == POLLER:
            held = len(self._rows) + (current is not None) + len(self._finishing)
            self._room = self._received = 0
            self.tell(POLLER, Room(self.name, 0, held, 0, fresh=True))

    def _lose(self, ids: frozenset[str]) -> None:
        self._rows = deque(row for row in self._rows if row.id not in ids)
        current = self._current
        if current is not None and current.awaits == "turn" and current.row.id in ids:
            self._let_go()

    def _stop_working(self) -> None:
        self._is_stopping = True

    def _abandon(self) -> None:
        flight = self._courier.flight
        if self._current is not None and flight is not None:
            failure = Failure(Phase.MAYBE_SENT, "the worker was stopped before an answer came")
            self._ended(flight, _read_now(self._service, flight.command, failure))


def _read_now(service: Service, command: Command, failure: Failure) -> Outcome:
    return read_answer(service, command, failure, now=datetime.now().astimezone())
