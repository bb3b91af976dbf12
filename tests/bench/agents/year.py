"""A simulated year of posts: a known best hour, a known fall, a known trend, a known better text.

The posts are drawn by chance; what the agents conclude is judged by what was put into them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations
from random import Random
from statistics import fmean, pvariance
from typing import TYPE_CHECKING, Any, Final

from actp.domains.abtest.verdict import MOST_ROUNDS, judge
from actp.domains.schedule.saturation import has_recovered, saturation
from actp.domains.schedule.slots import (
    Learned,
    Slot,
    Timetable,
    apart,
    choose_hours,
    hours_of_a_day,
)
from actp.domains.trends.strength import BASELINE_DAYS, LEAST_RISE, rise
from tests.bench.figures import Figure, Quantity
from tests.support.reactions import drawn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actp.domains.abtest.verdict import Counts
    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

DAYS: Final = 365
FORTNIGHT_DAYS: Final = 14
LEARNED_BY: Final = 60
# Platform, posts a day, first hours, days from Monday = 0, gap.
TIMETABLES: Final = (
    ("twitter", 3, (14, 17, 22), (0, 1, 2, 3, 4), 3),
    ("threads", 3, (13, 17, 23), (0, 1, 2, 3, 4, 5), 3),
    ("instagram", 1, (15, 20), (1, 2, 3, 4, 5), 8),
    ("tiktok", 3, (12, 17, 23), (0, 1, 2, 3, 4, 5), 5),
    ("youtube", 1, (15, 18), (1, 3), 48),
    ("linkedin", 1, (13, 17), (0, 1, 2, 3, 4), 12),
)
# One post a week teaches too little for a target; the figure says how little.
SELDOM: Final = ("linkedin", 1, (13, 17), (2,), 12)
# Engagement rises and falls by half over 90 days, whatever the hour.
WAVE, WAVE_DAYS = 0.5, 90
# What an hour far from the best brings of it, and how wide the peak is.
FAR_SHARE: Final = 0.4
PEAK_HOURS: Final = 4.0
# How much posts at one hour differ, in the logarithm of their engagement.
SCATTER: Final = 0.5
FALL_AT, FALL_DAYS, FALL_TO = 200, 30, 0.4
FALLING: Final = "tiktok"
TREND_AT, TREND_DAYS, TREND_TIMES = 250, 14, 3.0
EVERY_DAY: Final = frozenset(range(7))
SCHEDULED: Final = frozenset((0, 3))  # Monday and Thursday
NICHES, TRENDING = 6, 3
POSTS_A_NICHE_AND_DAY: Final = 8
RESEARCH_SCATTER: Final = 0.8
REGRET_TARGET_PERCENT: Final = 15.0
FALL_TARGET_DAYS: Final = 4.0
TREND_TARGET_DAYS: Final = 2.0
FALSE_ALARMS_TARGET: Final = 1.0
POWER_TARGET: Final = 1.3
MOST_POWER: Final = 0.99
# The share of posts twice as good that were found before tests had rounds, by views.
POWER_BEFORE: Final[Mapping[int, float]] = {200: 0.234, 1000: 0.592, 5000: 0.771}
AB_SCATTER: Final = 0.15
FALSE_WINNERS_TARGET_PERCENT: Final = 5.0


@dataclass(slots=True)
class Platform:
    """One platform's year: what was posted when, and what was concluded of it."""

    table: Timetable
    best_hour: int
    random: Random
    wave: float = 0.0
    posts: list[tuple[int, int, float]] = field(default_factory=list)
    regret: float = 0.0
    random_regret: float = 0.0
    alarms: list[int] = field(default_factory=list)
    is_told: bool = False

    def lift(self, hour: int) -> float:
        """Return what an hour brings, 1 at the best."""
        near = math.exp(-((apart(hour, self.best_hour) / PEAK_HOURS) ** 2))
        return FAR_SHARE + (1 - FAR_SHARE) * near

    def live(self, day: int) -> None:
        """Choose the hours of a day, post at them, and check for falling engagement."""
        if day % 7 in self.table.active_days:
            known = replace(self.table, learned=self._learned(day))
            self.table = replace(self.table, best_hours=choose_hours(known))
            hours = hours_of_a_day(replace(known, best_hours=self.table.best_hours))
            if day >= LEARNED_BY:
                self._judge(hours)
            falls = self.table.platform == FALLING and FALL_AT <= day < FALL_AT + FALL_DAYS
            for hour in hours:
                chance = math.exp(self.random.gauss(0, SCATTER))
                score = 1000 * self.lift(hour) * chance * (FALL_TO if falls else 1.0)
                score *= 1 + self.wave * math.sin(2 * math.pi * day / WAVE_DAYS)
                self.posts.append((day, hour, score))
        self._look_for_saturation(day)

    def _learned(self, day: int) -> tuple[Learned, ...]:
        """Return what ``agent_post_hours`` answers of posts that are a day old."""
        logs: dict[tuple[int, int], list[float]] = {}
        for at, hour, score in self.posts:
            if at < day:
                logs.setdefault((at // FORTNIGHT_DAYS, hour), []).append(math.log1p(score))
        return tuple(
            Learned(hour, len(each), fmean(each), pvariance(each) * len(each), fortnight)
            for (fortnight, hour), each in sorted(logs.items())
        )

    def _judge(self, hours: list[int]) -> None:
        sets = _sets(len(hours), min(self.table.min_gap_hours, 12))
        best = max(fmean(map(self.lift, each)) for each in sets)
        self.regret += best - fmean(map(self.lift, hours))
        self.random_regret += best - fmean(map(self.lift, self.random.choice(sets)))

    def _look_for_saturation(self, day: int) -> None:
        posts = [[float(day - at), score] for at, _, score in self.posts if 1 <= day - at <= 30]
        row: dict[str, Any] = {"platform": self.table.platform, "posts": posts}
        row["posts_per_day"] = self.table.posts_per_day
        if self.is_told:
            self.is_told = not has_recovered(row)
        elif saturation(row) is not None:
            self.is_told = True
            self.alarms.append(day)


@cache
def _sets(count: int, gap: int) -> list[tuple[int, ...]]:
    """Return every choice of hours that keeps the gap."""
    return [
        each
        for each in combinations(range(24), count)
        if all(apart(*pair) >= gap for pair in combinations(each, 2))
    ]


def measure(_: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Live through some years, and tell what was learned of what had been put into them."""
    years = [_year(seed) for seed in range(sizes.years)]
    for number, (name, *_rest) in enumerate(TIMETABLES):
        yield _regret(f"hours of {name}", [year[number] for year in years], REGRET_TARGET_PERCENT)
    linkedin = next(table for table in TIMETABLES if table[0] == "linkedin")
    waves = [_lived(linkedin, seed, WAVE) for seed in range(sizes.years)]
    yield _regret("hours of linkedin in waves of 90 days", waves, REGRET_TARGET_PERCENT)
    seldom = [_lived(SELDOM, seed) for seed in range(sizes.years)]
    yield _regret("hours of one post a week", seldom, None)
    told = [_first(year, FALL_AT, FALL_DAYS) for year in years]
    yield Figure(
        f"a fall of {FALLING} to {FALL_TO:.0%} is told, mean of {len(years)} years",
        Quantity(fmean(told), "days"),
        at_most=FALL_TARGET_DAYS,
    )
    false = [sum(not _is_of_the_fall(p, day) for p in year for day in p.alarms) for year in years]
    yield Figure(
        "falls told that were none, six platforms",
        Quantity(fmean(false), "a year"),
        at_most=FALSE_ALARMS_TARGET,
    )
    yield from _trends(sizes, EVERY_DAY, "is told, mean", TREND_TARGET_DAYS)
    yield from _trends(sizes, SCHEDULED, "is told by two looks a week, mean", None)
    yield from _tests(sizes)


def _regret(name: str, lived: list[Platform], at_most: float | None) -> Figure:
    share = sum(each.regret for each in lived) / sum(each.random_regret for each in lived)
    return Figure(
        f"{name}: regret from day {LEARNED_BY} on, of random hours'",
        Quantity(100 * share, "%"),
        at_most=at_most,
    )


def _year(seed: int) -> list[Platform]:
    return [_lived(table, seed) for table in TIMETABLES]


def _lived(
    given: tuple[str, int, tuple[int, ...], tuple[int, ...], int], seed: int, wave: float = 0.0
) -> Platform:
    name, posts, hours, days, gap = given
    random = Random(f"{seed} {name}")
    slots = {(hour + by) % 24: Slot() for hour in hours for by in (-1, 0, 1)}
    table = Timetable(name, posts, hours, days, gap, slots)
    platform = Platform(table, random.randrange(24), random, wave)
    for day in range(DAYS):
        platform.live(day)
    return platform


def _first(year: list[Platform], at: int, days: int) -> float:
    """Return how many days after its begin the fall was told; its whole length if never."""
    (falling,) = (p for p in year if p.table.platform == FALLING)
    told = [day - at for day in falling.alarms if at <= day < at + days]
    return float(told[0] if told else days)


def _is_of_the_fall(platform: Platform, day: int) -> bool:
    return platform.table.platform == FALLING and FALL_AT <= day < FALL_AT + FALL_DAYS


def _trends(
    sizes: Sizes, looks: frozenset[int], told_how: str, at_most: float | None
) -> Iterator[Figure]:
    waits, false = [], 0
    for seed in range(sizes.years):
        random = Random(f"trends {seed}")
        days: list[dict[int, float]] = [{} for _ in range(NICHES)]
        told_at: list[int] = []
        told: set[int] = set()
        for day in (day for day in range(DAYS) if day % 7 in looks):
            rising = set()
            for niche in range(NICHES):
                is_trend = niche < TRENDING and TREND_AT <= day < TREND_AT + TREND_DAYS
                level = 100 * (TREND_TIMES if is_trend else 1.0)
                posts = (
                    level * math.exp(random.gauss(0, RESEARCH_SCATTER))
                    for _ in range(POSTS_A_NICHE_AND_DAY)
                )
                days[niche][day] = sum(posts)
                known = {day - at: s for at, s in days[niche].items() if day - at < BASELINE_DAYS}
                found = rise({"twitter": known})
                if found is not None and found >= LEAST_RISE:
                    rising.add(niche)
                elif found is not None:
                    told.discard(niche)
            if len(rising) >= TRENDING and rising - told:
                told |= rising
                told_at.append(day)
        hits = [day - TREND_AT for day in told_at if TREND_AT <= day < TREND_AT + TREND_DAYS]
        waits.append(float(hits[0] + 1 if hits else TREND_DAYS))
        false += len(told_at) - len(hits)
    yield Figure(
        f"a rise of {TRENDING} niches to {TREND_TIMES:g} times {told_how}",
        Quantity(fmean(waits), "days"),
        at_most=at_most,
    )
    yield Figure(
        "rises told that were none, by " + ("daily looks" if looks == EVERY_DAY else "two a week"),
        Quantity(false / sizes.years, "a year"),
        at_most=FALSE_ALARMS_TARGET,
    )


def _tests(sizes: Sizes) -> Iterator[Figure]:
    random = Random(2)
    for views, before in POWER_BEFORE.items():
        wins = sum(_winner(random, views, 2.0) == "a" for _ in range(sizes.ab_tests))
        false = sum(_winner(random, views, 1.0) != "tie" for _ in range(sizes.ab_tests))
        found = wins / sizes.ab_tests
        yield Figure(
            f"A/B of up to {MOST_ROUNDS} rounds: posts twice as good that win with {views} views",
            Quantity(100 * found, "%"),
            Quantity(100 * before, "%", "one round, before"),
            # Where nearly all are found there is nothing left to gain.
            at_least=min(POWER_TARGET, round(MOST_POWER / before, 2)),
        )
        yield Figure(
            f"A/B of up to {MOST_ROUNDS} rounds: winners of equal posts with {views} views",
            Quantity(100 * false / sizes.ab_tests, "%"),
            at_most=FALSE_WINNERS_TARGET_PERCENT,
        )


def _winner(random: Random, views: int, factor: float) -> str:
    earlier: list[tuple[Counts, Counts]] = []
    for _ in range(MOST_ROUNDS):
        a = drawn(random, views, factor=factor, scatter=AB_SCATTER)
        b = drawn(random, views, scatter=AB_SCATTER)
        winner = judge(a, b, earlier, MOST_ROUNDS).winner
        if winner != "tie":
            return winner
        earlier.append((a, b))
    return "tie"
