"""Delivers messages after a delay; pykka has no timers."""

from __future__ import annotations

import heapq
import threading
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.runtime.registry import Registry


class Timer:
    """One thread for all timers of a process.

    A timer is known by its actor and message: setting it again moves it. ``clock`` gives seconds.
    """

    def __init__(self, registry: Registry, clock: Callable[[], float] = monotonic) -> None:
        self._registry = registry
        self._clock = clock
        self._due: dict[tuple[str, object], float] = {}
        self._heap: list[tuple[float, int, tuple[str, object]]] = []
        self._order = count()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="timer", daemon=True)
        self._thread.start()

    def after(self, seconds: float, name: str, message: object) -> None:
        """Tell ``name`` the message in so many seconds; the last call for the pair counts."""
        key = (name, message)
        when = self._clock() + max(0.0, seconds)
        with self._changed:
            self._due[key] = when
            heapq.heappush(self._heap, (when, next(self._order), key))
            if self._heap[0][2] == key:
                self._changed.notify()

    def close(self) -> None:
        """Deliver nothing any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        while (key := self._next_due()) is not None:
            self._registry.tell(*key)

    def _next_due(self) -> tuple[str, object] | None:
        with self._changed:
            while not self._closed:
                if not self._heap:
                    self._changed.wait()
                    continue
                when, _, key = self._heap[0]
                if self._due.get(key) != when:  # moved
                    heapq.heappop(self._heap)
                    continue
                wait_seconds = when - self._clock()
                if wait_seconds > 0:
                    self._changed.wait(wait_seconds)
                    continue
                heapq.heappop(self._heap)
                del self._due[key]
                return key
            return None
