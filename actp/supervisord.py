"""Runs supervisord so that an unwritable log does not stop it.

Its handlers print a traceback to standard error where a disk is full, and that file lies on the
same disk: the error ended supervisord, and with it the tree.
"""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["Lenient", "main"]


class Lenient(io.TextIOBase):
    """A text stream on which a write that fails is lost, and nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what can be written."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def fileno(self) -> int:
        """Return the number of the stream's file: supervisord leaves the standard ones open."""
        return self._stream.fileno()


def main() -> None:
    """Run supervisord."""
    from supervisor.supervisord import main as run  # noqa: PLC0415  # it looks at the streams

    sys.stdout, sys.stderr = Lenient(sys.stdout), Lenient(sys.stderr)
    run()


if __name__ == "__main__":
    main()
