"""Reactions to made-up posts, drawn by chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from actp.domains.abtest.verdict import Counts

if TYPE_CHECKING:
    from random import Random

__all__ = ["drawn"]

# Reactions a view.
RATES: Final = {"likes": 0.03, "retweets": 0.005, "replies": 0.008}
# From here on a normal distribution is as good.
MANY: Final = 50


def drawn(random: Random, views: int, *, factor: float = 1.0, scatter: float = 0.0) -> Counts:
    """Counts of one post: as many reactions as chance gives, at a rate that itself scatters."""
    lift = factor
    if scatter:
        shape = 1 / scatter**2
        lift *= random.gammavariate(shape, 1 / shape)
    counts = {name: _poisson(random, views * rate * lift) for name, rate in RATES.items()}
    return Counts(**counts, views=views)


def _poisson(random: Random, mean: float) -> int:
    if mean > MANY:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    count, product = 0, random.random()
    while product > math.exp(-mean):
        count += 1
        product *= random.random()
    return count
