"""Heartbeats this worker and rescues commands of dead ones."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import (
    Drained,
    LeasesHeld,
    OffloadFailed,
    PeerRestarted,
    Start,
    Stop,
    Tick,
)
from actors.worker.entries import is_about_entry
from actors.worker.messages import LeasesLost, StartClaiming, WaitLifted
from actors.worker.poller import POLLER
from actp.errors import StoreError, StoreRefused, StoreUnavailable
from actp.marks import known_event, remember_event
from actp.spool import left_behind
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actors.worker.identity import WorkerIdentity
    from actp.marks import SentMarks
    from actp.spool import LeftBehind
    from actp.store import Store

__all__ = ["LIFELINE", "Lifeline"]

LIFELINE = "lifeline"
BOOT = Tick("boot")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Booted:
    pass


@dataclass(frozen=True, slots=True)
class _Beaten:
    lost: frozenset[tuple[str, int]]
    resumed: Mapping[str, str]
    rescue_error: str | None


class Lifeline(Actor):
    """Registers, replays the spool, rescues, then opens the poller; beats from then on.

    It beats in every ``rounds_per_beat``-th round of its process, and in the next one after a beat
    that failed. Each beat also rescues. Whether this worker has beaten for long enough to judge
    others is for the database to say: a rescue may be carried out long after it was asked.
    """

    def __init__(
        self,
        context: ActorContext,
        *,
        store: Store,
        me: WorkerIdentity,
        rounds_per_beat: int = 1,
        marks: SentMarks | None = None,
    ) -> None:
        super().__init__(LIFELINE, context)
        self._rounds_per_beat = rounds_per_beat
        self._rounds_to_beat = 1
        self._store = store
        self._me = me
        self._marks = marks
        self._is_booted = False
        self._is_beating = False
        self._resumed: dict[str, str] = {}
        self._told: str | None = None
        self._failures = 0
        self._backoff = Backoff()
        self._random = SystemRandom()

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Start() | Tick(what="boot"):
                self.offload("boot", self._boot)
            case _Booted():
                self._is_booted = True
                self._failures = 0
                self.tell(POLLER, StartClaiming())
            case LeasesHeld() if not self._is_beating:  # else the last one waits for the database
                self._rounds_to_beat -= 1
                if self._rounds_to_beat <= 0:
                    self._rounds_to_beat = self._rounds_per_beat
                    self._is_beating = True
                    self.offload("beat", self._beat(message, rescues=self._is_booted))
            case _Beaten():
                self._beaten(message)
            case OffloadFailed():
                self._failed(message)
            case PeerRestarted(name=name) if name == POLLER and self._is_booted:
                self.tell(POLLER, StartClaiming())
            case Stop():
                self.offload("sign_off", self._sign_off)
            case _:
                pass

    def _beaten(self, beaten: _Beaten) -> None:
        self._is_beating = False
        if beaten.rescue_error != self._told:
            self._told = beaten.rescue_error
            if self._told is not None:
                self.offload("tell", partial(self._tell_refused, self._told))
        if beaten.lost:
            self._registry.tell_all(LeasesLost(beaten.lost), but=self.name)
        # It is answered for a while, since a beat can be lost: once each is enough.
        for service, at in beaten.resumed.items():
            if self._resumed.get(service) != at:
                self._resumed[service] = at
                self.tell(service, WaitLifted())

    def _failed(self, failed: OffloadFailed) -> None:
        if failed.what == "beat":
            self._is_beating, self._rounds_to_beat = False, 1
        if failed.what == "sign_off":
            self.tell(SUPERVISOR, Drained(self.name))
            return
        _log.warning(
            "%s failed: %s", failed.what, failed.error, extra={"action": "lifeline_failed"}
        )
        if failed.what == "boot":
            self.later(self._backoff.delay_seconds(self._failures, self._random.random()), BOOT)
            self._failures += 1

    # -- offload: off the actor's thread, touching nothing of it but what never changes

    def _boot(self) -> _Booted:
        me = self._me
        self._store.call("safari_configure", policies=list(me.policies), settings=dict(me.settings))
        self._store.call(
            "safari_register",
            boot_id=me.boot_id,
            host_key=me.host_key,
            worker=me.worker,
            services=list(me.services),
            accounts=dict(me.accounts),
        )
        for left in left_behind(me.spool_folder):
            self._replay(left)
        known = known_event(me.marks_folder)
        self._compare(known, self._store.call("safari_watermark", known=known))
        self._rescue()
        return _Booted()

    def _replay(self, left: LeftBehind) -> None:
        if left.fault is not None:
            self._store.call(
                "safari_note",
                kind="spool_refused",
                subject=left.path.name,
                detail={"path": str(left.path), "error": left.fault},
            )
            _log.error("%s: %s", left.path, left.fault, extra={"action": "spool_refused"})
            return
        refused = list[StoreError]()
        for result in left.results:
            try:
                self._store.call(
                    "safari_ledger", boot_id=left.boot_id, finishes=[result], begins=[]
                )
            except StoreError as error:
                if not _is_refusal(error):
                    raise
                refused.append(error)
                _log.exception("a spooled result was refused", extra={"action": "spool_refused"})
        if not refused:
            left.path.unlink(missing_ok=True)
        elif any(is_about_entry(error) for error in refused):
            self._tell_refused(refused[0])  # the next start tries the file again
        else:
            left.path.rename(left.path.with_suffix(".refused"))

    def _tell_refused(self, error: object) -> None:
        self._store.call(
            "safari_note",
            kind="write_refused",
            subject=self._me.host_key,
            detail={"error": str(error)},
        )

    def _rescue(self) -> None:
        """Rescue what an earlier process of this host held; a row that refuses it stops nobody."""
        try:
            rescued = self._store.call(
                "safari_rescue",
                boot_id=self._me.boot_id,
                host_key=self._me.host_key,
                services=list(self._me.services),
                expired=False,
            )
        except StoreError as error:
            if not _is_refusal(error):
                raise
            _log.exception("the rescue was refused", extra={"action": "rescue_failed"})
            self._tell_refused(error)
        else:
            _log_rescue(rescued)

    def _beat(self, holding: LeasesHeld, *, rescues: bool) -> Callable[[], _Beaten]:
        def beat() -> _Beaten:
            known = known_event(self._me.marks_folder)
            answer = self._store.call(
                "safari_beat",
                boot_id=self._me.boot_id,
                held=[{"id": id_, "lease": lease} for id_, lease in holding.held],
                state=dict(holding.state),
                lease_seconds=self._me.lease_seconds,
                host_key=self._me.host_key,
                services=list(self._me.services) if rescues else None,
                known=known,
            )
            _log_rescue(answer.get("rescued"))
            for what in ("rescue", "watermark"):
                if error := answer.get(f"{what}_error"):
                    _log.error("%s failed: %s", what, error, extra={"action": f"{what}_failed"})
            self._compare(known, answer.get("watermark"))
            return _Beaten(
                frozenset(row for row in holding.held if row[0] in answer["lost"]),
                answer.get("resumed") or {},
                answer.get("rescue_error"),
            )

        return beat

    def _compare(self, known: Mapping[str, Any], found: Mapping[str, Any] | None) -> None:
        """Have commands held where the database was restored to an earlier moment."""
        if self._marks is not None:
            for id_ in self._marks.forgotten():
                self._store.call("safari_forgotten", command_id=id_)
                self._marks.reported(id_)
        if found is None:
            return
        if (found["database"], found["event"]) != (known["database"], known["event"]):
            remember_event(self._me.marks_folder, found["database"], found["event"])
        if found["restored"]:
            _log.critical(
                "the database was restored to an earlier state: %d commands are held",
                found["held"],
                extra={"action": "database_restored"},
            )

    def _sign_off(self) -> None:
        self._store.call("safari_sign_off", boot_id=self._me.boot_id)
        self._registry.tell(SUPERVISOR, Drained(self.name))


def _is_refusal(error: StoreError) -> bool:
    """Return whether the database is there, and refuses this."""
    return isinstance(error, StoreRefused) or (
        is_about_entry(error) and not isinstance(error, StoreUnavailable)
    )


def _log_rescue(rescued: Mapping[str, int] | None) -> None:
    if rescued:
        _log.warning("rescued %s", rescued, extra={"action": "rescued"})
