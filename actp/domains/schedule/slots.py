"""Chooses posting hours by Thompson sampling: an hour is tried as often as it may be the best."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from random import Random

__all__ = ["Slot", "Timetable", "apart", "choose_hours"]

HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True)
class Slot:
    """What is known of one hour: Beta(alpha, beta) of a post there doing better than most."""

    alpha: float = 1.0
    beta: float = 1.0

    def after(self, *, reward: bool) -> Slot:
        """Return it after one more post."""
        return Slot(self.alpha + reward, self.beta + (not reward))

    @property
    def mean(self) -> float:
        """The share of posts there that did better than most."""
        return self.alpha / (self.alpha + self.beta)


@dataclass(frozen=True, slots=True)
class Timetable:
    """A platform's row; hours are UTC, days go from Monday = 0."""

    platform: str
    posts_per_day: int
    best_hours: tuple[int, ...]
    active_days: tuple[int, ...]
    min_gap_hours: int
    slots: Mapping[int, Slot] = field(default_factory=dict)

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """Return the timetable of a row; what is missing or odd is left at what harms nothing."""
        hours = tuple(h for h in row["best_hours"] or () if h in range(HOURS_A_DAY))
        return cls(
            row["platform"],
            max(0, row["posts_per_day"] or 0),
            hours,
            tuple(day for day in row["active_days"] or () if day in range(7)),
            max(0, row["min_gap_hours"] or 0),
            dict(_slots(row["slots"]))
            or {(h + d) % HOURS_A_DAY: Slot() for h in hours for d in (-1, 0, 1)},
        )


def choose_hours(table: Timetable, random: Random) -> tuple[int, ...]:
    """Return as many hours as the timetable has now, in order: a sample of each slot decides.

    Those of one day's posts keep the gap; further ones are for other days and need not.
    """
    count = min(len(table.best_hours), len(table.slots))
    sampled = {
        hour: random.betavariate(slot.alpha, slot.beta)
        for hour, slot in sorted(table.slots.items())
    }
    ranked = sorted(sampled, key=lambda hour: (-sampled[hour], hour))
    chosen: list[int] = []
    for hour in ranked:
        if len(chosen) == min(count, table.posts_per_day):
            break
        if all(apart(hour, other) >= table.min_gap_hours for other in chosen):
            chosen.append(hour)
    chosen += [hour for hour in ranked if hour not in chosen][: count - len(chosen)]
    return tuple(sorted(chosen))


def apart(hour: int, other: int) -> int:
    """Return how many hours lie between two hours, around midnight if that is nearer."""
    distance = abs(hour - other) % HOURS_A_DAY
    return min(distance, HOURS_A_DAY - distance)


def _slots(stored: Any) -> Iterable[tuple[int, Slot]]:
    for hour, slot in (stored if isinstance(stored, dict) else {}).items():
        if not (hour.isdecimal() and int(hour) < HOURS_A_DAY):
            continue
        match slot:
            case {"alpha": int() | float() as alpha, "beta": int() | float() as beta}:
                if alpha > 0 and beta > 0:
                    yield int(hour), Slot(float(alpha), float(beta))
