"""Wakes a thread that waits, in this process or another one of the host."""

from __future__ import annotations

import os
import select
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = ["Bell", "ring"]

MOST_RINGS_READ = 4096


class Bell:
    """A named pipe of one waiter; rings that come before it waits are kept, as one.

    A pipe and not a socket: the address of a socket may have 104 bytes on macOS, which the folder
    of locks can exceed.
    """

    def __init__(self, path: Path) -> None:
        if path.exists() and not stat.S_ISFIFO(path.stat().st_mode):
            path.unlink()
        with suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        # Open for both ends: the pipe then never reports that its last writer is gone.
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def wait(self, seconds: float) -> None:
        """Return at a ring, or when the time is over."""
        if select.select([self._descriptor], [], [], seconds)[0]:
            with suppress(BlockingIOError):
                os.read(self._descriptor, MOST_RINGS_READ)

    def __enter__(self) -> Self:
        """Return the bell."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the pipe; a ring finds nobody from now on."""
        os.close(self._descriptor)


def ring(path: Path) -> None:
    """Wake who waits at that path; without a waiter nothing happens."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # no pipe, or nobody has it open
        return
    try:
        with suppress(BlockingIOError):  # full of rings already
            os.write(descriptor, b"\0")
    finally:
        os.close(descriptor)
