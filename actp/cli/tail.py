"""Reads the last lines of log files and follows them across rotations."""

from __future__ import annotations

import os
from collections import deque
from heapq import merge
from threading import Event
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

__all__ = ["follow", "merged"]

LOOK_SECONDS: Final = 0.2
BLOCK_BYTES: Final = 64 * 1024
# Enough for any number of lines that a person reads.
MOST_BYTES: Final = 64 * 1024 * 1024


def _last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a file, read from its end."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        data = b""
        while end and data.count(b"\n") <= count and len(data) < MOST_BYTES:
            step = min(BLOCK_BYTES, end)
            end -= step
            file.seek(end)
            data = file.read(step) + data
    return list(deque(data.decode(errors="replace").splitlines(), maxlen=count))


def merged(paths: Sequence[Path], count: int) -> list[tuple[str, str]]:
    """Return the last lines of several files as (program, line), in the order of their times.

    A line without its own time, as of a traceback, stays behind the one before it.
    """
    streams = [_timed(path.stem, _last_lines(path, count)) for path in paths]
    ordered = [(program, line) for _, program, line in merge(*streams, key=lambda item: item[0])]
    return ordered[-count:] if count else []


def follow(paths: Sequence[Path]) -> Generator[tuple[str, str], None, None]:
    """Return (program, line) as lines are written from now on, forever."""
    return _lines([_Tail(path) for path in paths])


def _lines(tails: Sequence[_Tail]) -> Generator[tuple[str, str], None, None]:
    pause = Event()
    try:
        while True:
            for tail in tails:
                for line in tail.lines():
                    yield tail.path.stem, line
            pause.wait(LOOK_SECONDS)
    finally:
        for tail in tails:
            tail.close()


class _Tail:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._rest = b""
        self._file: BinaryIO | None = None
        self._open(at_end=True)

    def lines(self) -> Iterator[str]:
        if self._file is None:
            self._open(at_end=False)
        yield from self._read()
        if self._is_replaced():
            yield from self._read()  # what came between the last look and its end
            self._open(at_end=False)
            yield from self._read()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self) -> Iterator[str]:
        if self._file is None:
            return
        *whole, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")

    def _is_replaced(self) -> bool:
        """Whether the file was rotated away, or emptied."""
        if self._file is None:
            return False
        try:
            named = self.path.stat()
        except FileNotFoundError:
            return False
        ours = os.fstat(self._file.fileno())
        return named.st_ino != ours.st_ino or named.st_size < self._file.tell()

    def _open(self, *, at_end: bool) -> None:
        self.close()
        self._rest = b""
        try:
            self._file = self.path.open("rb")
        except FileNotFoundError:
            self._file = None
            return
        if at_end:
            self._file.seek(0, os.SEEK_END)


def _timed(program: str, lines: Sequence[str]) -> list[tuple[str, str, str]]:
    timed, time = [], ""
    for line in lines:
        if line[:4].isdigit() and line[4:5] == "-":
            # supervisord and PostgreSQL write a blank and a comma where ours have T and Z.
            time = line[:19].replace("T", " ")
        timed.append((time, program, line))
    return timed
