"""The limits that a service itself keeps, in memory as the real ones do."""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.scenario.behaviours import Behaviour

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.scenario import ServiceSettings

__all__ = ["Limits"]

HOUR_SECONDS = 3600.0
DAY_SECONDS = 86_400.0
KEPT_SENDS = 1000


class Limits:
    """Counts sends of the last hour and of the day, and says what they forbid.

    With ``is_asked_first`` the counters go back only when the service is asked to send; until then
    it states what it sent hours ago.
    """

    def __init__(
        self,
        per_hour: int | None,
        per_day: int,
        settings: ServiceSettings,
        *,
        is_asked_first: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._is_asked_first = is_asked_first
        self._hour_began_at = self._day_began_at = clock()
        self.per_hour = per_hour if settings.per_hour is None else settings.per_hour
        self.per_day = per_day if settings.per_day is None else settings.per_day
        self.active_hours = settings.active_hours
        self._enforced = settings.limits or bool(settings.per_hour or settings.per_day)
        self._sends: deque[float] = deque(maxlen=KEPT_SENDS)
        self.today = 0

    @property
    def are_off(self) -> bool:
        """Return whether nothing can ever be forbidden."""
        return not self._enforced and self.active_hours is None

    @property
    def this_hour(self) -> int:
        """Count the sends of the last 60 minutes (at most the last thousand sends)."""
        since = self._clock() - HOUR_SECONDS
        while not self._is_asked_first and self._sends and self._sends[0] < since:
            self._sends.popleft()
        return len(self._sends)

    def count(self) -> None:
        """Take note of one send."""
        self._sends.append(self._clock())
        self.today += 1

    def forbid(self, behaviour: Behaviour) -> bool:
        """Return whether a send is now refused for this reason."""
        if behaviour is Behaviour.OUTSIDE_HOURS:
            return not self.is_active()
        if not self._enforced:
            return False
        if self._is_asked_first:
            self._begin_anew()
        if behaviour is Behaviour.QUOTA:
            return self.per_hour is not None and self.this_hour >= self.per_hour
        return behaviour is Behaviour.QUOTA_DAILY and self.today >= self.per_day

    def _begin_anew(self) -> None:
        now = self._clock()
        if now - self._hour_began_at > HOUR_SECONDS:
            self._sends.clear()
            self._hour_began_at = now
        if now - self._day_began_at > DAY_SECONDS:
            self.today, self._day_began_at = 0, now

    def change(self, body: Mapping[str, Any], hour_key: str, day_key: str) -> None:
        """Take new limits from a request, as unchecked as the services do."""
        self.per_hour = body.get(hour_key, self.per_hour)
        self.per_day = body.get(day_key, self.per_day)

    def as_json(self, hour_key: str, day_key: str) -> dict[str, Any]:
        """Return the limits under the names of a service."""
        return {hour_key: self.per_hour, day_key: self.per_day}

    @staticmethod
    def hour() -> int:
        """Return the local hour."""
        return datetime.now().astimezone().hour

    def is_active(self) -> bool:
        """Return whether the local hour is within the active hours."""
        if self.active_hours is None:
            return True
        start, end = self.active_hours
        return start <= self.hour() < end

    def hours_text(self) -> str:
        """Give the active hours in the words of the services."""
        start, end = self.active_hours or (9, 21)
        return f"{start}:00 - {end}:00"
