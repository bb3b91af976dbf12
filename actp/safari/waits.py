"""How long a command waits after a service deferred it."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["Wait", "wait_seconds"]

MIN_WAIT_SECONDS: Final = 1.0
HOURLY_QUOTA_SECONDS: Final = 900.0
# The day of a service's counter is its own, so look again now and then.
DAILY_QUOTA_SECONDS: Final = 3600.0
# LinkedIn names 120 s for its lock, which is held for 7 to 30 s in truth.
LOCK_SECONDS: Final = 30.0
NOT_READY_SECONDS: Final = 60.0
BLOCKED_SECONDS: Final = 900.0
HOURS_RECHECK_SECONDS: Final = 900.0
FIRST_ACTIVE_HOUR: Final = 9
LAST_ACTIVE_HOUR: Final = 21


class Wait(Enum):
    """Until when a command waits."""

    HOURLY_QUOTA = "hourly quota"
    DAILY_QUOTA = "daily quota"
    ACTIVE_HOURS = "active hours"
    LOCK = "lock"
    NOT_READY = "not ready"
    BLOCKED = "blocked"


_SECONDS_OF: Final[Mapping[Wait, float]] = MappingProxyType(
    {
        Wait.HOURLY_QUOTA: HOURLY_QUOTA_SECONDS,
        Wait.DAILY_QUOTA: DAILY_QUOTA_SECONDS,
        Wait.LOCK: LOCK_SECONDS,
        Wait.NOT_READY: NOT_READY_SECONDS,
        Wait.BLOCKED: BLOCKED_SECONDS,
    }
)
_OURS_ONLY: Final = frozenset({Wait.LOCK, Wait.BLOCKED})


def wait_seconds(wait: Wait, now: datetime, retry_after: float | None = None) -> float:
    """Return how long to wait from ``now`` (the host's local time).

    ``retry_after`` is what the service asked for; it counts where we know no better.
    """
    if wait is Wait.ACTIVE_HOURS:
        return _until_active(now)
    if retry_after is not None and wait not in _OURS_ONLY:
        return retry_after
    return _SECONDS_OF[wait]


def _until_active(now: datetime) -> float:
    if FIRST_ACTIVE_HOUR <= now.hour < LAST_ACTIVE_HOUR:
        # Its hours or its clock differ from the usual; asking now and then is harmless.
        return HOURS_RECHECK_SECONDS
    start = now.replace(hour=FIRST_ACTIVE_HOUR, minute=0, second=0, microsecond=0)
    if start <= now:
        start += timedelta(days=1)
    return max(MIN_WAIT_SECONDS, start.timestamp() - now.timestamp())
