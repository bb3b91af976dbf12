"""Chooses posting hours by Thompson sampling: an hour is tried as often as it may be the best.

What posts at an hour brought teaches that hour and its neighbours. Where no post was measured, the
slots say how often a post there did better than most.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from random import Random
from typing import TYPE_CHECKING, Any, Final, Self

from actp.domains.schedule.curve import HOURS_A_DAY, Evidence, curve_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Learned", "Slot", "Timetable", "apart", "choose_hours", "hours_of_a_day"]

# Fewer measured posts tell no hour from another; from so many on every hour of the day is a
# candidate, not only those with a slot.
FEWEST_POSTS: Final = 3
# How much equal posts differ in the logarithm of their engagement, before a platform's own posts
# say so; it counts like so many of them.
USUAL_SCATTER: Final = 0.5
USUAL_SCATTER_POSTS: Final = 5
# How much the level of one fortnight differs from that of another, in the logarithm.
LEVEL_SPREAD: Final = 0.2
# How far a draw strays from the mean, in standard deviations: at first, and after many posts. The
# more, the longer hours are tried that are probably not the best; the less, the sooner a wrong one
# stays. Chosen by regret after 60 days on simulated posts.
BOLD_AT_FIRST, BOLD_IN_THE_END, BOLD_POSTS = 0.7, 0.4, 30.0
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
    def tries(self) -> float:
        """How many posts there were compared with others."""
        return self.alpha + self.beta - 2

    @property
    def mean(self) -> float:
        """The share of posts there that did better than most."""
        return self.alpha / (self.alpha + self.beta)


@dataclass(frozen=True, slots=True)
class Learned:
    """What the posts at one hour of one fortnight brought.

    ``mean`` is the mean logarithm of their engagement, ``squares`` the sum of squares around it;
    ``at_a_day`` says whether all were measured at the age of a day.
    """

    hour: int
    posts: int
    mean: float
    squares: float = 0.0
    fortnight: int = 0
    at_a_day: bool = True


@dataclass(frozen=True, slots=True)
class Timetable:
    """A platform's row; hours are UTC, days go from Monday = 0."""

    platform: str
    posts_per_day: int
    best_hours: tuple[int, ...]
    active_days: tuple[int, ...]
    min_gap_hours: int
    slots: Mapping[int, Slot] = field(default_factory=dict)
    learned: tuple[Learned, ...] = ()

    @property
    def has_evidence(self) -> bool:
        """Whether anything is known that could tell one hour from another."""
        return self.posts >= FEWEST_POSTS or any(slot != Slot() for slot in self.slots.values())

    @property
    def posts(self) -> int:
        """How many posts were measured."""
        return sum(each.posts for each in self.learned)

    def evidence_seed(self) -> str:
        """Return a text that changes with what is known, and with nothing else."""
        known = sorted((hour, slot.alpha, slot.beta) for hour, slot in self.slots.items())
        posts = sorted(
            (each.fortnight, each.at_a_day, each.hour, each.posts, round(each.mean, 6))
            for each in self.learned
        )
        return f"{self.platform} {known} {posts}"

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """Return the timetable of a row; what is missing or odd is left at what harms nothing."""
        given = dict.fromkeys(row["best_hours"] or ())
        hours = tuple(h for h in given if h in range(HOURS_A_DAY))
        return cls(
            row["platform"],
            max(0, row["posts_per_day"] or 0),
            hours,
            tuple(day for day in row["active_days"] or () if day in range(7)),
            max(0, row["min_gap_hours"] or 0),
            dict(_slots(row["slots"]))
            or {(h + d) % HOURS_A_DAY: Slot() for h in hours for d in (-1, 0, 1)},
            tuple(Learned(**each) for each in row.get("learned") or ()),
        )


def choose_hours(table: Timetable, random: Random | None = None) -> tuple[int, ...]:
    """Return as many hours as the timetable has now, in order.

    Without evidence they stay. Else a draw from what is known decides; without ``random`` the same
    evidence gives the same draw. The hours of one day's posts keep the gap; further ones are for
    other days and need not.
    """
    if not table.has_evidence:
        return table.best_hours
    candidates = _candidates(table)
    count = min(len(table.best_hours), len(candidates))
    drawn = _drawn(table, random)
    ranked = sorted(candidates, key=lambda hour: (-drawn[hour], hour))
    chosen = _of_a_day(ranked, drawn, min(count, table.posts_per_day), table.min_gap_hours)
    chosen += [hour for hour in ranked if hour not in chosen][: count - len(chosen)]
    return tuple(sorted(chosen))


def hours_of_a_day(table: Timetable) -> list[int]:
    """Return the hours of one day's posts: those of the timetable that its draw found best.

    The gap decides how many there are.
    """
    promise = _drawn(table) if table.has_evidence else dict.fromkeys(table.best_hours, 0.0)
    ranked = sorted(table.best_hours, key=lambda hour: (-promise[hour], hour))
    gap = min(table.min_gap_hours, HOURS_A_DAY // 2)
    return sorted(_of_a_day(ranked, promise, min(table.posts_per_day, len(ranked)), gap))


def _drawn(table: Timetable, random: Random | None = None) -> dict[int, float]:
    """Return a value for each hour that may be chosen, drawn from what posts there leave possible.

    The mean would never try what a few bad posts spoke against.
    """
    random = random or Random(table.evidence_seed())  # noqa: S311  # a choice, no secret
    hours = {*_candidates(table), *table.best_hours}
    return curve_of(hours, _evidence(table)).draw(random, _boldness(table))


def _candidates(table: Timetable) -> list[int]:
    if table.posts >= FEWEST_POSTS:
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


def _boldness(table: Timetable) -> float:
    posts: float = table.posts or sum(slot.tries for slot in table.slots.values())
    fading = math.exp(-posts / BOLD_POSTS)
    return BOLD_IN_THE_END + (BOLD_AT_FIRST - BOLD_IN_THE_END) * fading


def _evidence(table: Timetable) -> Evidence:
    return _of_posts(table.learned) if table.learned else _of_slots(table.slots)


def _of_posts(learned: Sequence[Learned]) -> Evidence:
    """Return what measured posts say of hours, each fortnight having its level.

    Levels are near each other where posts were measured alike; of posts that were measured at
    another age nothing is known of their level.
    """
    squares = sum(each.squares for each in learned)
    freedom = sum(each.posts - 1 for each in learned) + USUAL_SCATTER_POSTS
    variance = (squares + USUAL_SCATTER_POSTS * USUAL_SCATTER**2) / freedom
    found = Evidence()
    by_age: dict[bool, dict[int, list[Learned]]] = defaultdict(lambda: defaultdict(list))
    for each in learned:
        found.add(each.hour, each.mean, each.posts / variance)
        by_age[each.at_a_day][each.fortnight].append(each)
    for fortnights in by_age.values():
        left, pulled = [0.0] * HOURS_A_DAY, 0.0
        for group in fortnights.values():
            weights, value = _weights(group, variance)
            total = sum(weights)
            share = LEVEL_SPREAD**2 / (1 + LEVEL_SPREAD**2 * total)
            found.take(weights, value, share)
            rest = 1 - share * total
            left = [known + rest * weight for known, weight in zip(left, weights, strict=True)]
            pulled += rest * value
        found.take(left, pulled, 1 / sum(left))
    return found


def _weights(group: Iterable[Learned], variance: float) -> tuple[list[float], float]:
    weights, value = [0.0] * HOURS_A_DAY, 0.0
    for each in group:
        weights[each.hour] += each.posts / variance
        value += each.mean * each.posts / variance
    return weights, value


def _of_slots(slots: Mapping[int, Slot]) -> Evidence:
    """Return what better and worse posts say of hours."""
    wins = sum(slot.alpha - 1 for slot in slots.values())
    losses = sum(slot.beta - 1 for slot in slots.values())
    usual = (wins + 0.5) / (wins + losses + 1)
    found = Evidence()
    for hour, slot in slots.items():
        if slot.tries > 0:
            weight = slot.tries * usual * (1 - usual)
            ahead = slot.alpha - 1 - slot.tries * usual
            found.add(hour, LOG_A_LOGIT * ahead / weight, weight / LOG_A_LOGIT**2)
    return found


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
