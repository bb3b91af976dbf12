"""Times that the database holds, as Python's calendar has them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

__all__ = ["EARLIEST", "LATEST", "short_time", "stored_moment", "stored_time"]

# A day from either end, so that no zone leads beyond it.
EARLIEST: Final = datetime(1, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 30, tzinfo=UTC)

_BEYOND = re.compile(r"\+?infinity|[0-9]{5,}-.*", re.IGNORECASE)
_BEFORE = re.compile(r"-infinity|.* BC", re.IGNORECASE)


def stored_time(value: str) -> datetime:
    """Return a time of the database in UTC; one that no calendar shows becomes its nearest end.

    Raises ValueError for text that is no time.
    """
    text = value.strip()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        if _BEFORE.fullmatch(text):
            return EARLIEST
        if _BEYOND.fullmatch(text):
            return LATEST
        raise
    if found.tzinfo is UTC and EARLIEST < found < LATEST:
        return found  # as nearly all are
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return min(max(found, EARLIEST), LATEST).astimezone(UTC)


def stored_moment(value: object) -> datetime | None:
    """Return a time of the database in UTC, None for what is none."""
    try:
        return stored_time(value) if isinstance(value, str) else None
    except ValueError:
        return None


def short_time(value: str | None, *, now: datetime | None = None) -> str:
    """Return an ISO time on the clock of this host: the day only when it is another one.

    A time that no clock shows, such as ``infinity``, is returned as it is.
    """
    if value is None:
        return "-"
    at = stored_moment(value)
    if at is None or not EARLIEST < at < LATEST:
        return value
    local = at.astimezone()
    today = (now or datetime.now(UTC)).astimezone().date()
    return local.strftime("%H:%M" if local.date() == today else "%m-%d %H:%M")
