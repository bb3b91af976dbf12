"""Stops a task when its parent process exits, for whatever reason.

The starter holds the only writing end of a pipe; when it dies, the reading end says so.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["VARIABLE", "follow", "parent_pipe"]

VARIABLE: Final = "ACTP_PARENT_PIPE"


@contextmanager
def parent_pipe() -> Iterator[int]:
    """Yield the end that the task is given; its number goes into the task's environment."""
    given, kept = os.pipe()
    try:
        yield given
    finally:
        os.close(given)
        os.close(kept)


def follow() -> None:
    """End this process and its group, by SIGKILL, when its starter dies; without one do nothing."""
    number = os.environ.pop(VARIABLE, "")
    if number.isdecimal():
        Thread(target=_await_end, args=(int(number),), name="parent-pipe", daemon=True).start()


def _await_end(descriptor: int) -> None:
    try:
        while os.read(descriptor, 1):
            pass
    except OSError:
        return  # the number is not one of our descriptors
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
