"""Log lines for people and machines: one event, one line, a stable ``action``, ids as fields."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["set_up_logs"]

# They log whole addresses and bodies, with tokens and what was asked.
_TALKATIVE = ("anthropic", "httpx", "httpx2", "httpcore", "httpcore2", "hpack")
_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "action"}


class _Formatter(logging.Formatter):
    """``2026-01-01T00:00:00Z WARNING lease_lost the row was ours no longer service=…``."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        fields = {key: value for key, value in vars(record).items() if key not in _OWN_FIELDS}
        parts = [
            self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            record.levelname,
            getattr(record, "action", record.name),
            record.getMessage(),
            *(f"{key}={value}" for key, value in fields.items()),
        ]
        line = " ".join(parts).replace("\n", " ")
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def set_up_logs(level: str, stream: TextIO | None = None) -> None:
    """Send everything from ``level`` up to the stream (standard error by default)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Formatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
