"""Writes the begins and finishes of all services, as many at once as have come together."""

from __future__ import annotations

import logging
from collections import defaultdict
from random import SystemRandom
from typing import TYPE_CHECKING

from actors.runtime.actor import Actor, ActorContext
from actors.runtime.messages import Drained, OffloadFailed, Stop, StopNow, Tick, Wake
from actors.worker.ledger_batch import Batch, begin_item, begun_message, finish_item, reduced
from actors.worker.messages import Begin, Begun, Entries, Finish, Written
from actors.worker.poller import POLLER
from actp.clock import steady_seconds
from actp.errors import StoreRefused
from actp.store.reconnect import Backoff
from metrics import instruments

if TYPE_CHECKING:
    from actors.worker.ledger_batch import Answer
    from actp.spool import Spool
    from actp.store import Store

__all__ = ["LEDGER", "Ledger"]

LEDGER = "ledger"
FLUSH = Tick("flush")
SPOOL = Tick("spool")
MAX_BATCH_ITEMS = 200
# A write that takes longer puts its results on disk meanwhile: the process may die waiting.
SPOOL_AFTER_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Ledger(Actor):
    """Group commit: what arrives during one write goes into the next.

    A result that cannot be written is spooled to disk and written when the database is back.
    Both sides of every call may be repeated, so a write whose answer was lost is sent again.
    """

    def __init__(self, context: ActorContext, *, store: Store, boot_id: str, spool: Spool) -> None:
        super().__init__(LEDGER, context)
        self._store = store
        self._boot_id = boot_id
        self._spool = spool
        self._finishes: dict[str, Finish] = {}
        self._begins: dict[str, tuple[Begin, float]] = {}
        self._writing: Batch | None = None
        self._one_by_one = 0
        self._is_late = False
        self._failures = 0
        self._backoff = Backoff()
        self._random = SystemRandom()
        self._is_stopping = False

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Entries(entries=entries):
                self._enter(entries)
            case Batch():
                self._written(message)
            case OffloadFailed(error=error):
                self._failed(error)
                return
            case Tick(what="spool") | StopNow():
                self._is_late = self._writing is not None
                if self._is_late:
                    self._spool_finishes()
                return
            case Stop():
                self._is_stopping = True
            case _:
                pass
        if not self._failures or isinstance(message, Tick | Stop):
            self._flush()

    def _enter(self, entries: tuple[Begin | Finish, ...]) -> None:
        for entry in entries:
            if isinstance(entry, Begin):
                self._begins[entry.id] = (entry, steady_seconds())
            else:
                self._finishes[entry.id] = entry
                self._begins.pop(entry.id, None)
        if self._failures or self._is_late:
            self._spool_finishes()

    def _flush(self) -> None:
        if self._writing is not None:
            return
        if not self._finishes and not self._begins:
            if self._is_stopping:
                self.tell("supervisor", Drained(self.name))
            return
        limit = 1 if self._one_by_one else MAX_BATCH_ITEMS
        finishes = tuple(self._finishes.values())[:limit]
        room = limit - len(finishes)
        begins = tuple(self._begins.values())[:room]
        batch = self._writing = Batch(finishes, begins)
        self._one_by_one = max(0, self._one_by_one - 1)
        instruments.LEDGER_BATCH_SIZE.observe(batch.size)
        self._is_late = False
        self.later(SPOOL_AFTER_SECONDS, SPOOL)

        def write() -> Batch:
            answer: Answer = self._store.call(
                "safari_ledger",
                boot_id=self._boot_id,
                finishes=[finish_item(finish) for finish in finishes],
                begins=[begin_item(begin) for begin, _ in begins],
            )
            return batch.answered(answer)

        self.offload("ledger", write)

    def _written(self, batch: Batch) -> None:
        if batch.is_answer_of(self._writing):
            self._writing = None
        self._failures = 0
        recorded: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
        begun: dict[str, Begun] = {}
        services = {finish.id: finish.service for finish in batch.finishes}
        for finish in batch.finishes:
            # One that was told meanwhile for the same row is still to be written.
            if self._finishes.get(finish.id) is finish:
                del self._finishes[finish.id]
        for finished in batch.answer["finishes"]:
            recorded[services[finished["id"]]].append((finished["id"], finished["recorded"]))
        if any(finished.get("status") == "pending" for finished in batch.answer["finishes"]):
            # A row that goes back is due at a moment of which the poller has not heard.
            self.tell(POLLER, Wake())
        asked = {begin.id: (begin, at) for begin, at in batch.begins}
        for answer in batch.answer["begins"]:
            begin, asked_at = asked[answer["id"]]
            if self._begins.get(begin.id, (None, 0.0))[0] is begin:
                del self._begins[begin.id]
                begun[begin.service] = begun_message(answer, begin, asked_at)
        for service in recorded.keys() | begun.keys():
            self.tell(service, Written(tuple(recorded[service]), begun.get(service)))
        self._spool.forget(services)

    def _failed(self, error: Exception) -> None:
        batch, self._writing = self._writing, None
        if batch is None:
            return
        if isinstance(error, StoreRefused):
            self._refused(batch, error)
            return
        self._spool_finishes()
        delay_seconds = self._backoff.delay_seconds(self._failures, self._random.random())
        self._failures += 1
        _log.warning("waiting for the database: %s", error, extra={"action": "ledger_waits"})
        self.later(delay_seconds, FLUSH)

    def _refused(self, batch: Batch, error: StoreRefused) -> None:
        """Find the item that spoils the batch, and store what can be stored of it."""
        _log.error("the ledger was refused: %s", error, extra={"action": "ledger_refused"})
        if batch.size > 1:
            self._one_by_one = batch.size
        elif batch.finishes and (less := reduced(batch.finishes[0], error)) is not None:
            self._finishes[less.id] = less
        else:
            for finish in batch.finishes:
                self._finishes.pop(finish.id, None)
                self.tell(finish.service, Written(recorded=((finish.id, False),)))
            for begin, asked_at in batch.begins:
                self._begins.pop(begin.id, None)
                begun = Begun(begin.id, "lost", "refused", 0, begin.lease, asked_at)
                self.tell(begin.service, Written(begun=begun))
        self._flush()

    def _spool_finishes(self) -> None:
        try:
            self._spool.keep({finish.id: finish_item(finish) for finish in self._finishes.values()})
        except OSError as error:
            # They are still in memory, and written when the database is back.
            _log.critical("the spool takes nothing: %s", error, extra={"action": "spool_failed"})
