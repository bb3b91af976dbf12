"""Durations as words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actp.moments import stored_moment

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["ago", "moment", "took"]

MINUTE_SECONDS: Final = 60
HOUR_SECONDS: Final = 3600
DAY_SECONDS: Final = 86_400


def moment(value: object) -> datetime | None:
    """Return a moment that the database wrote, or None where it is none."""
    return stored_moment(value)


def ago(then: datetime | None, now: datetime) -> str:
    """Return ``2h ago``, in the largest unit that fits."""
    if then is None:
        return "never"
    seconds = max(0, int((now - then).total_seconds()))
    for unit_seconds, unit in ((DAY_SECONDS, "d"), (HOUR_SECONDS, "h"), (MINUTE_SECONDS, "m")):
        if seconds >= unit_seconds:
            return f"{seconds // unit_seconds}{unit} ago"
    return f"{seconds}s ago"


def took(seconds: float) -> str:
    """Return ``4m 23s``, in the two largest units."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, DAY_SECONDS)
    hours, rest = divmod(rest, HOUR_SECONDS)
    minutes, left = divmod(rest, MINUTE_SECONDS)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes}m"
    return f"{minutes}m {left}s" if minutes else f"{left}s"
