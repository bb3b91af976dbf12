"""Recognizes a refusal of one thing by somebody who wants another: "no crypto, but AI"."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from actp.domains.outreach.spoken import bare_letters, plain_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["is_of_one_thing"]

_DATA: Final[Mapping[str, Sequence[str]]] = tomllib.loads(
    files("actp.domains.outreach").joinpath("limited_words.toml").read_text(encoding="utf-8")
)


def _any_of(spaced: str, unspaced: str) -> re.Pattern[str]:
    words, signs = "|".join(_DATA[spaced]), "|".join(_DATA[unspaced])
    return re.compile(bare_letters(rf"\b(?:{words})\b|{signs}"))


_TURN: Final = _any_of("but", "but_unspaced")
_YES: Final = _any_of("yes", "yes_unspaced")
_LACKS: Final = re.compile(bare_letters("|".join(_DATA["lacks"])))
_COURTESY: Final = frozenset(map(plain_words, _DATA["courtesy"]))
_COURTESY_UNSPACED: Final = re.compile(bare_letters("|".join(_DATA["courtesy_unspaced"])))
_ANYTHING: Final = re.compile(
    r"\b(?:anything|nothing|any of (?:it|this|that)|everything|nichts|nada|rien|niente)\b"
)
_CLAUSES: Final = re.compile(r"[,;.!\n\u2013\u2014\uff0c\u3001\u3002\u060c\u061b]+")


def is_of_one_thing(said: str, asks: Callable[[str], bool]) -> bool:
    """Return whether a text refuses something and wants something else.

    ``asks`` says whether a text in plain words asks us to stop.
    """
    plain = plain_words(said)
    if _LACKS.search(plain) is None or _ANYTHING.search(plain):
        return False
    turns = [(plain[: turn.start()], plain[turn.end() :]) for turn in _TURN.finditer(plain)]
    clauses = [clause for part in _CLAUSES.split(said) if (clause := plain_words(part))]
    turns += [(before, after) for before, after in pairwise(clauses) if _YES.search(after)]
    return any(
        _LACKS.search(before) and _wants(after) and not asks(after.strip())
        for before, after in turns
    )


def _wants(plain: str) -> bool:
    words = _COURTESY_UNSPACED.sub(" ", plain).split()
    return any(word not in _COURTESY for word in words)
