"""Looks at unknown outcomes once their services have come to rest."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import Drained, OffloadFailed, Start, Stop, StopNow, Tick
from actors.runtime.supervisor import ActorSpec, StopStage
from actp.safari.visits import Visits
from actp.settling import free_after_research, settle

if TYPE_CHECKING:
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["SETTLER", "SettlerActor", "settler_spec"]

SETTLER = "settler"
LOOK = Tick("look")
LOOK_SECONDS = 15.0
SHORTEST_LOOK_SECONDS = 0.2

_log = logging.getLogger(__name__)


class _Looked:
    """A round has ended."""


class SettlerActor(Actor):
    """Asks now and then for unknown outcomes that are due, and looks where their texts belong."""

    def __init__(self, context: ActorContext, *, store: Store, settings: Settings) -> None:
        super().__init__(SETTLER, context)
        self._store = store
        self._settings = settings
        self._visits = Visits(settings, holder=SETTLER)
        self._seconds = max(SHORTEST_LOOK_SECONDS, LOOK_SECONDS * settings.safari_time_scale)
        self._is_looking = False
        self._stopping = threading.Event()

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Start() | Tick(what="look"):
                self._look()
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
        self._visits.close()
        super().on_stop()

    def _look(self) -> None:
        if not self._is_looking and not self._stopping.is_set():
            self._is_looking = True
            self.offload("settle", self._settle)

    def _settle(self) -> _Looked:
        for holder in free_after_research(self._settings, self._visits):
            _log.info(
                "Safari is free: the research of %s has ended", holder, extra={"action": "free"}
            )
        for settled in settle(self._store, self._settings, self._visits):
            _log.info(
                "looked at an unknown outcome: %s",
                settled["settled"] or "it stays unknown",
                extra={"action": "settle", "command_id": settled["id"]},
            )
        return _Looked()


def settler_spec(settings: Settings, here: ActorContext, store: Store) -> ActorSpec:
    """Return how the actor is made that settles unknown outcomes."""
    start = partial(SettlerActor.start, here, store=store, settings=settings)
    return ActorSpec(SETTLER, start, StopStage.WORK)
