"""The one Safari: who may drive it now."""

from __future__ import annotations

from random import SystemRandom
from time import time
from typing import TYPE_CHECKING

from actors.runtime.actor import Actor, ActorContext
from actors.runtime.messages import Tick
from actors.worker.messages import DropTurn, TurnGranted, WantTurn
from metrics import instruments

if TYPE_CHECKING:
    from actp.safari.turns import TurnTable

__all__ = ["TURNSTILE", "Turnstile"]

TURNSTILE = "turnstile"
LOOK_AGAIN = Tick("turnstile")
# How soon a turn that was given back is seen; against a DM of ten seconds it is nothing.
LOOK_AGAIN_SECONDS = 0.025


class Turnstile(Actor):
    """Stands in line for the services of this process that could not take their turn at once.

    Whose turn it is, and how long Safari may still be typing after a crash, is kept by the
    host-wide table, so it holds across processes and restarts.
    """

    def __init__(self, context: ActorContext, *, table: TurnTable) -> None:
        super().__init__(TURNSTILE, context)
        self._table = table
        self._waiting: dict[str, WantTurn] = {}
        self._random = SystemRandom()

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case WantTurn(service=service):
                self._waiting[service] = message
            case DropTurn(service=service):
                if self._waiting.pop(service, None) is not None:
                    self._table.unwant(service)
            case _:
                pass
        self._try_all()
        instruments.TURNS_WAITING.set(len(self._waiting))

    def _try_all(self) -> None:
        for service, want in list(self._waiting.items()):
            if self._table.try_take(service, time() + want.busy_seconds):
                del self._waiting[service]
                self.tell(service, TurnGranted(want.id))
        if self._waiting:
            self.later(LOOK_AGAIN_SECONDS * self._random.uniform(0.8, 1.2), LOOK_AGAIN)
