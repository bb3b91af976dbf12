"""What a chart is: a drawing in Vega-Lite, and its figures as a table for whoever cannot see it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "BAR",
    "WIDE",
    "Chart",
    "Spec",
    "colours",
    "distinct",
    "figure",
    "percent",
    "plain",
    "plotted",
    "words",
]

Spec = dict[str, Any]
Data = dict[str, Any]

NARROW: Final = 500
WIDE: Final = 1052
AXIS_AND_LEGEND: Final = 88
BAR: Final = 16
MOST_IN_A_ROW: Final = 4


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart of the page; without a drawing it says that there is ``nothing`` yet."""

    name: str
    title: str
    caption: str
    nothing: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    spec: Spec | None
    is_wide: bool = False


def plotted(
    values: Sequence[Data],
    rows: int,
    layers: Sequence[Spec],
    *,
    step: int = 28,
    around: int = AXIS_AND_LEGEND,
) -> Spec:
    """Return the drawing of layers, as high as its rows and what stands ``around`` them need."""
    return {
        "width": NARROW,
        "height": rows * step + around,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": list(values)},
        "layer": list(layers),
    }


def colours(names: Mapping[str, str]) -> Spec:
    """Return the encoding that gives each of a field's ``kind`` its colour, in this order."""
    return {
        "field": "kind",
        "type": "nominal",
        "scale": {
            "domain": list(names),
            "range": [f"var(--{colour})" for colour in names.values()],
        },
        "legend": {"title": None, "columns": MOST_IN_A_ROW},
    }


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
