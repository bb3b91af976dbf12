"""Finds any of many phrases in a plain text, from the beginning of a word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from actp.domains.outreach.spoken import plain_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Phrases"]

_WORD: Final = re.compile(r"\S+")
# Letters by which single words are found, and the longest phrase.
_START: Final = 4
_LONGEST_PHRASE: Final = 40
# Scripts that are written without spaces between words.
_UNSPACED: Final = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\u1100-\u11ff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases by how they begin, and those of scripts without spaces.

    One pattern of all of them would try each at every letter.
    """

    by_start: Mapping[str, tuple[str, ...]]
    unspaced: tuple[str, ...]

    @classmethod
    def of(cls, phrases: Iterable[str]) -> Self:
        """Index phrases; a phrase may end inside a word: "unsubscrib" stands for its forms."""
        by_start: dict[str, list[str]] = {}
        unspaced = []
        for phrase in sorted({_phrase(each) for each in phrases}):
            if _UNSPACED.search(phrase):
                unspaced.append(phrase)
            else:
                by_start.setdefault(cls._start(phrase), []).append(phrase)
        indexed = {start: tuple(found) for start, found in by_start.items()}
        return cls(indexed, tuple(unspaced))

    def are_in(self, spoken: str) -> bool:
        """Return whether one of them stands in a plain text, from the beginning of a word."""
        if _UNSPACED.search(spoken) and any(phrase in spoken for phrase in self.unspaced):
            return True
        ended = spoken + " "
        for word in _WORD.finditer(spoken):
            at = word.start()
            rest = ended[at : at + _LONGEST_PHRASE]
            for start in {rest[:_START], self._start(rest)}:
                if any(rest.startswith(phrase) for phrase in self.by_start.get(start, ())):
                    return True
        return False

    @staticmethod
    def _start(phrase: str) -> str:
        """Return the first word and two letters of the next one, or how an only word begins."""
        space = phrase.find(" ")
        is_one_word = space < 0 or space == len(phrase) - 1
        return phrase[:_START] if is_one_word else phrase[: space + 3]


def _phrase(written: str) -> str:
    return plain_words(written) + (" " if written.endswith(".") else "")
