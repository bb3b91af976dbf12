"""Records on this host what was sent, so that a restored database is detected.

A database that was set back to an earlier moment has forgotten what was sent since. Each worker
process appends what it is about to send to a file; each host keeps the highest event that it has
seen of a database.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["SentMarks", "known_event", "remember_event"]

KEPT_DAYS: Final = 7
DAY_SECONDS: Final = 86_400
_EVENT_FILE: Final = "database.json"


class SentMarks:
    """The attempts that processes of this host have sent in the last week.

    A file that cannot be written keeps nothing from being sent: the database remembers as well.
    """

    def __init__(self, folder: Path, boot_id: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._attempts = dict[str, int]()
        self._forgotten = list[str]()
        for id_, attempt in _read(folder):
            self._attempts[id_] = max(attempt, self._attempts.get(id_, 0))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(folder / f"{boot_id}.sent", flags, 0o600)

    def begin(self, id_: str, attempt: int) -> bool:
        """Remember an attempt before it is sent; False when it was sent before.

        Then the database, which has just granted it, has forgotten it.
        """
        if attempt <= self._attempts.get(id_, 0):
            self._forgotten.append(id_)
            return False
        self._attempts[id_] = attempt
        with contextlib.suppress(OSError):
            os.write(self._file, f"{id_} {attempt}\n".encode())
        return True

    def forgotten(self) -> tuple[str, ...]:
        """Return the commands that the database has forgotten, until they are reported to it."""
        return tuple(self._forgotten)

    def reported(self, id_: str) -> None:
        """Drop a forgotten command once the database has stored that it was sent."""
        self._forgotten.remove(id_)

    def close(self) -> None:
        """Close the file; what it says stays."""
        os.close(self._file)


def known_event(folder: Path) -> dict[str, Any]:
    """Return the database that this host used last and the highest event seen of it."""
    try:
        said = json.loads((folder / _EVENT_FILE).read_text(encoding="utf-8"))
        return {"database": str(said["database"]), "event": int(said["event"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"database": None, "event": 0}


def remember_event(folder: Path, database: str, event: int) -> None:
    """Keep the highest event of a database; a disk that is full keeps the last one."""
    draft = folder / f"{_EVENT_FILE}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.write_text(json.dumps({"database": database, "event": event}), encoding="utf-8")
        draft.replace(folder / _EVENT_FILE)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _read(folder: Path) -> Iterator[tuple[str, int]]:
    for path in folder.glob("*.sent"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - KEPT_DAYS * DAY_SECONDS:
                path.unlink()
                continue
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                id_, _, attempt = line.partition(" ")
                if attempt.isdecimal() and len(attempt) < 10:  # a line cut short is left out
                    yield id_, int(attempt)
