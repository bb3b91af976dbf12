"""Draws charts as SVG whose colors are the page's, so one drawing serves light and dark.

The console and the report share it. Every text is escaped here; a mark tells its figures to a
pointer that rests on it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from string import ascii_lowercase, ascii_uppercase, digits
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["NARROW", "WIDE", "Bar", "Cell", "Drawing", "Point", "bars", "columns", "heat", "points"]

NARROW: Final = 500
WIDE: Final = 1052
LABELS: Final = 156
RIGHT: Final = 18
FONT: Final = 12
LEGEND: Final = 30
AXIS: Final = 40
BAR: Final = 16
# How wide a letter is on average, in the widest of the usual fonts.
LETTER: Final = 7.4
# How wide each may be there; what is named nowhere is as wide as the widest.
_WIDEST: Final = 13.0
_WIDTHS: Final = {
    **dict.fromkeys(" !'(),-./:;I[]fijlrt|", 5.8),
    **dict.fromkeys(ascii_lowercase.translate(dict.fromkeys(map(ord, "fijlmrtw"))), 7.8),
    **dict.fromkeys(digits, 7.8),
    **dict.fromkeys(ascii_uppercase.translate(dict.fromkeys(map(ord, "IMW"))), 9.6),
}


class Bar(NamedTuple):
    """A part of a row: how long, in which color, and what it says."""

    value: float
    color: str
    told: str


class Point(NamedTuple):
    """A point on a row."""

    value: float
    color: str
    told: str
    is_large: bool = False


class Cell(NamedTuple):
    """A field of a heat map: row, column, strength from 0 to 1, what it says, what stands in it."""

    row: int
    column: int
    share: float
    told: str
    text: str = ""
    has_dot: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """The inside of an SVG and its size."""

    width: int
    height: int
    parts: tuple[str, ...]

    def svg(self, label: str) -> str:
        """Return the whole drawing; ``label`` is read out in its place."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}"'
            f' role="img" aria-label="{escape(label)}" font-size="{FONT}">'
            f"{''.join(self.parts)}</svg>"
        )


def bars(  # noqa: PLR0913  # each is another thing that a row may have
    rows: Sequence[tuple[str, Sequence[Bar]]],
    *,
    most: float,
    title: str = "",
    shown: Callable[[float], str] = "{:,.0f}".format,
    legend: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    targets: Sequence[float | None] = (),
    has_track: bool = False,
) -> Drawing:
    """Draw a bar of parts for each row, on a scale up to ``most``.

    ``notes`` stand behind the bars, ``targets`` are lines across them; with ``title`` there is an
    axis.
    """
    top = LEGEND if legend else 6
    step = 28 if title else 32
    room = RIGHT if title else max((len(note) for note in notes), default=0) * LETTER + 16
    scale = (NARROW - LABELS - room) / most if most else 0
    bottom = top + step * len(rows)
    parts = [
        *_legend(legend or {}, NARROW),
        *(_axis(most, scale, top, bottom, title, shown) if title else ()),
    ]
    for number, (label, pieces) in enumerate(rows):
        middle = top + step * number + step / 2
        parts.append(_text(LABELS - 8, middle, label, anchor="end"))
        if has_track:
            parts.append(_rect(LABELS, middle - BAR / 2, scale * most, BAR, "track"))
        at = float(LABELS)
        for piece in pieces:
            width = max(scale * piece.value, 1.0)
            parts.append(_rect(at, middle - BAR / 2, width, BAR, piece.color, piece.told))
            at += width
        if notes:
            end = LABELS + scale * most if has_track else at
            parts.append(_text(end + 8, middle, notes[number], color="ink"))
        if targets and targets[number] is not None:
            across = LABELS + scale * float(targets[number] or 0)
            parts.append(_rect(across - 1.5, middle - BAR / 2 - 4, 3, BAR + 8, "ink"))
    return Drawing(NARROW, round(bottom + (AXIS if title else 6)), tuple(parts))


def columns(
    names: Sequence[str], values: Sequence[Sequence[Bar]], *, legend: Mapping[str, str]
) -> Drawing:
    """Draw a column of parts for each name."""
    height, left, top = 200, 48, LEGEND
    most = max((sum(part.value for part in parts) for parts in values), default=0) or 1
    ticks = _ticks(most)
    scale, step = height / max(most, ticks[-1]), (WIDE - left - RIGHT) / max(len(names), 1)
    parts = [*_legend(legend, WIDE)]
    for tick in ticks:
        y = top + height - scale * tick
        parts += [_line(left, y, WIDE - RIGHT, y), _text(left - 8, y, f"{tick:,.0f}", anchor="end")]
    for number, (name, pieces) in enumerate(zip(names, values, strict=True)):
        x, y = left + step * number + step * 0.2, float(top + height)
        for piece in pieces:
            tall = max(scale * piece.value, 1.0)
            y -= tall
            parts.append(_rect(x, y, step * 0.6, tall, piece.color, piece.told))
        parts.append(_text(x + step * 0.3, top + height + 16, name, anchor="middle"))
    return Drawing(WIDE, top + height + 30, tuple(parts))


def points(
    rows: Sequence[tuple[str, Sequence[Point]]], *, title: str, legend: Mapping[str, str]
) -> Drawing:
    """Draw points on a row each, joined by a line."""
    top, step = LEGEND, 34
    most = max((point.value for _, pair in rows for point in pair), default=0) or 1
    scale = (NARROW - LABELS - RIGHT - 8) / most
    bottom = top + step * len(rows)
    parts = [*_legend(legend, NARROW), *_axis(most, scale, top, bottom, title, "{:,.0f}".format)]
    for number, (label, pair) in enumerate(rows):
        middle = top + step * number + step / 2
        places = [LABELS + scale * point.value for point in pair]
        parts += [
            _text(LABELS - 8, middle, label, anchor="end"),
            _rect(min(places), middle - 1.5, max(places) - min(places), 3, "line"),
        ]
        parts += [_circle(place, middle, point) for place, point in zip(places, pair, strict=True)]
    return Drawing(NARROW, bottom + AXIS, tuple(parts))


def heat(
    rows: Sequence[str], names: Sequence[str], cells: Iterable[Cell], *, title: str
) -> Drawing:
    """Draw a field for each row and name, the stronger the larger its share."""
    left, top, step = 100, 12, 30
    across = (WIDE - left - RIGHT) / len(names)
    parts = [
        _rect(left + across * column + 2, top + step * row + 2, across - 4, step - 4, "ground")
        for row in range(len(rows))
        for column in range(len(names))
    ]
    parts += [
        _text(left - 8, top + step * row + step / 2, label, anchor="end")
        for row, label in enumerate(rows)
    ]
    bottom = top + step * len(rows)
    parts += [
        _text(left + across * (column + 0.5), bottom + 14, name, anchor="middle")
        for column, name in enumerate(names)
    ]
    parts.append(_text(left + across * len(names) / 2, bottom + 34, title, anchor="middle"))
    for cell in cells:
        x, y = left + across * cell.column, top + step * cell.row
        strength = 0.06 + 0.84 * min(max(cell.share, 0.0), 1.0)
        parts.append(_rect(x + 2, y + 2, across - 4, step - 4, "heat", cell.told, opacity=strength))
        if cell.text:
            parts.append(
                _text(x + across / 2, y + step / 2, cell.text, anchor="middle", color="ink")
            )
        if cell.has_dot:
            parts.append(
                f'<circle cx="{x + across / 2:.1f}" cy="{y + step / 2:.1f}" r="3.5"'
                ' fill="var(--ink)" stroke="var(--card)"/>'
            )
    return Drawing(WIDE, bottom + 44, tuple(parts))


def _legend(names: Mapping[str, str], width: int) -> Iterable[str]:
    at = 0.0
    for name, color in names.items():
        if at + 20 + len(name) * LETTER > width:
            return
        yield f'<circle cx="{at + 6:.1f}" cy="10" r="5" fill="var(--{color})"/>'
        yield _text(at + 18, 10, name)
        at += 36 + len(name) * LETTER


def _axis(  # noqa: PLR0913, PLR0917  # the sides of a frame
    most: float,
    scale: float,
    top: float,
    bottom: float,
    title: str,
    shown: Callable[[float], str],
) -> Iterable[str]:
    for tick in _ticks(most):
        x = LABELS + scale * tick
        yield _line(x, top, x, bottom)
        yield _text(x, bottom + 12, shown(tick), anchor="middle")
    yield _text((LABELS + NARROW - RIGHT) / 2, bottom + 30, title, anchor="middle")


def _ticks(most: float) -> list[float]:
    """Return round numbers from 0 up to ``most``, about four of them."""
    if most <= 0:
        return [0.0]
    rough = most / 4
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    if most >= 1:
        step = max(1.0, step)
    return [step * n for n in range(int(most / step + 1e-9) + 1)]


def _rect(  # noqa: PLR0913, PLR0917  # a rectangle has this many sides
    x: float,
    y: float,
    width: float,
    height: float,
    color: str,
    told: str = "",
    opacity: float | None = None,
) -> str:
    shape = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" rx="2"'
    faint = "" if opacity is None else f' opacity="{opacity:.2f}"'
    paint = f'fill="var(--{color})"{faint}'
    if not told:
        return f"<rect {shape} {paint}/>"
    return f'<rect class="mark" {shape} {paint}><title>{escape(told)}</title></rect>'


def _circle(x: float, y: float, point: Point) -> str:
    radius = 8 if point.is_large else 5
    return (
        f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="var(--{point.color})"'
        f' stroke="var(--card)"><title>{escape(point.told)}</title></circle>'
    )


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="var(--line)"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", color: str = "soft") -> str:
    # What ends at x begins at the left edge of the drawing or right of it.
    fits = _fitting(text, x - 2) if anchor == "end" else 60
    shown = text if len(text) <= fits else text[: fits - 1] + "…"
    return (
        f'<text x="{x:.1f}" y="{y + FONT * 0.36:.1f}" text-anchor="{anchor}"'
        f' fill="var(--{color})">{escape(shown)}</text>'
    )


def _fitting(text: str, room: float) -> int:
    """Return how many letters of a text there is room for, one of them the sign of omission."""
    ends = list(accumulate(_WIDTHS.get(letter, _WIDEST) for letter in text))
    if not ends or ends[-1] <= room:
        return len(text)
    return sum(end <= room - _WIDEST for end in ends) + 1
