"""Limits the request rate, so that the API does not reject requests."""

from __future__ import annotations

import time
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pace"]


class Pace:
    """At most so many requests in any span of time, and none while somebody asked us to wait."""

    def __init__(
        self, most: int, span_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._span_seconds = span_seconds
        self._clock = clock
        self._taken: deque[float] = deque(maxlen=most)
        self._held_until = float("-inf")
        self._lock = Lock()

    def take(self) -> float:
        """Count a request and return 0, or return how many seconds it has to wait."""
        with self._lock:
            now = self._clock()
            free_at = self._held_until
            if len(self._taken) == self._taken.maxlen:
                free_at = max(free_at, self._taken[0] + self._span_seconds)
            if free_at > now:
                return free_at - now
            self._taken.append(now)
            return 0.0

    def hold(self, seconds: float) -> None:
        """Let nothing through for so long."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)
