"""Shows the database that this process lives, and picks up the work of those that do not."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING

from actors.base import WARDEN, Actor, Surroundings
from actors.messages import (
    ErrandFailed,
    Holding,
    Idle,
    LeasesLost,
    Open,
    PeerRestarted,
    Start,
    Stop,
    Tick,
)
from actors.poller import POLLER
from actp.clock import steady_seconds
from actp.errors import StoreRefused
from actp.spool import left_behind
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.registration import Registration
    from actp.spool import LeftBehind
    from actp.store import Store

__all__ = ["LIFELINE", "Lifeline"]

LIFELINE = "lifeline"
RESCUE = Tick("rescue")
BOOT = Tick("boot")
RESCUES_PER_LEASE = 6

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Booted:
    pass


@dataclass(frozen=True, slots=True)
class _Done:
    what: str
    lost: frozenset[tuple[str, int]] = frozenset()


class Lifeline(Actor):
    """Registers, replays the spool, rescues, then opens the poller; beats from then on.

    Rows of other workers are rescued only after the database was reachable for a whole lease: an
    outage keeps everybody from renewing, and is not a death.
    """

    def __init__(self, surroundings: Surroundings, *, store: Store, me: Registration) -> None:
        super().__init__(LIFELINE, surroundings)
        self._store = store
        self._me = me
        self._is_booted = False
        self._under_way: set[str] = set()
        self._reachable_since: float | None = None
        self._failures = 0
        self._backoff = Backoff()
        self._random = SystemRandom()

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Start() | Tick(what="boot"):
                self.errand("boot", self._boot)
            case _Booted():
                self._is_booted = True
                self._reached()
                self.tell(POLLER, Open())
                self._schedule_rescue()
            case Holding():
                self._unless_under_way("heartbeat", self._beat(message))
            case Tick(what="rescue"):
                rescue = self._rescue(expired=self._reachable_for_a_lease)
                self._unless_under_way("rescue", rescue)
                self._schedule_rescue()
            case _Done(what=what, lost=lost):
                self._under_way.discard(what)
                self._reached()
                if lost:
                    self._switchboard.tell_all(LeasesLost(lost), but=self.name)
            case ErrandFailed():
                self._failed(message)
            case PeerRestarted(name=name) if name == POLLER and self._is_booted:
                self.tell(POLLER, Open())
            case Stop():
                self.errand("sign_off", self._sign_off)
            case _:
                pass

    def _unless_under_way(self, what: str, work: Callable[[], _Done]) -> None:
        """Do an errand unless the last of its kind still waits for the database."""
        if what not in self._under_way:
            self._under_way.add(what)
            self.errand(what, work)

    @property
    def _reachable_for_a_lease(self) -> bool:
        since = self._reachable_since
        return since is not None and steady_seconds() - since >= self._me.lease_seconds

    def _reached(self) -> None:
        self._failures = 0
        if self._reachable_since is None:
            self._reachable_since = steady_seconds()

    def _failed(self, failed: ErrandFailed) -> None:
        self._under_way.discard(failed.what)
        self._reachable_since = None
        if failed.what == "sign_off":
            self.tell(WARDEN, Idle(self.name))
            return
        _log.warning(
            "%s failed: %s", failed.what, failed.error, extra={"action": "lifeline_failed"}
        )
        if failed.what == "boot":
            self.later(self._backoff.delay_seconds(self._failures, self._random.random()), BOOT)
            self._failures += 1

    def _schedule_rescue(self) -> None:
        self.later(self._me.lease_seconds / RESCUES_PER_LEASE, RESCUE)

    # -- errands: off the actor's thread, touching nothing of it but what never changes

    def _boot(self) -> _Booted:
        me = self._me
        self._store.call("safari_configure", policies=list(me.policies), settings=dict(me.settings))
        self._store.call(
            "safari_register",
            boot_id=me.boot_id,
            host_key=me.host_key,
            worker=me.worker,
            services=list(me.services),
        )
        for left in left_behind(me.spool_folder):
            self._replay(left)
        self._rescue(expired=False)()
        return _Booted()

    def _replay(self, left: LeftBehind) -> None:
        refused = 0
        for result in left.results:
            try:
                self._store.call(
                    "safari_ledger", boot_id=left.boot_id, finishes=[result], begins=[]
                )
            except StoreRefused:
                refused += 1
                _log.exception("a spooled result was refused", extra={"action": "spool_refused"})
        if refused:
            left.path.rename(left.path.with_suffix(".refused"))
        else:
            left.path.unlink(missing_ok=True)

    def _beat(self, holding: Holding) -> Callable[[], _Done]:
        def beat() -> _Done:
            answer = self._store.call(
                "safari_heartbeat",
                boot_id=self._me.boot_id,
                held=[{"id": id_, "lease": lease} for id_, lease in holding.held],
                state=dict(holding.state),
                lease_seconds=self._me.lease_seconds,
            )
            lost = frozenset(row for row in holding.held if row[0] in answer["lost"])
            return _Done("heartbeat", lost)

        return beat

    def _rescue(self, *, expired: bool) -> Callable[[], _Done]:
        def rescue() -> _Done:
            rescued = self._store.call(
                "safari_rescue",
                boot_id=self._me.boot_id,
                host_key=self._me.host_key,
                services=list(self._me.services),
                expired=expired,
            )
            if rescued:
                _log.warning("rescued %s", rescued, extra={"action": "rescued"})
            return _Done("rescue")

        return rescue

    def _sign_off(self) -> None:
        self._store.call("safari_sign_off", boot_id=self._me.boot_id)
        self._switchboard.tell(WARDEN, Idle(self.name))
