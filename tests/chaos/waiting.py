"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# Generous, since the machine may be busy with other things; nothing waits it out but a failure.
PATIENCE_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.02


def eventually(
    condition: Callable[[], T], what: str, deadline_seconds: float = PATIENCE_SECONDS
) -> T:
    """Return the first true value of a condition; fail when there was none in time."""
    deadline = monotonic() + deadline_seconds
    pause = threading.Event()
    while not (value := condition()):
        if monotonic() > deadline:
            raise AssertionError(f"waited {deadline_seconds:g} s in vain until {what}")
        pause.wait(LOOK_AGAIN_SECONDS)
    return value
