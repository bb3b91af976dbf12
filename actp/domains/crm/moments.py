"""Parses services' timestamps; one without a date stays unknown instead of counting as now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

__all__ = ["moment"]

# Neither a count nor a time of day is taken for seconds since 1970.
EARLIEST_SECONDS: Final = datetime(2005, 1, 1, tzinfo=UTC).timestamp()
LATEST_SECONDS: Final = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
MILLISECONDS: Final = 1000.0


def moment(value: object) -> datetime | None:
    """Return the time that a service gave, ISO 8601 or since 1970, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        if not text.isdecimal():
            return _iso(text)
        value = float(text)
    return _since_1970(float(value)) if isinstance(value, int | float) else None


def _since_1970(number: float) -> datetime | None:
    for seconds in (number, number / MILLISECONDS):
        if EARLIEST_SECONDS <= seconds < LATEST_SECONDS:
            return datetime.fromtimestamp(seconds, UTC)
    return None


def _iso(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        known = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        return _since_1970(known.timestamp())
    except (ValueError, OverflowError):
        return None
