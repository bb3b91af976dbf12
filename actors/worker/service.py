"""One service: its rows, its turn, its breaker, one request in flight."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace
from random import SystemRandom
from time import time
from typing import TYPE_CHECKING

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import Drained, PeerRestarted, Pong, Start, Stop, StopNow, Tick
from actors.worker.courier import Flight
from actors.worker.current import Current, command_of
from actors.worker.ledger import LEDGER
from actors.worker.messages import (
    Answered,
    Begun,
    Demand,
    DropTurn,
    Entries,
    Finish,
    LeasesLost,
    PostFound,
    Probed,
    TurnGranted,
    WantTurn,
    Work,
    Written,
)
from actors.worker.poller import POLLER
from actors.worker.prefetch import PrefetchLimit
from actors.worker.readiness import Readiness
from actors.worker.turnstile import TURNSTILE
from actp.clock import steady_seconds
from actp.errors import InvalidInput
from actp.safari.catalogue import ACTIONS
from actp.safari.commands import awaits_post
from actp.safari.outcomes import Failure, Outcome, Phase, refused_input
from metrics import instruments

if TYPE_CHECKING:
    from actors.worker.courier import Courier
    from actors.worker.messages import Begin, Row
    from actp.safari.commands import Command
    from actp.safari.turns import TurnTable

__all__ = ["ServiceActor"]

READY = Tick("ready")
# A begin that was granted longer ago may have been overtaken: by a sleeping machine, by a rescue.
BEGIN_VALID_SECONDS = 5.0

_HANDED_BACK = Outcome("wait", "handed_back", quota_back=True)
_STALE = Outcome("wait", "begun_too_long_ago", quota_back=True)

_log = logging.getLogger(__name__)


class ServiceActor(Actor):
    """Works off the rows of one service, one at a time: turn, post if need be, begin, send, finish.

    What it holds is known to others only through Pong; what it has finished is kept until the
    ledger says that it is recorded, so that a restarted ledger can be told again.
    """

    def __init__(self, context: ActorContext, *, courier: Courier, turns: TurnTable) -> None:
        super().__init__(courier.carrier.service.name, context)
        self._courier = courier
        self._carrier = courier.carrier
        self._service = courier.carrier.service
        self._turns = turns
        self._readiness = Readiness(SystemRandom())
        self._window = PrefetchLimit()
        self._rows: deque[Row] = deque()
        self._current: Current | None = None
        self._finishing: dict[str, Finish] = {}
        self._to_ledger: list[Begin | Finish] = []
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
        instruments.show_service(
            self.name,
            step=self._readiness.step,
            breaker=self._readiness.breaker_state,
            has_turn=self._current is not None
            and self._current.awaits != "turn"
            and self._carrier.needs_turn(self._current.command),
        )
        return Pong(
            self.name, round_, tuple(held), self._readiness.state, is_stuck=self._courier.is_overdue
        )

    def receive(self, message: object) -> None:  # noqa: C901, PLR0912 - one line a message
        """Handle one message."""
        match message:
            case Work(rows=rows):
                self._take(rows)
            case TurnGranted(id=id_):
                self._turn_granted(id_)
            case Written(recorded=recorded, begun=begun):
                self._recorded(recorded)
                if begun is not None:
                    self._begun(begun)
            case PostFound(id=id_, found=found):
                self._post_found(id_, found)
            case Answered():
                self._landed()
            case Probed(error=error):
                self._is_probing = False
                self._readiness.probed(error)
            case PeerRestarted(name=name):
                self._tell_again(name)
            case LeasesLost(held=held):
                self._lose(held)
            case Start():
                self._start()
            case Stop():
                self._stop_working()
            case StopNow():
                self._stop_now()
            case _:
                pass
        self._go_on()
        if self._to_ledger:
            # The end of one command and the beginning of the next go into one transaction.
            self.tell(LEDGER, Entries(tuple(self._to_ledger)))
            self._to_ledger.clear()

    # -- the rows

    def _start(self) -> None:
        self.tell(POLLER, Demand(self.name, 0, 0, 0, fresh=True))
        flight = self._courier.flight
        if flight is not None:  # my predecessor crashed while it flew
            self._current = Current(flight.row, flight.command, flight.request, "answer")
            self._landed()
        elif not self._courier.is_looking:  # else Safari is not free before the lookup is over
            self._let_go()

    def _take(self, rows: tuple[Row, ...]) -> None:
        self._room -= len(rows)
        self._received += len(rows)
        self._held_as_told += len(rows)  # the poller counts them as held from the start
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
                self.tell(SUPERVISOR, Drained(self.name))
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
            self.tell(POLLER, Demand(self.name, more, held, self._received))

    def _start_on(self, row: Row) -> None:
        try:
            command = command_of(row)
            request = None if awaits_post(command) else self._carrier.prepare(command)
        except InvalidInput as error:
            self._count(row, "rejected")
            self._finish(row, 0, refused_input(self.name, error))
            return
        current = Current(row, command, request, "turn")
        if not self._carrier.needs_turn(command) or self._take_turn():
            self._go_ahead(current)
        else:
            self._current = current
            self.tell(TURNSTILE, WantTurn(self.name, row.id, self._service.busy_seconds))

    def _take_turn(self) -> bool:
        return self._turns.try_take(self.name, time() + self._service.busy_seconds)

    def _hand_back_rows(self) -> None:
        while self._rows:
            self._finish(self._rows.popleft(), 0, _HANDED_BACK)
        if self._current is not None and self._current.awaits == "turn":
            self._finish(self._current.row, 0, _HANDED_BACK)
            self._let_go()

    # -- one row

    def _turn_granted(self, id_: str) -> None:
        current = self._current
        if current is not None and current.awaits == "turn" and current.row.id == id_:
            self._go_ahead(current)
        elif current is None or current.awaits == "turn":
            # Granted for a row that is gone, after its turn was given up. A row that has taken the
            # turn since keeps it.
            self._turns.release(self.name)

    def _go_ahead(self, current: Current) -> None:
        if awaits_post(current.command):
            self._current = replace(current, awaits="post")
            self._courier.find_post(current.command)
        else:
            self._begin(current)

    def _post_found(self, id_: str, found: Command | Outcome) -> None:
        current = self._current
        if current is None:  # of a predecessor
            self._turns.release(self.name)
            return
        if current.row.id != id_ or current.awaits != "post":
            return
        if self._is_stopping:
            self._finish(current.row, 0, _HANDED_BACK)
            self._let_go()
        elif isinstance(found, Outcome):
            # Begun all the same: the attempt is counted, retried and told like any other.
            self._begin(replace(current, problem=found))
        else:
            try:
                request = self._carrier.prepare(found)
            except InvalidInput as error:
                self._begin(replace(current, problem=refused_input(self.name, error)))
            else:
                self._begin(replace(current, command=found, request=request))

    def _begin(self, current: Current) -> None:
        self._current = replace(current, awaits="begin")
        self._to_ledger.append(current.begin())

    def _begun(self, begun: Begun) -> None:
        current = self._current
        if current is None or current.row.id != begun.id or current.awaits != "begin":
            self._begun_for_nobody(begun)
            return
        if begun.verdict == "granted":
            if self._is_stopping or steady_seconds() - begun.asked_at > BEGIN_VALID_SECONDS:
                self._finish(current.row, begun.attempt, _STALE)
                self._let_go()
                return
            flight = Flight(current.row, current.command, current.request, begun.attempt)
            if current.problem is not None:
                self._readiness.learn(current.problem)
                self._ended(flight, current.problem)
                return
            self._current = replace(current, awaits="answer")
            self._courier.depart(flight)
            return
        self._let_go()
        if begun.verdict == "refused":
            self._count(current.row, "refused")
        elif begun.verdict == "lost":
            self._note_loss(begun.id)
            if begun.attempt:
                self._finish(current.row, begun.attempt, _STALE)
        elif begun.verdict == "wait":
            # The same wait holds for the others; the poller brings them back when it is over.
            self._hand_back_rows()

    def _begun_for_nobody(self, begun: Begun) -> None:
        """Close an attempt that a predecessor asked for and that has not left."""
        flight = self._courier.flight
        if begun.verdict == "granted" and (flight is None or flight.row.id != begun.id):
            self._finishing[begun.id] = Finish(
                begun.id, begun.lease, self.name, begun.attempt, _STALE
            )
            self._to_ledger.append(self._finishing[begun.id])

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
        self._count(flight.row, outcome.verdict)
        self._finish(flight.row, flight.attempt, outcome)

    def _finish(self, row: Row, attempt: int, outcome: Outcome) -> None:
        finish = Finish(row.id, row.lease, self.name, attempt, outcome)
        self._finishing[row.id] = finish
        self._to_ledger.append(finish)

    def _count(self, row: Row, outcome: str) -> None:
        # Anybody may have inserted the row: only actions that we know become a series.
        action = row.action if row.action in ACTIONS else instruments.OTHER_ACTION
        instruments.COMMANDS.labels(self.name, action, outcome).inc()

    def _recorded(self, recorded: tuple[tuple[str, bool], ...]) -> None:
        for id_, is_ours in recorded:
            if self._finishing.pop(id_, None) is not None and not is_ours:
                self._note_loss(id_)

    def _note_loss(self, id_: str) -> None:
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
            self._to_ledger += self._finishing.values()
            if current is not None and current.awaits == "begin":
                self._begin(current)
        elif name == TURNSTILE and current is not None and current.awaits == "turn":
            self.tell(TURNSTILE, WantTurn(self.name, current.row.id, self._service.busy_seconds))
        elif name == POLLER:
            held = len(self._rows) + (current is not None) + len(self._finishing)
            self._room = self._received = 0
            self.tell(POLLER, Demand(self.name, 0, held, 0, fresh=True))

    def _lose(self, held: frozenset[tuple[str, int]]) -> None:
        # A row that came back to us meanwhile has another lease, and is kept.
        for row in [row for row in self._rows if (row.id, row.lease) in held]:
            self._rows.remove(row)
            self._note_loss(row.id)
        current = self._current
        if current is None or current.awaits != "turn":
            return
        if (current.row.id, current.row.lease) in held:
            self._note_loss(current.row.id)
            self._let_go()

    def _stop_working(self) -> None:
        self._is_stopping = True

    def _stop_now(self) -> None:
        flight = self._courier.flight
        if self._current is not None and flight is not None:
            failure = Failure(Phase.MAYBE_SENT, "the worker was stopped before an answer came")
            self._ended(flight, self._courier.outcome_of(flight.command, failure))
        elif self._current is not None and self._current.awaits == "post":
            self._finish(self._current.row, 0, _HANDED_BACK)
            self._current = None
            # The service is still going through pages.
            self._turns.release(self.name, time() + self._service.busy_seconds)
