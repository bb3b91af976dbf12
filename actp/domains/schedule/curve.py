"""The performance of each hour, as a smooth curve over the day."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

__all__ = ["Curve", "Observed", "curve_of"]

Observed: TypeAlias = "Mapping[int, tuple[float, float]]"
Matrix: TypeAlias = "list[list[float]]"

HOURS_A_DAY: Final = 24
# The logarithm of engagement differs by so much between hours, before anything is known.
SPREAD: Final = 0.4
# Hours nearer than this do nearly as well as each other.
REACH_HOURS: Final = 4.0
# Hours differ from the smooth curve by so much (a share of the variance).
OWN_SHARE: Final = 1e-3
# How far a draw strays from the mean, in standard deviations: the more, the longer hours are tried
# that are probably not the best. Chosen by regret after 60 days on simulated posts.
BOLDNESS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Curve:
    """A value for each hour as far as it is known: its mean, and how values go together."""

    hours: tuple[int, ...]
    means: tuple[float, ...]
    covariance: Matrix

    def mean(self) -> dict[int, float]:
        """Return the value to be expected of each hour."""
        return dict(zip(self.hours, self.means, strict=True))

    def draw(self, random: Random) -> dict[int, float]:
        """Return a value for each hour, drawn from what the observations leave possible."""
        root = _root(self.covariance)
        dice = [random.gauss(0.0, BOLDNESS) for _ in self.hours]
        return {
            hour: self.means[place] + _dot(root[place], dice[: place + 1])
            for place, hour in enumerate(self.hours)
        }


def curve_of(hours: Sequence[int], observed: Observed) -> Curve:
    """Return what is known of hours; ``observed`` has a mean and its variance for some of them.

    This is a Gaussian process on the circle of the day, so that a post teaches its own hour and
    those near it.
    """
    seen = sorted(observed)
    prior = _covariance(hours, hours)
    if not seen:
        return Curve(tuple(hours), (0.0,) * len(hours), prior)
    across = _covariance(hours, seen)
    noisy = _covariance(seen, seen)
    for place, hour in enumerate(seen):
        noisy[place][place] += observed[hour][1]
    root = _root(noisy)
    weights = _solved(root, [observed[hour][0] for hour in seen])
    known = [_solved(root, row) for row in across]
    left = [
        [prior[i][j] - _dot(across[i], known[j]) for j in range(len(hours))]
        for i in range(len(hours))
    ]
    return Curve(tuple(hours), tuple(_dot(row, weights) for row in across), left)


def _covariance(rows: Sequence[int], columns: Sequence[int]) -> Matrix:
    # Periodic, so that 23 and 0 are neighbours; near zero distance it falls like a Gaussian.
    scale = 2 / (REACH_HOURS * 2 * math.pi / HOURS_A_DAY) ** 2
    return [
        [
            SPREAD**2
            * (
                math.exp(scale * (math.cos(2 * math.pi * (row - column) / HOURS_A_DAY) - 1))
                + OWN_SHARE * (row == column)
            )
            for column in columns
        ]
        for row in rows
    ]


def _root(matrix: Matrix) -> Matrix:
    """Return the lower triangle whose square the matrix is (Cholesky)."""
    root: Matrix = []
    for i, row in enumerate(matrix):
        made: list[float] = []
        for j in range(i + 1):
            rest = row[j] - _dot(made[:j], (root[j] if j < i else made)[:j])
            made.append(math.sqrt(max(rest, 1e-12)) if i == j else rest / root[j][j])
        root.append(made)
    return root


def _solved(root: Matrix, right: Sequence[float]) -> list[float]:
    """Return x where root · rootᵀ · x is the right side."""
    below: list[float] = []
    for i, row in enumerate(root):
        below.append((right[i] - _dot(row[:i], below)) / row[i])
    size = len(root)
    solved = [0.0] * size
    for i in reversed(range(size)):
        rest = sum(root[k][i] * solved[k] for k in range(i + 1, size))
        solved[i] = (below[i] - rest) / root[i][i]
    return solved


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
