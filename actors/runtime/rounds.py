"""Actors that work in rounds, one at a time and off their own thread."""

from __future__ import annotations

import logging
import threading
from abc import abstractmethod
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import Drained, OffloadFailed, Start, Stop, StopNow, Tick
from actp.errors import ActpError
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["RoundsActor"]

NEXT_ROUND = Tick("round")
SHORTEST_WAIT_SECONDS = 0.05
LONGEST_BACKOFF_SECONDS = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class _RoundEnded:
    """The end of a round; that of a crashed predecessor reaches its successor too."""

    by: RoundsActor
    wait_seconds: float = 0.0
    error: Exception | None = None


class RoundsActor(Actor):
    """Runs ``work`` again and again; an error of the kind ``retried`` is logged and backs off.

    Any other error is a fault of the program: the actor crashes and the supervisor replaces it. A
    stop waits for the round under way, which sees it in ``is_stopping``. The log names what
    ``waits`` for the next round.
    """

    def __init__(
        self,
        name: str,
        context: ActorContext,
        *,
        waits: str,
        retried: type[Exception] = ActpError,
        backoff: Backoff | None = None,
    ) -> None:
        super().__init__(name, context)
        self._waits = waits
        self._retried = retried
        self._log = logging.getLogger(type(self).__module__)
        self._is_working = False
        self._is_woken = False
        self._failures = 0
        self._stopping = threading.Event()
        self._backoff = backoff or Backoff(cap_seconds=LONGEST_BACKOFF_SECONDS)
        self._random = SystemRandom()

    @abstractmethod
    def work(self) -> float:
        """Do one round, off the actor's thread; return the seconds until the next."""

    def release(self) -> None:
        """Give back what the rounds have opened; off the actor's thread."""

    @property
    def is_stopping(self) -> bool:
        """Tell a round that it should end early."""
        return self._stopping.is_set()

    def jittered(self, seconds: float) -> float:
        """Return about as many seconds, so that hosts do not look at the same moment."""
        return seconds * self._random.uniform(0.8, 1.2)

    def until_next(self, look_seconds: float, due_seconds: float | None) -> float:
        """Return the wait for what is due, None where nothing is known, or for the next look."""
        longest = self.jittered(look_seconds)
        return longest if due_seconds is None else min(longest, due_seconds)

    def wake(self) -> None:
        """Begin a round, or another one as soon as the one under way has ended."""
        self._is_woken = self._is_working
        self._begin()

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Start() | Tick(what="round"):
                self._begin()
            case _RoundEnded(by=by) if by is self:
                self._ended(message)
            case OffloadFailed(what=what, error=error):
                self._log.warning(
                    "%s failed: %s", what, error, extra={"action": f"{self.name}_{what}"}
                )
            case Stop():
                self._stopping.set()
            case StopNow():
                self._is_working = False
            case _:
                pass
        if self.is_stopping and not self._is_working:
            self.tell(SUPERVISOR, Drained(self.name))

    def on_stop(self) -> None:
        """End after the round under way."""
        self._stopping.set()
        self.offload("release", self.release)
        super().on_stop()

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End after the round under way; the successor goes on."""
        self._stopping.set()
        self.offload("release", self.release)
        super().on_failure(exception_type, exception_value, traceback)

    def _begin(self) -> None:
        if not self._is_working and not self.is_stopping:
            self._is_working, self._is_woken = True, False
            self.offload("round", self._round)

    def _round(self) -> _RoundEnded:
        try:
            return _RoundEnded(self, self.work())
        except Exception as error:  # noqa: BLE001 - the actor decides
            return _RoundEnded(self, error=error)

    def _ended(self, ended: _RoundEnded) -> None:
        self._is_working = False
        if ended.error is not None:
            self._failed(ended.error)
            return
        self._failures = 0
        wait_seconds = 0.0 if self._is_woken else ended.wait_seconds
        self.later(max(SHORTEST_WAIT_SECONDS, wait_seconds), NEXT_ROUND)

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, self._retried):
            raise error
        delay_seconds = self._backoff.delay_seconds(self._failures, self._random.random())
        self._failures += 1
        self._log.warning("%s wait: %s", self._waits, error, extra={"action": f"{self.name}_wait"})
        self.later(delay_seconds, NEXT_ROUND)
