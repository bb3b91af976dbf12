"""One service: its rows, its readiness, and the thread that attempts them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import Drained, PeerRestarted, Pong, Start, Stop, StopNow, Tick
from actors.worker.entries import handed_back
from actors.worker.messages import (
    AttemptEnded,
    Demand,
    LeasesLost,
    Probed,
    Recorded,
    WaitLifted,
    Work,
)
from actors.worker.poller import POLLER
from actors.worker.prefetch import PrefetchLimit
from actp.safari.readiness import Readiness
from metrics import instruments

if TYPE_CHECKING:
    from concurrent.futures import Future

    from actors.worker.attempt import Attempt
    from actors.worker.attempt_thread import AttemptThread, Holding
    from actors.worker.messages import Ended, Row

__all__ = ["ServiceActor"]

READY = Tick("ready")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Finishing:
    """A row whose end is not known to be in the database; its lease is still renewed."""

    row: Row
    recorded: Future[bool]
    is_watched: bool = False


class ServiceActor(Actor):
    """Owns the port of one service and has its rows attempted, one at a time.

    What it holds is known to others through Pong only. Rows and the attempt under way belong to
    the thread, so an actor that replaces a crashed one finds them there.
    """

    def __init__(self, context: ActorContext, *, attempts: AttemptThread) -> None:
        super().__init__(attempts.service.name, context)
        self._attempts = attempts
        self._ledger = attempts.tools.ledger
        self._readiness = Readiness(SystemRandom(), limits_told=attempts.service.limits_told)
        self._prefetch = PrefetchLimit()
        self._finishing: list[_Finishing] = []
        self._is_abandoned = False
        self._room = 0
        self._received = 0
        self._held_as_told = 0
        self._is_probing = False
        self._is_stopping = False
        self._turns = attempts.tools.turns

    def pong(self, round_: int) -> Pong:
        """Return every row held, so that its lease is renewed, and whether the service is ready."""
        self._forget_recorded()
        waiting, current, ended = self._attempts.holding
        held = [*waiting, *ended, *(each.row for each in self._finishing)]
        if current is not None:
            held.append(current.row)
        instruments.show_service(
            self.name,
            step=self._readiness.step,
            breaker=self._readiness.breaker_state,
            has_turn=current is not None and current.has_turn,
        )
        return Pong(
            self.name,
            round_,
            tuple((row.id, row.lease) for row in held),
            self._readiness.state,
            is_stuck=current is not None and current.is_overdue,
        )

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Work(rows=rows):
                self._take(rows)
            case AttemptEnded():
                self._take_ended()
            case Probed(error=error):
                self._is_probing = False
                self._readiness.probed(error)
            case PeerRestarted(name=name) if name == POLLER:
                self._room = self._received = 0
                self.tell(POLLER, Demand(self.name, 0, self._held, 0, fresh=True))
            case LeasesLost(held=held):
                self._lose(held)
            case WaitLifted():
                self._readiness.lift()
            case Start():
                self.tell(POLLER, Demand(self.name, 0, self._held, 0, fresh=True))
                self._take_ended()  # of attempts that my predecessor started
            case Stop():
                self._stop()
            case StopNow():
                self._abandon()
            case _:
                pass
        self._forget_recorded()
        self._go_on()

    def _stop(self) -> None:
        self._is_stopping = True
        self._hand_back_rows()  # first: the one that is cancelled must be the last
        self._attempts.cancel()

    def _is_busy(self, current: Attempt | None) -> bool:
        return current is not None and not self._is_abandoned

    @property
    def _held(self) -> int:
        return self._held_with(self._attempts.holding)

    def _held_with(self, holding: Holding) -> int:
        waiting, current, ended = holding
        return len(waiting) + self._is_busy(current) + len(ended) + len(self._finishing)

    def _take(self, rows: tuple[Row, ...]) -> None:
        self._room -= len(rows)
        self._received += len(rows)
        self._held_as_told += len(rows)  # the poller counts them as held from the start
        if self._is_stopping:  # the thread would begin them when the attempt under way ends
            self._hand_back(rows)
        else:
            self._attempts.give(rows)
        for row in rows:
            instruments.QUEUE_WAIT_SECONDS.labels(self.name).observe(row.waited_seconds)

    def _take_ended(self) -> None:
        for ended in self._attempts.take_ended():
            self._take_end(ended)

    def _take_end(self, ended: Ended) -> None:
        self._is_abandoned = False
        if ended.error is not None:
            # It may be the row's fault or the service's; a fresh actor and the lease sort it out.
            raise ended.error
        if ended.is_lost:
            self._note_loss(ended.row)
        if ended.learned is not None:
            self._readiness.learn(ended.learned)
        if ended.request_seconds is not None:
            self._prefetch = self._prefetch.after(ended.request_seconds)
        self._finish(ended)
        if ended.must_wait:
            # The poller brings them back when the wait is over.
            self._hand_back_rows()

    def _finish(self, ended: Ended) -> None:
        if ended.finish is not None:
            self._finishing.append(_Finishing(ended.row, ended.finish))

    def _go_on(self) -> None:
        """Do the next thing: attempt a row, ask for more, or see whether the service is ready."""
        step = self._readiness.step
        if self._is_stopping or step != "go":
            self._hand_back_rows()
        else:
            self._attempts.go()
        holding = self._attempts.holding
        if not self._is_busy(holding.current):
            self._watch_finishing()
        if self._is_stopping:
            if not self._held_with(holding):
                self.tell(SUPERVISOR, Drained(self.name))
        elif step == "probe":
            if not self._is_probing and holding.current is None:
                self._is_probing = True
                self._attempts.probe()
        elif step == "wait":
            self.later(self._readiness.wait_seconds, READY)
        self._tell_demand(holding, is_open=step == "go" and not self._is_stopping)

    def _tell_demand(self, holding: Holding, *, is_open: bool) -> None:
        outstanding = self._room + len(holding.waiting) + self._is_busy(holding.current)
        more = self._prefetch.room(outstanding) if is_open else -self._room
        held = self._held_with(holding)
        if more or (held == 0 and self._held_as_told):
            self._room += more
            self._held_as_told = held
            self.tell(POLLER, Demand(self.name, more, held, self._received))

    def _hand_back_rows(self) -> None:
        self._hand_back(self._attempts.withdraw())

    def _hand_back(self, rows: tuple[Row, ...]) -> None:
        for row in rows:
            self._finishing.append(_Finishing(row, self._ledger.submit(handed_back(row))))

    def _watch_finishing(self) -> None:
        """Have it reported when a result is stored: no later message would show it."""
        for each in self._finishing:
            if not each.is_watched:
                each.is_watched = True
                each.recorded.add_done_callback(lambda _: self.tell(self.name, Recorded()))

    def _forget_recorded(self) -> None:
        left = []
        for each in self._finishing:
            if not each.recorded.done():
                left.append(each)
            elif not each.recorded.result():
                self._note_loss(each.row)
        self._finishing = left

    def _lose(self, held: frozenset[tuple[str, int]]) -> None:
        # A row that came back to us meanwhile has another lease, and is kept.
        for row in self._attempts.lose(held):
            self._note_loss(row)

    def _note_loss(self, row: Row) -> None:
        instruments.LEASES_LOST.labels(self.name).inc()
        _log.warning(
            "another worker owns the row now",
            extra={"action": "lease_lost", "service": self.name, "command_id": row.id},
        )

    def _abandon(self) -> None:
        current = self._attempts.holding.current
        if current is None or self._is_abandoned:
            return
        recorded = current.abandon()
        if recorded is not None:
            self._is_abandoned = True
            self._finishing.append(_Finishing(current.row, recorded))
