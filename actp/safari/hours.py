"""Active hours such as ``09-21``, ``00-24`` or, over midnight, ``22-06``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from actp.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import time

__all__ = ["Hours", "parse_hours"]

_MINUTES_A_DAY: Final = 24 * 60
_HOURS = re.compile(r"\s*([0-9]{1,2})(?::([0-9]{2}))?\s*-\s*([0-9]{1,2})(?::([0-9]{2}))?\s*")


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of the day, in minutes after midnight; the end is not part of it."""

    start_minute: int
    end_minute: int

    def contains(self, moment: time) -> bool:
        """Return whether a time of the day lies within."""
        minute = moment.hour * 60 + moment.minute
        if self.start_minute < self.end_minute:
            return self.start_minute <= minute < self.end_minute
        return minute >= self.start_minute or minute < self.end_minute

    def __str__(self) -> str:
        """Write it as it is set: ``09-21``, with minutes only where there are any."""
        return f"{_clock(self.start_minute)}-{_clock(self.end_minute)}"


def parse_hours(value: str) -> Hours:
    """Return the hours of ``HH-HH`` or ``HH:MM-HH:MM``; raises InvalidInput for others."""
    match = _HOURS.fullmatch(value)
    if match is None:
        raise _bad(value)
    start = int(match[1]) * 60 + int(match[2] or 0)
    end = int(match[3]) * 60 + int(match[4] or 0)
    minutes_fit = all(int(part or 0) < 60 for part in (match[2], match[4]))
    if not minutes_fit or start >= _MINUTES_A_DAY or end > _MINUTES_A_DAY or start == end:
        raise _bad(value)
    return Hours(start, end)


def _bad(value: str) -> InvalidInput:
    return InvalidInput(
        f"not active hours: {value[:40]!r}",
        remedy="Write 09-21, 00-24 for the whole day, or 22-06 over midnight.",
    )


def _clock(minute: int) -> str:
    hours, minutes = divmod(minute, 60)
    return f"{hours:02d}:{minutes:02d}" if minutes else f"{hours:02d}"
