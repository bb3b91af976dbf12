"""The turn at Safari of one attempt."""

from __future__ import annotations

from contextlib import contextmanager
from time import time
from typing import TYPE_CHECKING

from metrics import instruments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actp.safari.catalogue import Service
    from actp.safari.outcomes import Outcome
    from actp.safari.turns import TurnTable

__all__ = ["HeldTurn"]


class HeldTurn:
    """Taken once, and released once, by whichever step ends it first; ``wake`` from any thread."""

    def __init__(self, turns: TurnTable, service: Service) -> None:
        self.is_held = False
        self._turns = turns
        self._service = service

    @contextmanager
    def held(self, *, give_up: Callable[[], bool], why: str) -> Iterator[bool]:
        """Hold Safari meanwhile; yields False when ``give_up`` ended the wait for it."""
        with instruments.TURNS_WAITING.track_inprogress():
            self.is_held = self._turns.take(
                self._service.name, self._service.busy_seconds, give_up=give_up, why=why
            )
        try:
            yield self.is_held
        finally:
            self.release()

    def release(self, outcome: Outcome | None = None) -> None:
        """Release the turn, if it is held; after an unclear end Safari can be busy for longer."""
        if self.is_held:
            self.is_held = False
            is_unclear = outcome is not None and outcome.is_unclear
            self._turns.release(self._service.name, self._busy_until() if is_unclear else None)

    def leave_busy(self) -> None:
        """Let go of a turn in use: the service may still be typing, or going through pages."""
        self._turns.release(self._service.name, self._busy_until())

    def wake(self) -> None:
        """Have a wait for the turn ask ``give_up`` now."""
        self._turns.wake(self._service.name)

    def _busy_until(self) -> float:
        return time() + self._service.busy_seconds
