"""Spools late ledger entries, and delays a stop until the rest is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import Drained, Pong, Start, Stop, StopNow, Tick
from actors.worker.ledger import SPOOL_AFTER_SECONDS

if TYPE_CHECKING:
    from actors.worker.ledger import Ledger

__all__ = ["LEDGER", "LedgerActor"]

LEDGER = "ledger"
LOOK = Tick("look")
DRAINED = Tick("drained")


class LedgerActor(Actor):
    """Holds nothing itself, so a restart loses nothing."""

    def __init__(self, context: ActorContext, *, ledger: Ledger) -> None:
        super().__init__(LEDGER, context)
        self._ledger = ledger

    def pong(self, round_: int) -> Pong:
        """Return that it is stuck when nobody writes any more."""
        return Pong(self.name, round_, is_stuck=not self._ledger.is_alive)

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Start() | Tick(what="look"):
                self._ledger.spool_if_late()
                self.later(SPOOL_AFTER_SECONDS, LOOK)
            case Stop():
                self._ledger.call_when_drained(lambda: self.tell(self.name, DRAINED))
            case Tick(what="drained"):
                self.tell(SUPERVISOR, Drained(self.name))
            case StopNow():
                self._ledger.spool_finishes()
            case _:
                pass
