"""Backoff between reconnect attempts."""

from __future__ import annotations

from dataclasses import dataclass

_MAX_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential growth with full jitter between a floor and a cap."""

    floor_seconds: float = 0.2
    cap_seconds: float = 4.0

    def delay_seconds(self, failures: int, share: float) -> float:
        """Return the wait after that many failures in a row.

        ``share`` is a random number from 0 to 1: full jitter keeps many clients from coming
        back at the same moment, the floor keeps one client from spinning.
        """
        doubled = self.floor_seconds * 2.0 ** min(failures, _MAX_DOUBLINGS)
        ceiling = min(self.cap_seconds, doubled)
        return self.floor_seconds + share * max(0.0, ceiling - self.floor_seconds)
