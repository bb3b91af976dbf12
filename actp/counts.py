"""Reads a count as a service, a page or another program wrote it."""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["first_count", "first_number", "read_count"]

# As pages shorten numbers in the languages that Safari may be set to. Turkish B is a thousand, so
# that behind a decimal comma it may be either and is unknown.
_WORDS: Final = {
    1_000: "k tsd tis tys тыс тис rb mil bin 千 천",
    10_000: "万 萬 만",
    100_000: "lakh lac लाख",
    1_000_000: "m mio mi mln mn млн millones jt juta",
    10_000_000: "crore cr करोड़",
    100_000_000: "億 亿 억",
    1_000_000_000: "b mrd md mld mld bi млрд",
}
_MULTIPLES: Final = {word: n for n, words in _WORDS.items() for word in words.split()}
_UNIT: Final = f"(?:{'|'.join(sorted(_MULTIPLES, key=len, reverse=True))})"
_SHOWN = re.compile(rf"(\d+(?:\.\d+)?)(?:\s?({_UNIT})\.?)?", re.IGNORECASE)
_GROUPED = re.compile(
    r"\d{1,3}(?:[,'\u2019\s]\d{3})+(?:\.\d{1,2})?|\d{1,3}(?:\.\d{3}){2,}"
    r"|\d{1,2}(?:,\d{2})+,\d{3}"  # as in India
)
_DECIMAL_COMMA = re.compile(rf"(\d+),(\d{{1,2}}\s?(?!b\b){_UNIT}\.?)", re.IGNORECASE)
# 12.345 is twelve to some and twelve thousand to others.
_AMBIGUOUS = re.compile(r"\d{1,3}[.]\d{3}")
# What an integer of the tables holds; no post has more, so a larger number was misread.
_LARGEST: Final = 2**31 - 1
_FARTHEST: Final = 1e15


def read_count(value: Any) -> int | None:
    """Return a count, None where it is not known.

    Numbers come as such or as text, also as a page shows them: ``12``, ``1,234``, ``1.2K``. What is
    negative, ambiguous, no number, a truth value or larger than any count is unknown, never zero.
    """
    if isinstance(value, str) and _AMBIGUOUS.fullmatch(value.strip()):
        return None
    number = _number(value)
    return None if number is None or number > _LARGEST else round(number)


def first_count(counts: Mapping[str, Any], *names: str) -> int | None:
    """Return the first of the named counts that is known; None where none is."""
    known = (read_count(counts.get(name)) for name in names)
    return next((count for count in known if count is not None), None)


def first_number(values: Mapping[str, Any], *names: str) -> float | None:
    """Return the first of the named numbers that is known; None where none is."""
    known = (_number(values.get(name)) for name in names)
    return next((number for number in known if number is not None), None)


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        value = _shown(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if isfinite(value) and 0 <= value < _FARTHEST else None
    except OverflowError:
        return None  # JSON may hold a number of any length


def _shown(text: str) -> float | None:
    if _GROUPED.fullmatch(text):
        text = re.sub(r"[,'\u2019\s]|\.(?=\d{3})", "", text)
    if match := _DECIMAL_COMMA.fullmatch(text):
        text = f"{match[1]}.{match[2]}"
    match = _SHOWN.fullmatch(text)
    return float(match[1]) * _MULTIPLES.get((match[2] or "").lower(), 1) if match else None
