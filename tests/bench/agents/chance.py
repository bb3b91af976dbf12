"""How well the agents decide where chance is in play, on made-up posts."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from actp.domains.abtest.verdict import KNOWN, judge, scatter_of
from actp.domains.schedule.slots import Slot, Timetable, choose_hours
from tests.bench.figures import Figure, Quantity
from tests.support.reactions import drawn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

POSTS: Final = 1000
# The share of posts at each hour that do better than most.
HOURS: Final = {9: 0.1, 18: 0.2}
BETTER: Final = 18
CHOICES: Final = 200
BETTER_TARGET_PERCENT: Final = 90.0
VIEWS: Final = (200, 1000, 5000)
# How much the rates of equal posts differ from each other.
SCATTER: Final = 0.15
FALSE_WINNERS_TARGET_PERCENT: Final = 5.0
TWICE: Final = 2.0
# Accounts of which nothing is known yet: how much the rates of their equal posts differ.
YOUNG_SCATTERS: Final = (0.15, 0.25, 0.4)
YOUNG_VIEWS: Final = 1000


def measure(_: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Let hours be learned and tests be judged, many times."""
    random = Random(1)  # the same posts each time
    shares = [_share_of_better(random) for _ in range(sizes.learnings)]
    yield _percent(
        f"Thompson: choices of the better hour (20 % beside 10 %) after {POSTS} posts",
        sum(shares) / len(shares),
        at_least=BETTER_TARGET_PERCENT,
    )
    for views in VIEWS:
        yield _percent(
            f"A/B: winners of two equal posts with {views} views",
            _winners(random, views, 1.0, sizes.ab_tests),
            at_most=FALSE_WINNERS_TARGET_PERCENT,
        )
    for views in VIEWS:
        yield _percent(
            f"A/B: posts twice as good that win with {views} views",
            _winners(random, views, TWICE, sizes.ab_tests),
        )
    for scatter in YOUNG_SCATTERS:
        yield _percent(
            f"A/B: winners of two equal posts in an account's first test, scatter {scatter:.0%}",
            _winners(random, YOUNG_VIEWS, 1.0, sizes.ab_tests, scatter),
            at_most=FALSE_WINNERS_TARGET_PERCENT if scatter == SCATTER else None,
        )
    yield _percent(
        f"A/B: posts twice as good that win an account's first test with {YOUNG_VIEWS} views",
        _winners(random, YOUNG_VIEWS, TWICE, sizes.ab_tests, SCATTER),
    )


def _share_of_better(random: Random) -> float:
    """Return how often of all choices the better hour is taken once so many posts are out."""
    slots = dict.fromkeys(HOURS, Slot())
    for _ in range(POSTS):
        hour = _choice(slots, random)
        slots[hour] = slots[hour].after(reward=random.random() < HOURS[hour])
    return sum(_choice(slots, random) == BETTER for _ in range(CHOICES)) / CHOICES


def _choice(slots: dict[int, Slot], random: Random) -> int:
    one_a_day = Timetable("twitter", 1, (next(iter(slots)),), (0,), 0, slots)
    (hour,) = choose_hours(one_a_day, random)
    return hour


def _winners(
    random: Random, views: int, factor: float, tests: int, young: float | None = None
) -> float:
    """Return the share of tests that a post wins; of two equal ones, either.

    ``young`` is the scatter of an account without tests.
    """
    scatter = young or SCATTER
    granted = scatter_of([]) if young else KNOWN
    won = 0
    for _ in range(tests):
        a = drawn(random, views, factor=factor, scatter=scatter)
        b = drawn(random, views, scatter=scatter)
        won += judge(a, b, scatter=granted).winner in ({"a"} if factor > 1 else {"a", "b"})
    return won / tests


def _percent(
    name: str, share: float, *, at_least: float | None = None, at_most: float | None = None
) -> Figure:
    return Figure(name, Quantity(100 * share, "%"), at_least=at_least, at_most=at_most)
