"""Checks unknown outcomes once their services are idle."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import Drained, OffloadFailed, Start, Stop, StopNow, Tick
from actors.runtime.supervisor import ActorSpec, StopStage
from actp.safari.client import SafariClient
from actp.settling import free_after_research, settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from actp.settings import Settings
    from actp.store import Store

__all__ = ["SETTLER", "SettlerActor", "Unsettled", "settler_spec"]

SETTLER = "settler"
LOOK = Tick("look")
LOOK_SECONDS = 15.0
SHORTEST_LOOK_SECONDS = 0.2

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Whether the last check of the services found unknown outcomes left to look at."""

    is_any: bool


class _Looked:
    """A round has ended."""


class SettlerActor(Actor):
    """Claims unknown outcomes that are due, and looks where their texts belong.

    It also frees Safari after interrupted research, which SAFARI_VERIFY=off does not end.
    With ``asks_always`` it asks the database each round; else only after ``Unsettled``, since over
    REST each request is counted.
    """

    def __init__(
        self, context: ActorContext, *, store: Store, settings: Settings, asks_always: bool
    ) -> None:
        super().__init__(SETTLER, context)
        self._store = store
        self._asks_always = asks_always
        self._is_unsettled = False
        self._settings = settings
        self._safari = SafariClient(settings, holder=SETTLER)
        self._seconds = max(SHORTEST_LOOK_SECONDS, LOOK_SECONDS * settings.safari_time_scale)
        self._is_looking = False
        self._stopping = threading.Event()

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Start() | Tick(what="look"):
                self._look()
            case Unsettled(is_any=is_any):
                self._is_unsettled = is_any
            case _Looked():
                self._is_looking = False
                self.later(self._seconds, LOOK)
            case OffloadFailed(error=error):
                self._is_looking = False
                _log.warning("unknown outcomes wait: %s", error, extra={"action": "settle_failed"})
                self.later(self._seconds, LOOK)
            case Stop():
                self._stopping.set()
            case StopNow():
                self._is_looking = False
            case _:
                pass
        if self._stopping.is_set() and not self._is_looking:
            self.tell(SUPERVISOR, Drained(self.name))

    def on_stop(self) -> None:
        """Give connections and the place in the line for Safari back."""
        self._stopping.set()
        self._safari.close()
        super().on_stop()

    def _look(self) -> None:
        if not self._is_looking and not self._stopping.is_set():
            self._is_looking = True
            is_settling = self._settings.safari_verify != "off"
            has_reason = self._asks_always or self._is_unsettled
            self.offload("settle", self._round(asks=is_settling and has_reason))

    def _round(self, *, asks: bool) -> Callable[[], _Looked]:
        def look() -> _Looked:
            self._free_after_research()
            if asks:
                self._settle()
            return _Looked()

        return look

    def _free_after_research(self) -> None:
        for holder in free_after_research(self._settings, self._safari):
            _log.info(
                "Safari is free: the research of %s has ended", holder, extra={"action": "free"}
            )

    def _settle(self) -> None:
        for settled in settle(self._store, self._settings, self._safari):
            _log.info(
                "checked an unknown outcome: %s",
                settled["settled"] or "still unknown",
                extra={"action": "settle", "command_id": settled["id"]},
            )


def settler_spec(
    settings: Settings, here: ActorContext, store: Store, *, asks_always: bool
) -> ActorSpec:
    """Return how the actor is made that settles unknown outcomes."""
    start = partial(
        SettlerActor.start, here, store=store, settings=settings, asks_always=asks_always
    )
    return ActorSpec(SETTLER, start, StopStage.WORK)
