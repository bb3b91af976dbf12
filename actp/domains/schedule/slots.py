"""Chooses posting hours by Thompson sampling: an hour is tried as often as it may be the best.

What posts at an hour brought teaches that hour and its neighbours. Where no post was measured, the
slots say how often a post there did better than most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import combinations
from random import Random
from typing import TYPE_CHECKING, Any, Final, Self

from actp.domains.schedule.curve import curve_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from actp.domains.schedule.curve import Observed

__all__ = ["Learned", "Slot", "Timetable", "apart", "choose_hours", "hours_of_a_day"]

HOURS_A_DAY: Final = 24
# From so many measured posts on every hour of the day is a candidate, not only those with a slot.
POSTS_FOR_ALL_HOURS: Final = 5
# How much equal posts differ in the logarithm of their engagement, before a platform's own posts
# say so; it counts like so many of them.
USUAL_SCATTER: Final = 0.5
USUAL_SCATTER_POSTS: Final = 5
# Better than most or not, in the logarithm of engagement: the slope of a logistic curve.
LOG_A_LOGIT: Final = USUAL_SCATTER / 1.6
# More sets of hours than this are not compared one by one.
MOST_SETS: Final = 200_000


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
class Learned:
    """What the measured posts at one hour brought.

    ``mean`` is the mean logarithm of their engagement, ``squares`` the sum of squares around it.
    """

    posts: int
    mean: float
    squares: float = 0.0


@dataclass(frozen=True, slots=True)
class Timetable:
    """A platform's row; hours are UTC, days go from Monday = 0."""

    platform: str
    posts_per_day: int
    best_hours: tuple[int, ...]
    active_days: tuple[int, ...]
    min_gap_hours: int
    slots: Mapping[int, Slot] = field(default_factory=dict)
    learned: Mapping[int, Learned] = field(default_factory=dict)

    @property
    def has_evidence(self) -> bool:
        """Whether anything is known that could tell one hour from another."""
        return bool(self.learned) or any(slot != Slot() for slot in self.slots.values())

    def evidence_seed(self) -> str:
        """Return a text that changes with what is known, and with nothing else."""
        known = sorted((hour, slot.alpha, slot.beta) for hour, slot in self.slots.items())
        posts = sorted(
            (hour, each.posts, round(each.mean, 6)) for hour, each in self.learned.items()
        )
        return f"{self.platform} {known} {posts}"

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
            {int(hour): Learned(**each) for hour, each in (row.get("learned") or {}).items()},
        )


def choose_hours(table: Timetable, random: Random | None = None) -> tuple[int, ...]:
    """Return as many hours as the timetable has now, in order.

    Without evidence they stay. Else a draw from what is known decides; without ``random`` the same
    evidence gives the same draw. The hours of one day's posts keep the gap; further ones are for
    other days and need not.
    """
    if not table.has_evidence:
        return table.best_hours
    random = random or Random(table.evidence_seed())  # noqa: S311  # a choice, no secret
    candidates = _candidates(table)
    count = min(len(table.best_hours), len(candidates))
    drawn = curve_of(candidates, _observed(table)).draw(random)
    ranked = sorted(candidates, key=lambda hour: (-drawn[hour], hour))
    chosen = _of_a_day(ranked, drawn, min(count, table.posts_per_day), table.min_gap_hours)
    chosen += [hour for hour in ranked if hour not in chosen][: count - len(chosen)]
    return tuple(sorted(chosen))


def hours_of_a_day(table: Timetable) -> list[int]:
    """Return the hours of one day's posts: those that promise most, as far as the gap allows."""
    promise = curve_of(table.best_hours, _observed(table)).mean()
    ranked = sorted(table.best_hours, key=lambda hour: (-promise[hour], hour))
    gap = min(table.min_gap_hours, HOURS_A_DAY // 2)
    return sorted(_of_a_day(ranked, promise, min(table.posts_per_day, len(ranked)), gap))


def _candidates(table: Timetable) -> list[int]:
    if sum(each.posts for each in table.learned.values()) >= POSTS_FOR_ALL_HOURS:
        return list(range(HOURS_A_DAY))
    return sorted(table.slots)


def _of_a_day(ranked: Sequence[int], drawn: Mapping[int, float], count: int, gap: int) -> list[int]:
    """Return the hours with the highest sum that keep the gap: ``count`` of them if there are."""
    for size in range(count, 0, -1):
        if math.comb(len(ranked), size) > MOST_SETS:
            continue
        sets = [
            hours
            for hours in combinations(ranked, size)
            if all(apart(*pair) >= gap for pair in combinations(hours, 2))
        ]
        if sets:
            return list(max(sets, key=lambda hours: sum(drawn[hour] for hour in hours)))
    return []


def _observed(table: Timetable) -> Observed:
    """Return what is known of each hour: the logarithm of engagement there and its variance."""
    posts = sum(each.posts for each in table.learned.values())
    if posts:
        level = sum(each.posts * each.mean for each in table.learned.values()) / posts
        squares = sum(each.squares for each in table.learned.values())
        freedom = posts - len(table.learned) + USUAL_SCATTER_POSTS
        variance = (squares + USUAL_SCATTER_POSTS * USUAL_SCATTER**2) / freedom
        return {
            hour: (each.mean - level, variance / each.posts) for hour, each in table.learned.items()
        }
    wins = sum(slot.alpha - 1 for slot in table.slots.values())
    losses = sum(slot.beta - 1 for slot in table.slots.values())
    usual = (wins + 0.5) / (wins + losses + 1)
    observed = {}
    for hour, slot in table.slots.items():
        tries = slot.alpha + slot.beta - 2
        if tries > 0:
            weight = tries * usual * (1 - usual)
            ahead = slot.alpha - 1 - tries * usual
            observed[hour] = (LOG_A_LOGIT * ahead / weight, LOG_A_LOGIT**2 / weight)
    return observed


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
