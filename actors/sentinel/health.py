"""Checks the nine services and stores their health."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import Drained, OffloadFailed, Start, Stop, StopNow, Tick
from actors.sentinel.alerts import ALERTS, Undelivered
from actors.sentinel.settler import SETTLER, Unsettled
from actp.clock import steady_seconds
from actp.safari.catalogue import HTTP_SERVICES
from actp.safari.hindrances import ask_ready
from actp.safari.session_check import probe_all

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import SecretStr

    from actp.safari.session_check import Health
    from actp.store import Store

__all__ = ["HEALTH", "HealthActor", "Watch"]

HEALTH = "health"
CHECK = Tick("check")
# Two rounds and the second look between them fit into the time in which an outage is noticed.
ROUND_SHARE = 0.8
SECOND_LOOK_SHARE = 0.08
# Another host's word counts for so many of its rounds.
STALE_ROUNDS = 3
# The daily sign of life may be so late.
ALL_WELL_SECONDS = 600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """What to watch, from where, and how closely."""

    host: str
    url_of: Callable[[str], str]
    token_of: Callable[[str], SecretStr | None]
    notice_seconds: float = 60.0
    all_well_hour_utc: int = 8
    accounts: Mapping[str, str] = field(default_factory=dict)
    logins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Checked:
    results: tuple[Health, ...]


@dataclass(frozen=True, slots=True)
class _Recorded:
    ask_ready: tuple[str, ...]
    is_unsettled: bool
    has_alerts: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    hindrances: Mapping[str, str | None]


class HealthActor(Actor):
    """Asks all services at once, and again soon when one has failed for the first time.

    The database knows what was before, decides whether a person hears of it, and says whom to ask
    whether it is ready. Who a service is, it is asked at the start and after each failure.
    """

    def __init__(self, context: ActorContext, *, store: Store, watch: Watch) -> None:
        super().__init__(HEALTH, context)
        self._store = store
        self._watch = watch
        self._failing = frozenset(service.name for service in HTTP_SERVICES)
        self._all_well_at = -inf

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Start() | Tick(what="check"):
                self.offload("check", self._look)
            case _Checked(results=results):
                self._checked(results)
            case _Recorded():
                self._recorded(message)
            case _Asked(hindrances=hindrances):
                self.offload("record_readiness", self._record_readiness(hindrances))
            case OffloadFailed():
                self._failed(message)
            case Stop() | StopNow():
                self.tell(SUPERVISOR, Drained(self.name))
            case _:
                pass

    def _checked(self, results: tuple[Health, ...]) -> None:
        failing = frozenset(each.service_name for each in results if each.status != "healthy")
        is_news = bool(failing - self._failing)
        self._failing = failing
        share = SECOND_LOOK_SHARE if is_news else ROUND_SHARE
        self.later(self._watch.notice_seconds * share, CHECK)
        says_all_well = steady_seconds() >= self._all_well_at
        if says_all_well:
            self._all_well_at = steady_seconds() + ALL_WELL_SECONDS
        self.offload("record", self._record(results, says_all_well=says_all_well))

    def _recorded(self, recorded: _Recorded) -> None:
        """Pass on what there is to do: over REST the others poll less often."""
        self.tell(SETTLER, Unsettled(recorded.is_unsettled))
        if recorded.has_alerts:
            self.tell(ALERTS, Undelivered())
        if recorded.ask_ready:
            self.offload("ask_ready", self._ask(recorded.ask_ready))

    def _failed(self, failed: OffloadFailed) -> None:
        _log.warning("%s failed: %s", failed.what, failed.error, extra={"action": "health_failed"})
        if failed.what == "check":
            self.later(self._watch.notice_seconds * ROUND_SHARE, CHECK)

    # -- offload: off the actor's thread

    def _look(self) -> _Checked:
        watch = self._watch
        return _Checked(
            tuple(probe_all(watch.url_of, token_of=watch.token_of, identify=self._failing))
        )

    def _record(
        self, results: tuple[Health, ...], *, says_all_well: bool
    ) -> Callable[[], _Recorded]:
        def record() -> _Recorded:
            answer: Any = self._store.call(
                "safari_check_services",
                host=self._watch.host,
                results=[result.row() for result in results],
                stale_seconds=STALE_ROUNDS * self._watch.notice_seconds,
                accounts=dict(self._watch.accounts),
            )
            if says_all_well:
                self._store.call("safari_all_well", hour=self._watch.all_well_hour_utc)
            return _Recorded(
                tuple(answer["ask_ready"]), answer["is_unsettled"], answer["has_alerts"]
            )

        return record

    def _ask(self, names: tuple[str, ...]) -> Callable[[], _Asked]:
        def ask() -> _Asked:
            watch = self._watch
            return _Asked(ask_ready(names, watch.url_of, watch.token_of, watch.logins))

        return ask

    def _record_readiness(self, hindrances: Mapping[str, str | None]) -> Callable[[], None]:
        results = [
            {"service_name": name, "not_ready": hindrance} for name, hindrance in hindrances.items()
        ]

        def record() -> None:
            self._store.call(
                "safari_record_readiness", results=results, accounts=dict(self._watch.accounts)
            )

        return record
