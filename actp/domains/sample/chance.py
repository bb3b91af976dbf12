"""Deterministic ids and random choices."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

__all__ = ["MARK", "Moment", "Row", "dice", "sample_id"]

Row = dict[str, Any]

MARK: Final = "sample"
_NAMESPACE: Final = UUID("6f0b4b1e-6c1c-5c57-9a51-8b0f5f7c2d11")


def sample_id(kind: str, *numbers: int) -> str:
    """Return the id of a made-up row, which is the same forever."""
    return str(uuid5(_NAMESPACE, ":".join((kind, *map(str, numbers)))))


def dice(kind: str, *numbers: int) -> random.Random:
    """Return dice for one thing, independent of how many other things are made."""
    seed = ":".join((kind, *map(str, numbers)))
    return random.Random(seed)  # noqa: S311  # repeatable on purpose


@dataclass(frozen=True, slots=True)
class Moment:
    """The present of the database, from which all times are counted."""

    now: datetime

    def ago(self, *, days: float = 0.0, hours: float = 0.0) -> str:
        """Return a time in the past, in ISO 8601."""
        return (self.now - timedelta(days=days, hours=hours)).isoformat()

    def at(self, days_ago: int, hour: int, minute: int = 0) -> str:
        """Return an hour of an earlier day, in UTC."""
        day = self.now - timedelta(days=days_ago)
        return day.replace(hour=hour, minute=minute, second=0, microsecond=0).isoformat()
