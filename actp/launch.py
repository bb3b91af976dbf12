"""``python -m actp.launch MODULE``: runs a module so that an early Ctrl-C leaves no traceback.

Most of a short command's time goes into its imports, where Python would raise KeyboardInterrupt.
"""

from __future__ import annotations

import atexit
import gc
import runpy
import signal
import sys
from typing import Final

__all__ = ["collect_seldom", "end_on_interrupt", "raise_on_interrupt"]

COLLECTED_OBJECTS: Final = 100_000


def end_on_interrupt() -> None:
    """Let SIGINT end this process like any program, until a command is ready to handle it."""
    # A shell that starts a program in the background has it ignore the signal; that stays.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def raise_on_interrupt() -> None:
    """Let SIGINT raise KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def collect_seldom() -> None:
    """Look through a short command's objects for garbage seldom, and not once more at its end.

    What is imported stays. To look through it takes a tenth to a quarter of such a command's CPU,
    and a third of what the client of Claude takes to load.
    """
    gc.set_threshold(COLLECTED_OBJECTS)
    atexit.register(gc.freeze)


if __name__ == "__main__":
    end_on_interrupt()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
