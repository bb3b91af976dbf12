"""Results on disk that are stored once the database is back."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["LeftBehind", "Spool", "left_behind"]


class Spool:
    """One file a process, held by a lock as long as the process lives.

    The first line names the boot whose results these are, each further line is one result. The
    file is empty while the database takes everything.
    """

    def __init__(self, folder: Path, boot_id: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / f"{boot_id}.jsonl"
        self._file = _locked(self._path)
        self._boot_id = boot_id
        self._kept: set[str] = set()

    def keep(self, results: Mapping[str, Any]) -> None:
        """Put results on disk, by command id, unless they are there; returns when they are safe."""
        new = {key: result for key, result in results.items() if key not in self._kept}
        if not new:
            return
        lines = [] if self._kept else [{"boot_id": self._boot_id}]
        text = "".join(f"{json.dumps(line)}\n" for line in [*lines, *new.values()])
        left = memoryview(text.encode())
        while left:
            left = left[os.write(self._file, left) :]
        os.fsync(self._file)
        self._kept |= new.keys()

    def forget(self, ids: Iterable[str]) -> None:
        """Drop results that are in the database; the file shrinks when none are left."""
        if self._kept:
            self._kept.difference_update(ids)
            if not self._kept:
                os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Give the lock back; an empty file is removed."""
        if not self._kept:
            self._path.unlink(missing_ok=True)
        os.close(self._file)


def _locked(path: Path) -> int:
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        # A process that saw it before it was locked took it for left behind, and removed it.
        if os.fstat(file).st_nlink:
            return file
        os.close(file)


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """The spool of a process that is gone."""

    path: Path
    boot_id: str
    results: tuple[dict[str, Any], ...]
    fault: str | None = None  # why the file was set aside, unread


def left_behind(folder: Path) -> Iterator[LeftBehind]:
    """Yield the spool of each process that is gone, holding its lock meanwhile.

    A last line that was cut short by a crash was never called safe, and is left out. What is no
    spool, such as a folder or a file of another program, is renamed to ``.refused`` and yielded
    with a fault.
    """
    for path in sorted(folder.glob("*.jsonl")):
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield _read(path, file.read().splitlines())
        except BlockingIOError:
            continue
        except OSError as error:
            yield _refused(path, error.strerror or str(error))


def _read(path: Path, texts: list[bytes]) -> LeftBehind:
    lines = [_parsed(text) for text in texts]
    if None in lines[:-1]:
        return _refused(path, f"line {lines.index(None) + 1} cannot be read")
    if lines and lines[-1] is None:
        if not texts[-1].startswith(b"{"):
            return _refused(path, "its last line is not a result")
        lines.pop()
    if not lines:
        return LeftBehind(path, "", ())
    boot_id = (lines[0] or {}).get("boot_id")
    if not isinstance(boot_id, str):
        return _refused(path, "its first line names no boot")
    return LeftBehind(path, boot_id, tuple(line for line in lines[1:] if line is not None))


def _refused(path: Path, fault: str) -> LeftBehind:
    refused = path.with_suffix(".refused")
    with contextlib.suppress(OSError):
        path.rename(refused)
    return LeftBehind(refused, "", (), fault)


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
