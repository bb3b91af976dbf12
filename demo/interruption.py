"""Ctrl-C and kill, noticed between two steps, so that what was started is always known."""

from __future__ import annotations

import signal
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Interrupted", "Interruption"]

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_SECONDS: Final = 0.05


class Interrupted(Exception):
    """Raised at the next step after a signal."""


class Interruption:
    """Takes the signals that end a program; the first one is remembered, the rest do nothing."""

    def __init__(self) -> None:
        self.number: signal.Signals | None = None
        for number in SIGNALS:
            signal.signal(number, self._note)

    @property
    def exit_code(self) -> int:
        """Return what a shell expects of a program that a signal ended; 0 without one."""
        return 0 if self.number is None else 128 + self.number

    def check(self) -> None:
        """Raise Interrupted if a signal came."""
        if self.number is not None:
            raise Interrupted

    def pause(self, seconds: float) -> None:
        """Wait; raises Interrupted as soon as a signal comes."""
        deadline = monotonic() + seconds
        while (left := deadline - monotonic()) > 0:
            self.check()
            # A sleep goes on after the handler has run, so that it is cut into short ones.
            sleep(min(left, LOOK_SECONDS))
        self.check()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.number is None:
            self.number = signal.Signals(number)
