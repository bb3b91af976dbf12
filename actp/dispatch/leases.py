"""The lease of one run of a task."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from random import SystemRandom
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import uuid4

from actp.errors import ActpError, StoreUnavailable
from actp.locks import host_key
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from actp.settings import Settings
    from actp.store import Json, Store

__all__ = ["LEASE_SECONDS", "Holder", "Lease", "Wanted", "clear_dead", "take_lease"]

# Longer than an outage of the database that a task survives.
LEASE_SECONDS: Final = 60.0
RENEWALS_PER_LEASE: Final = 6
# What happened to a run is told for some minutes to a database that is away.
END_ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is at a task already, and since when (ISO 8601)."""

    host_name: str
    since: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which task to run; one that is ``logged`` gets a row in actp_agent_tasks."""

    domain: str
    task: str
    params: Mapping[str, Any]
    lease_seconds: float
    logged: bool = True


class Lease:
    """The right to run one task, renewed by a thread until it is given back."""

    def __init__(self, store: Store, id_: str, seconds: float) -> None:
        self.id = id_
        self._store = store
        self._seconds = seconds
        self._until = monotonic() + seconds
        self._ended = Event()
        self._keeper = Thread(target=self._keep, name="lease", daemon=True)
        self._keeper.start()

    @property
    def is_over(self) -> bool:
        """Whether another dispatcher may have the task by now."""
        return monotonic() >= self._until

    def end(self, function: str, **said: Json) -> None:
        """Give it back by a function of the database; waits for a database that is away."""
        self._ended.set()
        backoff, random = Backoff(), SystemRandom()
        for failures in range(END_ATTEMPTS):
            try:
                self._store.call(function, id=self.id, **said)
            except StoreUnavailable:
                if failures == END_ATTEMPTS - 1:
                    raise
                Event().wait(backoff.delay_seconds(failures, random.random()))
            else:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Renew it no more."""
        self._ended.set()
        self._keeper.join()

    def _keep(self) -> None:
        while not self._ended.wait(self._seconds / RENEWALS_PER_LEASE):
            asked_at = monotonic()
            try:
                is_ours = self._store.call(
                    "agent_task_renew", id=self.id, lease_seconds=self._seconds
                )
            except ActpError:
                continue
            if not is_ours:
                self._until = asked_at
                return
            self._until = asked_at + self._seconds


def take_lease(store: Store, settings: Settings, wanted: Wanted) -> Lease | Holder:
    """Begin a run, or return who is at it."""
    host = host_key(settings.actp_lock_dir)
    asked: dict[str, Json] = {
        "id": str(uuid4()),
        "domain": wanted.domain,
        "task": wanted.task,
        "params": dict(wanted.params),
        "host": host,
        "host_name": socket.gethostname(),
        "pid": os.getpid(),
        "lease_seconds": wanted.lease_seconds,
        "logged": wanted.logged,
    }
    answer = store.call("agent_task_begin", **asked)
    if not answer["begun"] and answer["host"] == host and not _is_alive(answer["pid"]):
        clear_dead(store, settings)
        answer = store.call("agent_task_begin", **asked)
    if not answer["begun"]:
        return Holder(answer["host_name"], answer["since"])
    return Lease(store, str(asked["id"]), wanted.lease_seconds)


def clear_dead(store: Store, settings: Settings) -> None:
    """Mark the runs of dead dispatchers: this host's at once, others when their lease is over."""
    held = store.call("agent_task_leases_of", host=host_key(settings.actp_lock_dir))
    gone = [lease["id"] for lease in held if not _is_alive(lease["pid"])]
    store.call("agent_task_reap", gone=gone)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
