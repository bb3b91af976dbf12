"""A monotonic clock that does not stand still while the machine sleeps."""

from __future__ import annotations

import sys
import time

__all__ = ["steady_seconds"]

# Python's own monotonic clock stops in sleep on both systems. What counts sleep is
# CLOCK_BOOTTIME on Linux, and on macOS the clock it calls CLOCK_MONOTONIC.
_CLOCK_ID = time.CLOCK_MONOTONIC if sys.platform == "darwin" else time.CLOCK_BOOTTIME


def steady_seconds() -> float:
    """Return seconds since some fixed moment, sleep included, unmoved by clock changes."""
    return time.clock_gettime(_CLOCK_ID)
