"""The Retry-After of an HTTP answer: a header, or a field of the body."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["MAX_RETRY_AFTER_SECONDS", "retry_after_seconds"]

MAX_RETRY_AFTER_SECONDS: Final = 3600.0
MIN_WAIT_SECONDS: Final = 1.0

_SECONDS = re.compile(r"\s*([0-9]{1,6})(?:\.[0-9]+)?\s*s?\s*")


def retry_after_seconds(given: object, now: datetime) -> float | None:
    """Return a Retry-After (seconds, ``120s`` or an HTTP date) in seconds, at most an hour."""
    if isinstance(given, bool):
        return None
    if isinstance(given, int | float):
        return _bounded(given)
    if not isinstance(given, str):
        return None
    match = _SECONDS.fullmatch(given)
    seconds = float(match[1]) if match else _seconds_until(given, now)
    return None if seconds is None else _bounded(seconds)


def _bounded(seconds: float) -> float | None:
    if math.isnan(seconds):
        return None
    return float(min(max(seconds, MIN_WAIT_SECONDS), MAX_RETRY_AFTER_SECONDS))


def _seconds_until(http_date: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(http_date)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.timestamp() - now.timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
