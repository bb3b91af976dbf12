"""Recognizes short, misspelled texts that ask not to be contacted, by the order of their words."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from actp.domains.outreach.spoken import plain_words

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["asks_in_a_frame"]

# A longer text tells a story that may hold any words in any order.
LONGEST_WORDS: Final = 12
REMEMBERED: Final = 8192
_END: Final = "."
# Letters from which a word may have one fault, and two.
_ONE_FAULT: Final = 4
_TWO_FAULTS: Final = 8
_SHORTEST: Final = 3
_VOWELS: Final = re.compile("(?<=.)[aeiou\u0430\u0435\u0438\u043e\u0443\u044b\u044d\u044e\u044f]")
_DOUBLED: Final = re.compile(r"(.)\1+")


@dataclass(frozen=True, slots=True)
class _Language:
    """Frames of one language: slots of words, and what may stand between and not before them.

    ``right`` are words that are spelled right, and mean no other one.
    """

    frames: tuple[tuple[str, ...], ...]
    between: frozenset[str]
    before: frozenset[str]
    right: frozenset[str]


def asks_in_a_frame(plain: str, *, is_reading: bool = False) -> bool:
    """Return whether a misspelled text of few words, in plain words, asks us to stop.

    What is spelled right is judged by other rules, unless it is a reading of what is not.
    """
    words = plain.split()
    return 0 < len(words) <= LONGEST_WORDS and any(
        _faults(words, at, frame, language) >= (0 if is_reading else 1)
        for language in _languages()
        for frame in language.frames
        for at in range(len(words))
    )


def _faults(words: list[str], at: int, frame: tuple[str, ...], language: _Language) -> int:
    """Return how many words of a frame that begins at a place are misspelled, -1 without one."""
    if not _fills(words[at], frame[0], language.right) or (at and words[at - 1] in language.before):
        return -1
    place, faults = at, 0
    for slot in frame:
        if slot == _END:
            return faults if language.between.issuperset(words[place:]) else -1
        while place < len(words) and not _fills(words[place], slot, language.right):
            if words[place] not in language.between:
                return -1
            place += 1
        if place == len(words):
            return -1
        faults += words[place] not in language.right
        place += 1
    return faults


@lru_cache(maxsize=REMEMBERED)
def _fills(word: str, slot: str, right: frozenset[str]) -> bool:
    meant = slot.split("|")
    return word in meant or (word not in right and any(_is_like(word, each) for each in meant))


def _is_like(word: str, meant: str) -> bool:
    """Return whether a word may be another one with letters left out, doubled or wrong.

    The first letter and the order of the consonants are what people keep.
    """
    if word[0] != meant[0]:
        return False
    if _DOUBLED.sub(r"\1", word) == _DOUBLED.sub(r"\1", meant):
        return True
    bones = _bones(meant)
    is_bare = word == bones or len(word) >= _SHORTEST
    if len(bones) > 1 and is_bare and len(meant) >= _SHORTEST and _bones(word) == bones:
        return len(word) <= len(meant)
    faults = 0 if len(meant) < _ONE_FAULT else 1 if len(meant) < _TWO_FAULTS else 2
    return len(word) >= _SHORTEST and _are_within(word, meant, faults)


def _bones(word: str) -> str:
    """Return a word without vowels but at its beginning, each letter once in a row."""
    return _DOUBLED.sub(r"\1", _VOWELS.sub("", word))


def _are_within(one: str, other: str, faults: int) -> bool:
    """Return whether so many letters too many, too few, wrong or swapped part two words."""
    if abs(len(one) - len(other)) > faults:
        return False
    before, last = [0] * (len(other) + 1), list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        now = [row]
        for column, wanted in enumerate(other, 1):
            best = min(last[column] + 1, now[-1] + 1, last[column - 1] + (letter != wanted))
            is_swapped = row > 1 and column > 1 and one[row - 2 : row] == wanted + other[column - 2]
            now.append(min(best, before[column - 2] + 1) if is_swapped else best)
        before, last = last, now
    return last[-1] <= faults


@cache
def _languages() -> tuple[_Language, ...]:
    text = files("actp.domains.outreach").joinpath("stop_frames.toml").read_text(encoding="utf-8")
    data: list[dict[str, Any]] = list(tomllib.loads(text).values())
    frames = [tuple(tuple(map(_slot, frame)) for frame in each["frames"]) for each in data]
    # A word of one language is no misspelled one of another.
    slots = (
        word for each in frames for frame in each for slot in frame for word in slot.split("|")
    )
    right = _plain(word for each in data for word in each["unlike"]).union(slots)
    return tuple(
        _Language(found, _plain(each["between"]), _plain(each["before"]), right)
        for found, each in zip(frames, data, strict=True)
    )


def _plain(words: Iterable[str]) -> frozenset[str]:
    return frozenset(map(plain_words, words))


def _slot(written: str) -> str:
    return written if written == _END else "|".join(map(plain_words, written.split("|")))
