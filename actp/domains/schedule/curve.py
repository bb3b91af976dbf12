"""The performance of each hour, as a smooth curve over the day."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

__all__ = ["HOURS_A_DAY", "Curve", "Evidence", "curve_of"]

Matrix: TypeAlias = "list[list[float]]"

HOURS_A_DAY: Final = 24
# The logarithm of engagement differs by so much between hours, before anything is known.
SPREAD: Final = 0.35
# Hours nearer than this do nearly as well as each other.
REACH_HOURS: Final = 4.0
# Hours differ from the smooth curve by so much (a share of the variance).
OWN_SHARE: Final = 1e-3


def _square() -> Matrix:
    return [[0.0] * HOURS_A_DAY for _ in range(HOURS_A_DAY)]


@dataclass(slots=True)
class Evidence:
    """What posts say of the 24 hours.

    ``information`` is the inverse of a covariance; ``pull`` is that times the values it speaks for.
    """

    information: Matrix = field(default_factory=_square)
    pull: list[float] = field(default_factory=lambda: [0.0] * HOURS_A_DAY)

    def add(self, hour: int, value: float, weight: float) -> None:
        """Add a value of an hour; ``weight`` is the inverse of its variance."""
        self.information[hour][hour] += weight
        self.pull[hour] += weight * value

    def take(self, weights: Sequence[float], value: float, share: float) -> None:
        """Take out what values do not say of hours, as their common level is not known.

        ``weights`` are those of each hour's values, ``value`` is their weighed sum; ``share`` is
        how much of the level is unknown, over the sum of the weights.
        """
        hours = [hour for hour, weight in enumerate(weights) if weight]
        for row in hours:
            self.pull[row] -= share * weights[row] * value
            for column in hours:
                self.information[row][column] -= share * weights[row] * weights[column]

    def hours(self) -> set[int]:
        """Return the hours of which something is known."""
        return {hour for hour in range(HOURS_A_DAY) if self.information[hour][hour]}


@dataclass(frozen=True, slots=True)
class Curve:
    """A value for each hour as far as it is known."""

    hours: tuple[int, ...]
    # With M = I + prior' · information · prior = root · root': the mean is
    # prior · M⁻¹ · prior' · pull and the covariance prior · M⁻¹ · prior'.
    root: Matrix
    seen: tuple[float, ...]

    def mean(self) -> dict[int, float]:
        """Return the value to be expected of each hour."""
        return self._at(self.seen)

    def draw(self, random: Random, boldness: float) -> dict[int, float]:
        """Return a value for each hour, drawn from what is possible.

        ``boldness`` is how far it strays from the mean, in standard deviations.
        """
        return self._at([known + random.gauss(0.0, boldness) for known in self.seen])

    def _at(self, place: Sequence[float]) -> dict[int, float]:
        whole = _solved_above(self.root, place)
        prior = _prior(self.hours)
        return {
            hour: _dot(row, whole[: place + 1])
            for place, (hour, row) in enumerate(zip(self.hours, prior, strict=True))
        }


def curve_of(hours: Iterable[int], evidence: Evidence) -> Curve:
    """Return what is known of some hours, and of those that the evidence speaks of.

    This is a Gaussian process on the circle of the day, so that a post teaches its own hour and
    those near it.
    """
    given = tuple(sorted({*hours, *evidence.hours()}))
    size = range(len(given))
    # The prior is lower triangular: a column has something from its own row on.
    columns = [[row[i] for row in _prior(given)[i:]] for i in size]
    information = [[evidence.information[row][column] for column in given] for row in given]
    across = [[_dot(columns[i], row[i:]) for i in size] for row in information]
    between = [
        [_dot(columns[i], [row[j] for row in across[i:]]) + (i == j) for j in range(i + 1)]
        for i in size
    ]
    root = _root(between)
    pull = [evidence.pull[hour] for hour in given]
    seen = _solved_below(root, [_dot(columns[i], pull[i:]) for i in size])
    return Curve(given, root, tuple(seen))


@lru_cache(maxsize=64)
def _prior(hours: tuple[int, ...]) -> Matrix:
    """Return the root of the covariance of hours before anything is known."""
    # Periodic, so that 23 and 0 are neighbours; near zero distance it falls like a Gaussian.
    scale = 2 / (REACH_HOURS * 2 * math.pi / HOURS_A_DAY) ** 2
    return _root(
        [
            [
                SPREAD**2
                * (
                    math.exp(scale * (math.cos(2 * math.pi * (row - column) / HOURS_A_DAY) - 1))
                    + OWN_SHARE * (row == column)
                )
                for column in hours
            ]
            for row in hours
        ]
    )


def _root(matrix: Matrix) -> Matrix:
    """Return the lower triangle whose square a matrix is, by its lower half (Cholesky)."""
    root: Matrix = []
    for i, row in enumerate(matrix):
        made: list[float] = []
        for j in range(i + 1):
            rest = row[j] - _dot(made[:j], (root[j] if j < i else made)[:j])
            made.append(math.sqrt(max(rest, 1e-12)) if i == j else rest / root[j][j])
        root.append(made)
    return root


def _solved_below(root: Matrix, right: Sequence[float]) -> list[float]:
    """Return x where root · x is the right side."""
    solved: list[float] = []
    for i, row in enumerate(root):
        solved.append((right[i] - _dot(row[:i], solved)) / row[i])
    return solved


def _solved_above(root: Matrix, right: Sequence[float]) -> list[float]:
    """Return x where rootᵀ · x is the right side."""
    left = list(right)
    for i in reversed(range(len(root))):
        left[i] /= root[i][i]
        for j in range(i):
            left[j] -= root[i][j] * left[i]
    return left


def _dot(left: Iterable[float], right: Iterable[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
