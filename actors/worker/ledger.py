"""Writes begins and finishes of all services in batches (group commit)."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import chain, islice
from math import inf
from random import SystemRandom
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, TypeVar, overload

from actors.worker.entries import (
    Begin,
    Begun,
    Finish,
    begin_item,
    begun_from,
    finish_item,
    is_about_entry,
    reduced,
)
from actp.errors import ActpError, StoreError, StoreRefused, StoreUnavailable
from actp.store.reconnect import Backoff
from metrics import instruments

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from actp.spool import Spool
    from actp.store import Store

__all__ = ["Ledger"]

MAX_BATCH_ITEMS = 200
# A finish waits so long for the begin of the next command, which goes first or shares its
# transaction: a message waits for its begin, and nothing for a finish.
COALESCE_SECONDS = 0.004
# A write that takes longer puts its results on disk meanwhile: the process may die waiting.
SPOOL_AFTER_SECONDS = 1.0
CLOSE_SECONDS = 1.0
# An entry that the database does not take, while it takes others, is tried again alone.
HELD_OVER_SECONDS = 30.0

Answer = TypeVar("Answer", Begun, bool)

_log = logging.getLogger(__name__)


class _PendingBegin(NamedTuple):
    entry: Begin
    answer: Future[Begun]


class _PendingFinish(NamedTuple):
    entry: Finish
    answer: Future[bool]
    whole: Finish | None = None  # where the entry is a reduced one


@dataclass(frozen=True, slots=True)
class _Batch:
    begins: tuple[_PendingBegin, ...]
    finishes: tuple[_PendingFinish, ...]

    @property
    def size(self) -> int:
        return len(self.begins) + len(self.finishes)

    @property
    def entries(self) -> list[Begin | Finish]:
        return [
            *(finish.entry for finish in self.finishes),
            *(begin.entry for begin in self.begins),
        ]


class Ledger:
    """Group commit: what is submitted during one write goes into the next.

    Any thread submits and gets a future. A result that cannot be written is spooled to disk and
    written when the database is back. Both sides of every call may be repeated, so a write whose
    answer was lost is sent again. A begin alone goes before the results of other services: nothing
    waits for those. An entry whose row is locked, or whose write a trigger of another program
    refuses, is held over and tried again alone: the others go on, and its command stays ours.
    ``on_returned`` is called when a row went back to the queue.
    """

    def __init__(
        self,
        store: Store,
        boot_id: str,
        spool: Spool,
        on_returned: Callable[[], object],
        *,
        held_over_seconds: float = HELD_OVER_SECONDS,
    ) -> None:
        self._store = store
        self._boot_id = boot_id
        self._spool = spool
        self._on_returned = on_returned
        self._held_over_seconds = held_over_seconds
        self._changed = threading.Condition()
        self._spooling = threading.Lock()
        self._begins: dict[str, _PendingBegin] = {}
        self._finishes: dict[str, _PendingFinish] = {}
        self._held_over: dict[str, float] = {}  # by id, until when
        self._writing_since: float | None = None
        self._one_by_one = 0
        self._failures = 0
        self._backoff = Backoff()
        self._random = SystemRandom()
        self._when_drained: Callable[[], object] | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    @overload
    def submit(self, entry: Begin) -> Future[Begun]: ...
    @overload
    def submit(self, entry: Finish) -> Future[bool]: ...
    def submit(self, entry: Begin | Finish) -> Future[Begun] | Future[bool]:
        """Have an entry written; the answer to a Finish is whether the row was still ours."""
        if isinstance(entry, Begin):
            begin = _PendingBegin(entry, Future())
            with self._changed:
                self._held_over.pop(entry.id, None)
                self._begins[entry.id] = begin
                self._changed.notify()
            return begin.answer
        finish = _PendingFinish(entry, Future())
        with self._changed:
            self._held_over.pop(entry.id, None)
            earlier = self._finishes.get(entry.id)
            self._finishes[entry.id] = finish
            withdrawn = self._begins.pop(entry.id, None)
            is_late = self._failures > 0 or self._is_late
            self._changed.notify()
        if earlier is not None:  # the later result of an attempt replaces the earlier one
            finish.answer.add_done_callback(lambda done: _settle(earlier.answer, done.result()))
        if withdrawn is not None:
            _settle(withdrawn.answer, Begun("lost", "withdrawn", 0))
        if is_late:
            self.spool_finishes()
        return finish.answer

    @property
    def is_alive(self) -> bool:
        """Whether the thread that writes is there."""
        return self._thread.is_alive()

    def spool_if_late(self) -> None:
        """Put results on disk whose write has taken long."""
        if self._is_late:
            self.spool_finishes()

    def spool_finishes(self) -> None:
        """Put every result on disk that the database has not taken yet."""
        with self._spooling:
            with self._changed:
                items = {id_: each.entry for id_, each in self._finishes.items()}
            try:
                self._spool.keep({id_: finish_item(finish) for id_, finish in items.items()})
            except OSError as error:
                # They are still in memory, and written when the database is back.
                _log.critical("cannot spool: %s", error, extra={"action": "spool_failed"})

    def call_when_drained(self, callback: Callable[[], object]) -> None:
        """Call back, from any thread, whenever nothing is left to write; at once if so now."""
        with self._changed:
            self._when_drained = callback
            is_drained = self._is_drained
        if is_drained:
            callback()

    def close(self) -> None:
        """End the thread after the write under way; what is left stays in the spool."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join(CLOSE_SECONDS)

    # -- the thread that writes

    @property
    def _is_late(self) -> bool:
        since = self._writing_since
        return since is not None and monotonic() - since > SPOOL_AFTER_SECONDS

    @property
    def _is_drained(self) -> bool:
        return not self._begins and not self._finishes

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            instruments.LEDGER_BATCH_SIZE.observe(batch.size)
            self._writing_since = monotonic()
            try:
                answer = self._store.call(
                    "safari_ledger",
                    boot_id=self._boot_id,
                    finishes=[finish_item(each.entry) for each in batch.finishes],
                    begins=[begin_item(each.entry) for each in batch.begins],
                )
                self._writing_since = None
                self._written(batch, answer)
            except StoreRefused as error:
                self._writing_since = None
                self._refused(batch, error)
            except Exception as error:  # noqa: BLE001 - of whatever kind: the results must be written
                self._writing_since = None
                if isinstance(error, StoreError) and is_about_entry(error):
                    self._not_taken(batch, error)
                else:
                    self._failed(error)

    def _next_batch(self) -> _Batch | None:
        with self._changed:
            while not self._is_closed:
                due_seconds = min(self._held_over.values(), default=inf) - monotonic()
                if due_seconds <= 0:
                    return self._alone(min(self._held_over, key=self._held_over.__getitem__))
                if all(id_ in self._held_over for id_ in chain(self._finishes, self._begins)):
                    self._changed.wait(None if due_seconds == inf else due_seconds)
                    continue
                if not self._begins and not self._when_drained:
                    self._changed.wait(COALESCE_SECONDS)
                return self._batch()
            return None

    def _batch(self) -> _Batch:
        limit = 1 if self._one_by_one else MAX_BATCH_ITEMS
        self._one_by_one = max(0, self._one_by_one - 1)
        ready = (each for id_, each in self._finishes.items() if id_ not in self._held_over)
        finishes = tuple(islice(ready, limit))
        waiting = (each for id_, each in self._begins.items() if id_ not in self._held_over)
        begins = tuple(islice(waiting, limit))
        if len(begins) == 1 and begins[0].entry.service not in {
            each.entry.service for each in finishes
        }:
            return _Batch(begins, ())
        return _Batch(begins[: limit - len(finishes)], finishes)

    def _alone(self, id_: str) -> _Batch:
        finish, begin = self._finishes.get(id_), self._begins.get(id_)
        return _Batch((begin,) if begin else (), (finish,) if finish else ())

    def _written(self, batch: _Batch, answer: dict[str, list[dict[str, Any]]]) -> None:
        self._failures = 0
        if any(entry.id in self._held_over for entry in batch.entries):
            # What was in the way may be gone for all of them.
            with self._changed:
                self._held_over.clear()
        finishes = {each.entry.id: each for each in batch.finishes}
        begins = {each.entry.id: each for each in batch.begins}
        self._forget(batch)
        for said in answer["finishes"]:
            _settle(finishes[said["id"]].answer, bool(said["recorded"]))
        for said in answer["begins"]:
            _settle(begins[said["id"]].answer, begun_from(said))
        if any(said.get("status") == "pending" for said in answer["finishes"]):
            # A row that goes back is due at a moment that the poller does not know of.
            self._on_returned()
        self._report_drained()

    def _forget(self, batch: _Batch) -> None:
        with self._changed:
            for begin in batch.begins:
                if self._begins.get(begin.entry.id) is begin:
                    del self._begins[begin.entry.id]
            for finish in batch.finishes:
                # A later result of the same attempt is still to be written.
                if self._finishes.get(finish.entry.id) is finish:
                    del self._finishes[finish.entry.id]
                    self._held_over.pop(finish.entry.id, None)
        with self._spooling:
            self._spool.forget(each.entry.id for each in batch.finishes)

    def _report_drained(self) -> None:
        with self._changed:
            callback = self._when_drained if self._is_drained else None
        if callback is not None:
            callback()

    def _refused(self, batch: _Batch, error: StoreRefused) -> None:
        """Find the item that spoils the batch, and store what can be stored of it."""
        _log.error(
            "the database rejected a ledger write: %s", error, extra={"action": "ledger_refused"}
        )
        if batch.size > 1:
            self._one_by_one = batch.size
            return
        for finish in batch.finishes:
            less = reduced(finish.entry, error)
            if less is not None:
                whole = finish.whole or finish.entry
                with self._changed:
                    if self._finishes.get(less.id) is finish:
                        self._finishes[less.id] = _PendingFinish(less, finish.answer, whole)
                return
        if batch.finishes and is_about_entry(error):
            self._not_taken(batch, error)
            return
        self._forget(batch)
        for finish in batch.finishes:
            _settle(finish.answer, answer=False)
        for begin in batch.begins:
            _settle(begin.answer, Begun("lost", "refused", 0))
        self._report_drained()

    def _not_taken(self, batch: _Batch, error: StoreError) -> None:
        """Find the entry that the database does not take; have it wait, and the others go on."""
        if batch.size > 1:
            self._one_by_one = batch.size
            return
        with self._changed:
            for finish in batch.finishes:
                if finish.whole and self._finishes.get(finish.entry.id) is finish:
                    self._finishes[finish.entry.id] = _PendingFinish(finish.whole, finish.answer)
            for entry in batch.entries:
                self._held_over[entry.id] = monotonic() + self._held_over_seconds
        self.spool_finishes()
        for entry in batch.entries:
            _log.error("%s is written later: %s", entry.id, error, extra={"action": "ledger_held"})
            if not isinstance(error, StoreUnavailable):
                self._tell(entry, error)

    def _tell(self, entry: Begin | Finish, error: StoreError) -> None:
        try:
            self._store.call(
                "safari_note",
                kind="write_refused",
                subject=entry.service,
                detail={"service": entry.service, "command_id": entry.id, "error": str(error)},
            )
        except ActpError as failure:
            _log.warning("cannot alert: %s", failure, extra={"action": "alert_failed"})

    def _failed(self, error: Exception) -> None:
        delay_seconds = self._backoff.delay_seconds(self._failures, self._random.random())
        self._failures += 1  # first: what is submitted from now on goes to disk at once
        self.spool_finishes()
        _log.warning("waiting for the database: %s", error, extra={"action": "ledger_waits"})
        again_at = monotonic() + delay_seconds
        with self._changed:
            while not self._is_closed and (left := again_at - monotonic()) > 0:
                self._changed.wait(left)


def _settle(future: Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)
