"""Checks unknown outcomes once their services are idle."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from actors.runtime.rounds import RoundsActor
from actors.runtime.supervisor import ActorSpec, StopStage
from actp.safari.client import SafariClient
from actp.settling import free_after_research, settle
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from actors.runtime.actor import ActorContext
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["SETTLER", "SettlerActor", "Unsettled", "settler_spec"]

SETTLER = "settler"
LOOK_SECONDS = 15.0
SHORTEST_LOOK_SECONDS = 0.2

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Whether the last check of the services found unknown outcomes left to look at."""

    is_any: bool


class SettlerActor(RoundsActor):
    """Claims unknown outcomes that are due, and looks where their texts belong.

    It also frees Safari after interrupted research, which SAFARI_VERIFY=off does not end.
    With ``asks_always`` it asks the database each round; else only after ``Unsettled``, since over
    REST each request is counted.
    """

    def __init__(
        self, context: ActorContext, *, store: Store, settings: Settings, asks_always: bool
    ) -> None:
        self._seconds = max(SHORTEST_LOOK_SECONDS, LOOK_SECONDS * settings.safari_time_scale)
        super().__init__(
            SETTLER,
            context,
            waits="unknown outcomes",
            retried=Exception,
            backoff=Backoff(floor_seconds=self._seconds, cap_seconds=self._seconds),
        )
        self._store = store
        self._asks_always = asks_always
        self._is_unsettled = False
        self._settings = settings
        self._safari = SafariClient(settings, holder=SETTLER)

    def receive(self, message: object) -> None:
        """Handle one message."""
        if isinstance(message, Unsettled):
            self._is_unsettled = message.is_any
        super().receive(message)

    def work(self) -> float:
        """Free Safari, then look."""
        self._free_after_research()
        is_settling = self._settings.safari_verify != "off"
        if is_settling and (self._asks_always or self._is_unsettled):
            self._settle()
        return self._seconds

    def release(self) -> None:
        """Give connections and the place in the line for Safari back."""
        self._safari.close()

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
