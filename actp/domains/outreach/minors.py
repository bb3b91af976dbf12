"""Detects that the author of a message, or the owner of an account, is younger than 18.

Nothing automatic is sent to a minor, so an operator has to look at a text that may say so.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Self

from actp.domains.outreach.phrases import Phrases
from actp.domains.outreach.spoken import bare_letters, plain_words

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["may_be_a_minor"]

_DATA: Final[dict[str, Any]] = tomllib.loads(
    files("actp.domains.outreach").joinpath("minor_words.toml").read_text(encoding="utf-8")
)
_UNITS: Final = "|".join(_DATA.pop("units"))
_FULL_AGE: Final = 18
_FIGURE: Final = "(?<![0-9])(?:[5-9]|1[0-7])(?![0-9])"
_DIGIT: Final = re.compile("[0-9]")
_YEAR: Final = "(20[0-9]{2})"


@dataclass(frozen=True, slots=True)
class _Language:
    """How a language gives an age, and the number words it may do so with."""

    numbers: frozenset[str]
    ages: re.Pattern[str]
    about: re.Pattern[str]
    unsaid: re.Pattern[str]

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Self:
        numbers = words.get("numbers", ())
        number = rf"(?:{'|'.join([_FIGURE, *numbers])})(?! (?:{_UNITS}))"
        between = f"(?: (?:{'|'.join(words['fill'])}))*" if "fill" in words else ""

        def either(kind: str) -> re.Pattern[str]:
            patterns = [
                bare_letters(each).replace("N", number).replace("Y", _YEAR).replace(" ~", between)
                for each in words.get(kind, ())
            ]
            return re.compile("|".join(patterns) or "(?!)")

        return cls(frozenset(numbers), either("age"), either("about"), either("unsaid"))

    def is_met(self, plain: str, this_year: int) -> bool:
        """Return whether a plain text gives an age, or a year of birth, of a minor."""
        found = self.ages.search(self.unsaid.sub(" ", plain))
        years = [int(year) for year in found.groups() if year] if found else []
        return found is not None and all(0 <= this_year - year <= _FULL_AGE for year in years)


def may_be_a_minor(text: str) -> bool:
    """Return whether a text says that its author, or the account's owner, is under 18."""
    plain = plain_words(text)
    if _phrases().are_in(plain):
        return True
    figures = plain if plain.isascii() else _in_figures(plain)
    is_dated = _DIGIT.search(figures) is not None
    said = set(plain.split())
    this_year = datetime.now(UTC).year
    return any(
        language.about.search(figures)
        or (
            (is_dated or not language.numbers.isdisjoint(said))
            and language.is_met(figures, this_year)
        )
        for language in _languages()
    )


def _in_figures(plain: str) -> str:
    """Return a text with the digits of Arabic, Persian or Hindi as figures."""
    return "".join(str(int(sign)) if sign.isdecimal() else sign for sign in plain)


@cache
def _languages() -> tuple[_Language, ...]:
    return tuple(map(_Language.of, _DATA.values()))


@cache
def _phrases() -> Phrases:
    return Phrases.of(phrase for words in _DATA.values() for phrase in words.get("phrases", ()))
