"""Log lines for people and machines: one event, one line, a stable ``action``, ids as fields."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["set_up_logs"]

# They log whole addresses and bodies, with tokens and what was asked.
_TALKATIVE = ("anthropic", "httpx", "httpx2", "httpcore", "httpcore2", "hpack")
_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "action"}


# What ends a value or a line, or changes how a terminal shows it.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_AMBIGUOUS_VALUE: Final = re.compile(rf'[\s="\\]|{_UNPRINTABLE.pattern}')
_AMBIGUOUS_MESSAGE: Final = re.compile(rf'^"|=|{_UNPRINTABLE.pattern}')


class _Formatter(logging.Formatter):
    """``2026-01-01T00:00:00Z WARNING lease_lost no longer ours service=… error="HTTP 504: …"``.

    A message or value that could be read as more than one field is a JSON string.
    """

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        fields = {key: value for key, value in vars(record).items() if key not in _OWN_FIELDS}
        parts = [
            self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            record.levelname,
            getattr(record, "action", record.name),
            _quoted(record.getMessage(), _AMBIGUOUS_MESSAGE),
            *(f"{key}={_quoted(str(value), _AMBIGUOUS_VALUE)}" for key, value in fields.items()),
        ]
        line = " ".join(parts)
        if record.exc_info:
            # Indented: the words of an exception cannot pass for a line of the log.
            trace = self.formatException(record.exc_info).split("\n")
            line = "\n  ".join([line, *(_UNPRINTABLE.sub(_escape, row) for row in trace)])
        return line


def _quoted(value: str, ambiguous: re.Pattern[str]) -> str:
    if value and not ambiguous.search(value):
        return value
    return _UNPRINTABLE.sub(_escape, json.dumps(value, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def set_up_logs(level: str, stream: TextIO | None = None) -> None:
    """Send everything from ``level`` up to the stream (standard error by default)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Formatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
