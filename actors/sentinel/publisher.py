"""Publishes videos: processes the tasks of type blotato_multi_publish."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from dataclasses import dataclass
from functools import partial
from random import SystemRandom
from typing import TYPE_CHECKING

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import Drained, OffloadFailed, Pong, Start, Stop, StopNow, Tick, Wake
from actors.runtime.supervisor import ActorSpec, StopStage
from actp.domains.publishing.publisher import Me, Publisher
from actp.domains.publishing.results import Results
from actp.locks import PortLock, host_key
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from actp.clients.blotato import Blotato
    from actp.locks import FileLock
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["PUBLISHER", "PublisherActor", "publisher_spec"]

PUBLISHER = "publisher"
LOOK = Tick("look")
LOOK_SECONDS = 5.0
SHORTEST_LOOK_SECONDS = 0.05
# While another process of this host publishes; it may end.
ELSEWHERE_SECONDS = 30.0
# Nobody listens there; the name makes the lock.
LOCK_ADDRESS = "publisher"
LONGEST_BACKOFF_SECONDS = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Worked:
    """What one round did; ``next_seconds`` is when more is due, None where nothing waits."""

    next_seconds: float | None


class PublisherActor(Actor):
    """One on each host, whose lock it holds, each with its own publisher from ``make``.

    A post on its way when the process dies is unknown afterwards, and told.
    """

    def __init__(
        self,
        context: ActorContext,
        *,
        make: Callable[[], Publisher],
        lock: FileLock,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        super().__init__(PUBLISHER, context)
        self._publisher = make()
        self._lock = lock
        self._look_seconds = look_seconds
        self._is_working = False
        self._failures = 0
        self._stopping = threading.Event()
        self._backoff = Backoff(cap_seconds=LONGEST_BACKOFF_SECONDS)
        self._random = SystemRandom()

    def pong(self, round_: int) -> Pong:
        """Return a Pong with whether the database answers as state."""
        return Pong(self.name, round_, state={"failures": self._failures})

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Start() | Tick() | Wake():
                self._look()
            case _Worked(next_seconds=seconds):
                self._is_working, self._failures = False, 0
                self._look_again(seconds)
            case OffloadFailed(error=error):
                self._failed(error)
            case Stop():
                self._stopping.set()
            case StopNow():
                self._is_working = False
            case _:
                pass
        if self._stopping.is_set() and not self._is_working:
            self.tell(SUPERVISOR, Drained(self.name))

    def on_stop(self) -> None:
        """End after the step under way."""
        self._stopping.set()
        super().on_stop()

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End after the step under way; the successor goes on."""
        self._stopping.set()
        super().on_failure(exception_type, exception_value, traceback)

    def _look(self) -> None:
        if self._is_working or self._stopping.is_set():
            return
        if not self._lock.acquire():
            self.later(ELSEWHERE_SECONDS, LOOK)
            return
        self._is_working = True
        self.offload("publish", lambda: _Worked(self._publisher.work(self._stopping.is_set)))

    def _look_again(self, next_seconds: float | None) -> None:
        seconds = self._look_seconds * self._random.uniform(0.8, 1.2)
        if next_seconds is not None:
            seconds = min(seconds, next_seconds)
        self.later(max(SHORTEST_LOOK_SECONDS, seconds), LOOK)

    def _failed(self, error: Exception) -> None:
        self._is_working = False
        delay_seconds = self._backoff.delay_seconds(self._failures, self._random.random())
        self._failures += 1
        _log.warning("posts wait: %s", error, extra={"action": "posts_wait"})
        self.later(delay_seconds, LOOK)


def publisher_spec(
    settings: Settings,
    here: ActorContext,
    store: Store,
    blotato: Blotato,
    *,
    look_seconds: float = LOOK_SECONDS,
) -> ActorSpec:
    """Return how the actor is made that publishes with these accounts."""
    lock = PortLock(settings.actp_lock_dir, LOCK_ADDRESS)
    host = host_key(settings.actp_lock_dir)
    worker = f"{socket.gethostname()}/{os.getpid()}"

    def make() -> Publisher:
        me = Me(str(uuid.uuid4()), host, worker)
        return Publisher(
            store,
            blotato,
            Results(store, settings.actp_home / "spool" / "posts", me.boot_id),
            me=me,
            accounts=settings.blotato_accounts,
            retry_base_seconds=settings.safari_retry_base_seconds,
            ask_seconds=settings.blotato_poll_seconds,
        )

    start = partial(PublisherActor.start, here, make=make, lock=lock, look_seconds=look_seconds)
    return ActorSpec(PUBLISHER, start, stop_stage=StopStage.WORK)
