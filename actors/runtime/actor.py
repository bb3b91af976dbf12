"""Base class for all actors."""

from __future__ import annotations

import logging
from abc import abstractmethod
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, cast

import pykka

from actors.runtime.messages import Crashed, OffloadFailed, Ping, Pong
from actors.runtime.offload import Offload
from metrics import instruments

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from pykka._actor import ActorInbox

    from actors.runtime.registry import Registry
    from actors.runtime.timer import Timer

__all__ = ["Actor", "ActorContext"]

SUPERVISOR = "supervisor"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ActorContext:
    """What an actor needs to reach the others."""

    registry: Registry
    timer: Timer


class Actor(pykka.ThreadingActor):
    """A pykka actor with a name, told things and never asked.

    An exception in a message ends the actor; the supervisor hears of it and starts another.
    Blocking work goes through ``offload``, whose end comes back as a message.
    """

    use_daemon_thread = True

    def __init__(self, name: str, context: ActorContext) -> None:
        super().__init__()
        self.name = name
        self._registry = context.registry
        self._timer = context.timer
        self._offload: Offload | None = None

    def on_receive(self, message: object) -> None:
        """Hand a message to the actor, or answer the supervisor's Ping."""
        if isinstance(message, Ping):
            behind = cast("SimpleQueue[object]", self.actor_inbox).qsize()
            instruments.MAILBOX_MESSAGES.labels(self.name).set(behind)
            self.tell(SUPERVISOR, self.pong(message.round))
        else:
            self.receive(message)

    @staticmethod
    def _create_actor_inbox() -> ActorInbox:
        # The same promises as pykka's own queue.Queue at a fraction of its cost for each message.
        return SimpleQueue()

    @abstractmethod
    def receive(self, message: Any) -> None:
        """Handle one message."""

    def pong(self, round_: int) -> Pong:
        """Return what the actor says when it is asked whether it is moving."""
        return Pong(self.name, round_)

    def tell(self, name: str, message: object) -> bool:
        """Leave a message with another actor."""
        return self._registry.tell(name, message)

    def later(self, seconds: float, message: object) -> None:
        """Have a message delivered to this actor in so many seconds."""
        self._timer.after(seconds, self.name, message)

    def offload(self, what: str, work: Callable[[], object | None]) -> None:
        """Do ``work`` off this thread; its value comes back as a message, its error as one too."""
        if self._offload is None:
            self._offload = Offload(f"{self.name}-offload")
        registry, name = self._registry, self.name

        def job() -> None:
            try:
                message = work()
            except Exception as error:  # noqa: BLE001 - whatever it is, the actor decides
                message = OffloadFailed(what, error)
            if message is not None:
                registry.tell(name, message)

        self._offload.run(job)

    def on_stop(self) -> None:
        """Let the offload thread end."""
        if self._offload is not None:
            self._offload.close()

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Tell the supervisor; pykka itself would leave the mailbox unanswered forever."""
        _log.error(
            "actor crashed",
            exc_info=(exception_type, exception_value, traceback)
            if exception_type and exception_value
            else None,
            extra={"action": "actor_crashed", "actor": self.name},
        )
        if self._offload is not None:
            self._offload.close()
        self.tell(SUPERVISOR, Crashed(self.name, repr(exception_value)))
