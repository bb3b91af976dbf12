"""What a chart is: a drawing, and its figures as a table for readers who cannot see it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from actp.report.svg import Drawing

__all__ = ["Chart", "distinct", "figure", "percent", "plain", "words"]


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart of the page; without a drawing it says that there is ``nothing`` yet."""

    name: str
    title: str
    caption: str
    nothing: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    drawing: Drawing | None
    is_wide: bool = False
    is_newest_right: bool = False


def plain(value: object, longest: int = 32) -> str:
    """Return text from outside as one printable line."""
    signs = "".join(sign if sign.isprintable() else " " for sign in str(value or "?"))
    line = " ".join(signs.split()) or "?"
    return line if len(line) <= longest else line[: longest - 1] + "…"


def words(name: object) -> str:
    """Return a stored name, ``ai_automation``, as it is read."""
    return plain(name).replace("_", " ")


def figure(value: object) -> float | None:
    """Return a number from outside, or None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def percent(share: float) -> str:
    """Return ``35%``."""
    return f"{share:.0%}"


def distinct(labels: Iterable[str]) -> list[str]:
    """Return the labels, those that were there before with their number."""
    seen: Counter[str] = Counter()
    made = []
    for label in labels:
        seen[label] += 1
        made.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return made
