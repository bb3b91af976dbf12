"""Runs blocking work in a background thread, so that an actor's mailbox stays responsive."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Offload:
    """One thread that does one job after the other.

    A daemon, since a job may hang in a system call: a process that stops does not wait for it.
    A job reports its own end, errors included; nothing it raises may escape it.
    """

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def run(self, job: Callable[[], None]) -> None:
        """Do ``job`` after those that were given before."""
        self._jobs.put(job)

    def close(self) -> None:
        """End the thread after the jobs that were given; does not wait for them."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
