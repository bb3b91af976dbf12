"""What was measured, beside what it is compared with and what was aimed at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Figure", "Quantity", "counted", "median", "percentile"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured value, written with its unit; ``of`` says whose it is."""

    value: float
    unit: str
    of: str = ""

    def __str__(self) -> str:
        digits = 0 if self.value >= 100 else 1 if self.value >= 10 else 2
        return f"{counted(self.value, digits)} {self.unit}" + (f" ({self.of})" if self.of else "")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    The target is a bound on the ratio where there is another, else on our own value.
    """

    name: str
    ours: Quantity | None = None
    other: Quantity | None = None
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Return ours by the other's."""
        if self.ours is None or self.other is None or not self.other.value:
            return None
        return self.ours.value / self.other.value

    @property
    def is_met(self) -> bool | None:
        """Return whether the target is met; None where nothing was measured or aimed at."""
        if self.ours is None or (self.at_least is None and self.at_most is None):
            return None
        judged = self.ours.value if self.other is None else self.ratio
        if judged is None:
            return None
        return (self.at_least or -math.inf) <= judged <= (self.at_most or math.inf)

    @property
    def target(self) -> str:
        """Return the bound as it is written."""
        bound = self.at_least if self.at_least is not None else self.at_most
        if bound is None:
            return ""
        sign = "≥" if self.at_least is not None else "≤"
        if self.other is not None:
            return f"{sign} {bound:g} x"
        return f"{sign} {Quantity(bound, self.ours.unit)}" if self.ours else ""


def counted(number: float, digits: int = 0) -> str:
    """Return a number with spaces between the thousands."""
    return f"{number:,.{digits}f}".replace(",", " ")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that ``share`` of all values do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]
