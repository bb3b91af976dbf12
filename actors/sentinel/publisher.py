"""Publishes videos: processes the tasks of type blotato_multi_publish."""

from __future__ import annotations

import os
import socket
import uuid
from functools import partial
from typing import TYPE_CHECKING

from actors.runtime.rounds import RoundsActor
from actors.runtime.supervisor import ActorSpec, StopStage
from actp.domains.publishing.publisher import Me, Publisher
from actp.domains.publishing.results import Results
from actp.locks import PortLock, host_key
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.runtime.actor import ActorContext
    from actp.clients.blotato.client import Blotato
    from actp.locks import FileLock
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["PUBLISHER", "PublisherActor", "publisher_spec"]

PUBLISHER = "publisher"
LOOK_SECONDS = 5.0
# While another process of this host publishes; it may end.
ELSEWHERE_SECONDS = 30.0
# Nobody listens there; the name makes the lock.
LOCK_ADDRESS = "publisher"
LONGEST_BACKOFF_SECONDS = 30.0


class PublisherActor(RoundsActor):
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
        super().__init__(
            PUBLISHER,
            context,
            waits="posts",
            retried=Exception,
            backoff=Backoff(cap_seconds=LONGEST_BACKOFF_SECONDS),
        )
        self._publisher = make()
        self._lock = lock
        self._look_seconds = look_seconds

    def work(self) -> float:
        """Carry on with each post that can be, unless another process of the host publishes."""
        if not self._lock.acquire():
            return ELSEWHERE_SECONDS
        due_seconds = self._publisher.work(lambda: self.is_stopping)
        return self.until_next(self._look_seconds, due_seconds)


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
