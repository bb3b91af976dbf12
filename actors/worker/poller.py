"""Claims rows for the services of this process and hands them out."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import Drained, OffloadFailed, Pong, Stop, StopNow, Tick, Wake
from actors.worker.messages import Claimed, Demand, Row, StartClaiming, Work
from actp.errors import ActpError, StoreUnavailable
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from actors.worker.identity import WorkerIdentity
    from actp.store import Store

__all__ = ["POLLER", "Poller", "Polling"]

POLLER = "poller"
POLL = Tick("poll")
# A service that is told to wait a month is looked at again sooner: somebody may lift the wait.
LONGEST_WAIT_SECONDS = 30.0
SHORTEST_WAIT_SECONDS = 0.01

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Polling:
    """How often to look without being called.

    With NOTIFY that is a safety net; without it, ``busy_seconds`` after something was found, then
    doubling up to ``idle_seconds``.
    """

    has_notify: bool
    busy_seconds: float = 1.0
    idle_seconds: float = 30.0

    def after(self, seconds: float, *, found: bool) -> float:
        """Return the next interval from the last one."""
        if self.has_notify:
            return self.idle_seconds
        return self.busy_seconds if found else min(self.idle_seconds, seconds * 2)


@dataclass(slots=True)
class _Credit:
    room: int = 0
    held: int = 0
    in_transit: int = 0
    received: int = 0
    maybe_more: bool = True


class Poller(Actor):
    """Asks the database for no more than the services have asked for.

    Woken by NOTIFY where there is one, by a timer else; while rows keep coming, by the room that
    finished ones leave.
    """

    def __init__(
        self, context: ActorContext, *, store: Store, me: WorkerIdentity, polling: Polling
    ) -> None:
        super().__init__(POLLER, context)
        self._store = store
        self._me = me
        self._polling = polling
        self._credits = {service: _Credit() for service in me.services}
        self._is_open = False
        self._is_stopping = False
        self._is_claiming = False
        self._claim_again = False
        self._called: set[str] = set()
        self._drain = False
        self._alone = False
        self._interval_seconds = polling.busy_seconds
        self._is_timed = False
        self._failures = 0
        self._backoff = Backoff()
        self._random = SystemRandom()
        self._waits: Mapping[str, Any] = {}

    def pong(self, round_: int) -> Pong:
        """Return the waits that the database last gave as state."""
        return Pong(self.name, round_, state={"waits": dict(self._waits)})

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Demand():
                self._credit(message)
            case Claimed():
                self._hand_out(message)
            case Wake(services=services):
                self._wake(services)
            case Tick():
                self._is_timed = True
                self._wake(frozenset())
            case StartClaiming():
                self._is_open = not self._is_stopping
                self._claim()
            case Stop():
                self._is_open, self._is_stopping = False, True
            case StopNow():
                self._is_claiming = False
            case OffloadFailed(error=error):
                self._failed(error)
            case _:
                pass
        if self._is_stopping and not self._is_claiming:
            self.tell(SUPERVISOR, Drained(self.name))

    @property
    def _held(self) -> int:
        return sum(credit.held + credit.in_transit for credit in self._credits.values())

    def _credit(self, demand: Demand) -> None:
        credit = self._credits[demand.service]
        if demand.fresh:
            credit.room, credit.received, credit.in_transit = 0, 0, 0
        credit.room += demand.more
        credit.held = demand.held
        credit.in_transit -= demand.received - credit.received
        credit.received = demand.received
        if (self._alone or self._drain) and self._held == 0:
            self._alone = self._drain = False
            self._expect_more(self._credits)
        if credit.maybe_more:
            self._claim()

    def _wake(self, services: frozenset[str]) -> None:
        called = self._credits.keys() & services if services else self._credits.keys()
        if not called:
            return
        self._expect_more(called)
        if self._is_claiming:
            # The claim under way may have looked before the row was there.
            self._called |= called
        self._claim()

    def _expect_more(self, services: Collection[str]) -> None:
        for service in services:
            self._credits[service].maybe_more = True

    def _claim(self) -> None:
        if self._is_claiming:
            self._claim_again = True
            return
        if not self._is_open or self._alone or self._drain:
            return
        wants = {
            service: credit.room
            for service, credit in self._credits.items()
            if credit.room > 0 and credit.maybe_more
        }
        if not wants:
            return
        self._is_claiming, self._claim_again = True, False
        held = self._held

        def claim() -> Claimed:
            try:
                answer = self._store.call(
                    "safari_claim",
                    boot_id=self._me.boot_id,
                    wants=wants,
                    held=held,
                    lease_seconds=self._me.lease_seconds,
                )
            except StoreUnavailable:
                raise
            except ActpError as error:
                # One row can spoil the claim of all; those that do are ended, and alerted.
                self._store.call("safari_set_aside", services=list(wants), error=str(error))
                raise
            return _claimed(wants, answer)

        self.offload("claim", claim)

    def _hand_out(self, claimed: Claimed) -> None:
        self._is_claiming = False
        self._failures = 0
        self._waits = claimed.waits
        self._drain = claimed.drain
        by_service: dict[str, list[Row]] = {service: [] for service in claimed.wants}
        for row in claimed.rows:
            by_service[row.service].append(row)
            self._alone = self._alone or row.crash_count > 0
        for service, rows in by_service.items():
            credit = self._credits[service]
            credit.maybe_more = len(rows) >= claimed.wants[service]
            if not rows:
                continue
            credit.room -= len(rows)
            credit.in_transit += len(rows)
            self.tell(service, Work(tuple(rows)))
        self._schedule(claimed)
        if self._drain and self._held == 0:
            # The last row ended while the claim was under way: no more room will tell of it.
            self._drain, self._claim_again = False, True
            self._expect_more(self._credits)
        self._expect_more(self._called)
        self._called.clear()
        if self._claim_again:
            self._claim()

    def _schedule(self, claimed: Claimed) -> None:
        # A claim that freed room has asked for says nothing of how often rows come.
        if claimed.rows or self._is_timed:
            self._interval_seconds = self._polling.after(
                self._interval_seconds, found=bool(claimed.rows)
            )
        self._is_timed = False
        seconds = [self._interval_seconds * self._random.uniform(0.9, 1.1), LONGEST_WAIT_SECONDS]
        seconds += [wait["seconds"] for wait in claimed.waits.values()]
        if claimed.next_due_seconds is not None:
            seconds.append(claimed.next_due_seconds)
        self.later(max(SHORTEST_WAIT_SECONDS, min(seconds)), POLL)

    def _failed(self, error: Exception) -> None:
        self._is_claiming = False
        delay_seconds = self._backoff.delay_seconds(self._failures, self._random.random())
        self._failures += 1
        _log.warning("claiming failed: %s", error, extra={"action": "claim_failed"})
        self.later(delay_seconds, POLL)


def _claimed(wants: Mapping[str, int], answer: Mapping[str, Any]) -> Claimed:
    rows = tuple(
        Row(
            id=row["id"],
            lease=row["lease"],
            service=row["service"],
            action=row["action"],
            platform=row["platform"],
            params=row["params"],
            effect=row["effect"],
            crash_count=row["crash_count"],
            waited_seconds=row["waited_seconds"],
        )
        for row in answer["commands"]
    )
    return Claimed(wants, rows, answer["waits"], answer["next_due_seconds"], answer["drain"])
