"""The log of what people outside saw, in the order in which they saw it."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

from simulator.bell import Bell

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["World"]

_encode = json.JSONEncoder(separators=(",", ":")).encode


class World:
    """Writes each effect to the log before the service answers.

    A line is one ``write`` to a file opened for appending, so it is whole or absent whatever
    dies, and a reader may follow the file meanwhile.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.bell = Bell()
        self._lines: list[bytes] = []
        self._file: int | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def record(
        self,
        service: str,
        kind: str,
        recipient: str,
        text: str,
        request_id: int,
        **more: str | int,
    ) -> None:
        """Log one effect: a dm, comment, tweet or research, or a collision or repeat."""
        line = _encode(
            {
                "at": time.time(),
                "service": service,
                "kind": kind,
                "recipient": recipient,
                "text": text,
                "request_id": request_id,
                **more,
            }
        ).encode()
        self._lines.append(line)
        if self._file is not None:
            os.write(self._file, line + b"\n")
        self.bell.ring()

    def as_json(self) -> bytes:
        """Give all effects since the last reset as one JSON array."""
        return b"[" + b",".join(self._lines) + b"]"

    def __len__(self) -> int:
        return len(self._lines)

    def clear(self) -> None:
        """Forget all effects, in the file too."""
        self._lines.clear()
        if self._file is not None:
            os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Close the file; nothing is recorded afterwards."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
