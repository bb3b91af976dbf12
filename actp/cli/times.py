"""Parses and formats times and durations; stored times are UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from actp.errors import InvalidInput
from actp.moments import short_time

if TYPE_CHECKING:
    from datetime import tzinfo

__all__ = ["LATE", "coming", "duration", "moment", "short_duration", "short_time"]

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(?:[0-9]{1,6}[smhdw])+")
_PART = re.compile(r"([0-9]+)([smhdw])")
# The clocks of two hosts differ, and a script takes a moment from its date to a check.
LATE: Final = timedelta(minutes=5)
LONGEST: Final = timedelta(days=3650)


def duration(value: str) -> timedelta | None:
    """Return the span of ``90s``, ``2h``, ``1h30m`` or ``3d``, or None for another text."""
    given = value.strip().lower()
    if _DURATION.fullmatch(given) is None:
        return None
    seconds = sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(given))
    return min(timedelta(seconds=seconds), LONGEST)


def moment(value: str, *, now: datetime, zone: tzinfo) -> datetime:
    """Return a moment in UTC: an ISO time, in ``zone`` unless it names its own, or a span from now.

    Raises InvalidInput for anything else.
    """
    span = duration(value)
    if span is not None:
        return (now + span).astimezone(UTC)
    try:
        given = datetime.fromisoformat(value.strip())
        return (given if given.tzinfo else given.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"not a time: {value[:60]!r}",
            remedy="Write 90s, 30m, 2h or 3d from now, or 2026-11-30T14:00 (with +01:00 or Z).",
        ) from None


def coming(value: str, *, now: datetime, zone: tzinfo) -> datetime:
    """Return a moment in UTC that is not past; raises InvalidInput."""
    when = moment(value, now=now, zone=zone)
    if when < now - LATE:
        raise InvalidInput(
            f"{value[:60]!r} is in the past", remedy="Write 1s for now, or a time in the future."
        )
    return when


def short_duration(seconds: float | None) -> str:
    """Return ``42s``, ``17m``, ``3h 05m`` or ``4d 02h``; a dash for none."""
    if seconds is None:
        return "-"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86_400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3600:02d}h"
