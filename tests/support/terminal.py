"""A command at its own terminal, which a test types into and reads."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Terminal"]

ANSWER_SECONDS = 60.0
LOOK_SECONDS = 0.1
AGAIN_SECONDS = 5.0


class Terminal:
    """Starts a program on a pseudo-terminal; at the end of the block it is killed if it runs."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        rows: int = 40,
        columns: int = 100,
    ) -> None:
        self.output = ""
        self._read_up_to = 0
        self._code: int | None = None
        self._is_open = True
        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:  # the child
            # A shell in the background starts its programs with Ctrl-C ignored.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            # Where the tests run under nohup, a program in its own window still obeys it.
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            os.execvpe(command[0], list(command), dict(environment))  # noqa: S606 - no shell
        self.resize(rows, columns)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        if self._is_open:
            os.close(self._descriptor)

    def resize(self, rows: int, columns: int) -> None:
        """Give the window another size; the program gets SIGWINCH."""
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, size)

    def expect(self, pattern: str) -> str:
        """Read until something new matches, and return what it matched."""
        deadline = monotonic() + ANSWER_SECONDS
        while (found := re.search(pattern, self.output[self._read_up_to :])) is None:
            assert monotonic() < deadline, f"no {pattern!r} in:\n{self.output[self._read_up_to :]}"
            assert self._read(), f"it ended without {pattern!r}:\n{self.output}"
        self._read_up_to += found.end()
        return found[0]

    def type(self, keys: str) -> None:
        """Type keys; a newline is Enter."""
        os.write(self._descriptor, keys.encode())

    def interrupt(self) -> int:
        """Press Ctrl-C, and again if nothing ends, and return the exit code.

        Python hears a signal that comes between its prompt and its read only with the next key.
        """
        deadline, again_at = monotonic() + ANSWER_SECONDS, 0.0
        while self._is_open and self._read():
            assert monotonic() < deadline, f"it does not end:\n{self.output}"
            if monotonic() >= again_at:
                self.type("\x03")
                again_at = monotonic() + AGAIN_SECONDS
        return self.wait()

    def hang_up(self) -> None:
        """Close the terminal, as when its window is closed without a word to the program."""
        os.close(self._descriptor)
        self._is_open = False

    def wait(self) -> int:
        """Read to the end and return the exit code."""
        deadline = monotonic() + ANSWER_SECONDS
        while self._is_open and self._read():
            assert monotonic() < deadline, f"it does not end:\n{self.output}"
        self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._code

    def _read(self) -> bool:
        """Take in what was written; False once the program has ended."""
        if not select.select([self._descriptor], [], [], LOOK_SECONDS)[0]:
            return True
        try:
            chunk = os.read(self._descriptor, 65_536)
        except OSError:  # Linux says so when the last holder of the terminal is gone
            return False
        self.output += chunk.decode(errors="replace")
        return bool(chunk)
