"""Detects falling engagement: a drop of more than 30 percent that chance does not explain."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from actp.domains.significance import errors_needed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["FEWEST_POSTS", "Saturation", "has_recovered", "is_comparable", "saturation"]

FEWEST_POSTS: Final = 3
TIRED_BELOW: Final = 0.70
# From here on a platform that was reported is well again.
WELL_FROM: Final = 0.85
# The days that are compared with days 8 to 30: the week, and its end, where a fall shows first.
RECENT_DAYS: Final = (7.0, 3.0)
BASELINE_FROM_DAYS: Final = 7.0
# How many standard errors the logarithm of engagement must have fallen by. It is looked at daily:
# 3 found two falls a simulated year on six platforms where there were none.
LEAST_ERRORS: Final = 3.5


@dataclass(frozen=True, slots=True)
class Saturation:
    """A platform that tires, and how many posts a day would be better.

    ``recommended`` is ``posts_per_day`` where that leaves none out.
    """

    platform: str
    drop_percent: int
    posts_per_day: int
    recommended: int


def saturation(row: Mapping[str, Any]) -> Saturation | None:
    """Return what is wrong with a platform's last days, or None.

    ``row["posts"]`` holds pairs of age in days and engagement. Fewer than three posts on either
    side say nothing, nor does a fall that the scatter of the posts explains.
    """
    earlier = _scores(row, lambda age: age > BASELINE_FROM_DAYS)
    for days in RECENT_DAYS:
        recent = _scores(row, lambda age, days=days: age <= days)
        ratio = _ratio(recent, earlier)
        if ratio is not None and ratio < TIRED_BELOW and _has_fallen(recent, earlier):
            posts = row["posts_per_day"]
            drop = round(100 * (1 - ratio))
            return Saturation(row["platform"], drop, posts, posts - 1 if posts > 1 else posts)
    return None


def is_comparable(row: Mapping[str, Any]) -> bool:
    """Return whether enough posts of the last week and of before are known to compare them."""
    earlier = _scores(row, lambda age: age > BASELINE_FROM_DAYS)
    return _ratio(_scores(row, lambda age: age <= BASELINE_FROM_DAYS), earlier) is not None


def has_recovered(row: Mapping[str, Any]) -> bool:
    """Return whether the last week of a platform that was reported is near its baseline again."""
    earlier = _scores(row, lambda age: age > BASELINE_FROM_DAYS)
    ratio = _ratio(_scores(row, lambda age: age <= BASELINE_FROM_DAYS), earlier)
    return ratio is not None and ratio >= WELL_FROM


def _scores(row: Mapping[str, Any], is_wanted: Any) -> list[float]:
    return [float(score) for age, score in row["posts"] if is_wanted(age)]


def _ratio(recent: Sequence[float], earlier: Sequence[float]) -> float | None:
    if min(len(recent), len(earlier)) < FEWEST_POSTS or (before := fmean(earlier)) <= 0:
        return None
    return fmean(recent) / before


def _has_fallen(recent: Sequence[float], earlier: Sequence[float]) -> bool:
    """Return whether the mean logarithm has fallen by more than chance explains."""
    now, before = (
        [math.log1p(max(0.0, score)) for score in scores] for scores in (recent, earlier)
    )
    squares = sum(sum((each - fmean(logs)) ** 2 for each in logs) for logs in (now, before))
    freedom = len(now) + len(before) - 2
    error = math.sqrt(squares / freedom * (1 / len(now) + 1 / len(before)))
    return fmean(before) - fmean(now) > errors_needed(LEAST_ERRORS, freedom) * error
