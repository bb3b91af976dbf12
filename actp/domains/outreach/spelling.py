"""Reads the abbreviated and misspelled words of chats as the whole words they may stand for."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Self

from actp.domains.outreach.spoken import plain_words, unmasked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Speller"]

# A longer text that asks for something also asks for it in whole words.
LONGEST_WORDS: Final = 16
LONGEST_PHRASE: Final = 24
_SHORTEST_TEXT: Final = 5
# Letters of a word that may lack one or its vowels, and of one with any other fault.
_SHORTEST: Final = 4
_SPELLABLE: Final = 6
# Scripts that are spelled letter by letter: Latin and Cyrillic.
_SPELLED: Final = re.compile("[a-z0-9\u0430-\u044f\u0456\u0454]+")
_STRETCHED: Final = re.compile(r"([^\W\d])\1{2,}")
_VOWELS: Final = re.compile("(?<=.)[aeiou]")
_DOUBLED: Final = re.compile(r"(.)\1")
# A word of two or three letters with figures for some: "m3", "g0".
_SHORT_FIGURES: Final = re.compile(r"\b(?=\d*[a-z])(?=[a-z]*\d)[a-z03]{2,3}\b")
# A sign in place of a letter, or a star over one: "le@ve", "qu!t", "st*p".
_AT: Final = re.compile(r"(?<=[a-z])@(?=[a-z])|(?<!\S)@(?=lone\b)", re.IGNORECASE)
_BANG: Final = re.compile(r"(?<=[a-z])[!|](?=[a-z])", re.IGNORECASE)
_STAR: Final = re.compile(r"(?<=\w)[*#%&^]+(?=\w)")
# Words that are as near to others, but right.
_RIGHT: Final = (
    "massage massages massaging unsubscribes interests interesting narrete ilgileniyorum"
    " napismi ichmeldemich gondermek khoang \u043f\u0435\u0440\u0435\u0441\u0442\u0430\u0442\u044c"
)
# Words that the grammar of English looks for.
_GRAMMAR: Final = (
    "stop please leave alone enough again block blocked blocking report reported reporting remove"
    " removed delete message messages messaging messaged contact contacting contacted texting"
    " calling emailing spamming harassing harassment bothering sending interested interest"
    " unsubscribe subscribe unsubscribed number already anymore never texts annoying"
)

# What English says in a whole message.
_REQUESTS: Final = tuple(
    f"{no} {what}{whom}"
    for no, whats in (
        ("dont", "message msg dm text txt contact call email write spam bother"),
        ("do not", "message msg dm text contact call email write"),
        ("stop", "messaging msging dming texting contacting calling emailing writing spamming"),
        ("no more", "messages msgs dms texts calls emails spam"),
    )
    for what in whats.split()
    for whom in ("", " me", " me again")
)


@dataclass(frozen=True, slots=True)
class Speller:
    """The words that a text may mean, by what people write for them.

    ``shorts`` holds the abbreviations of one language each, ``near`` known words by the forms that
    lack one letter, or all vowels; ``whole`` are phrases without blanks, and with a letter less.
    """

    known: frozenset[str]
    near: Mapping[str, str]
    whole: frozenset[str]
    shorts: Sequence[Mapping[str, str]]

    @classmethod
    def of(cls, phrases: Sequence[str]) -> Self:
        """Learn the words of phrases in small letters."""
        data: dict[str, dict[str, str]] = tomllib.loads(
            files("actp.domains.outreach").joinpath("chat_words.toml").read_text(encoding="utf-8")
        )
        shorts = [
            {plain_words(short): plain_words(whole) for short, whole in words.items()}
            for words in data.values()
        ]
        grammar = _GRAMMAR.split()
        said = {
            word
            for phrase in phrases
            for word in phrase.split()
            if len(word) >= _SPELLABLE and word.isascii()
        }
        near: dict[str, str] = {}
        for word in (*grammar, *sorted(said)):
            for form in (_skeleton(word), *_without_one(word)):
                near.setdefault(form, word)
        whole = {phrase.replace(" ", "") for phrase in (*phrases, *_REQUESTS)}
        long = [
            phrase for phrase in whole if len(phrase) >= _SPELLABLE and _SPELLED.fullmatch(phrase)
        ]
        whole.update(form for phrase in long for form in _without_one(phrase))
        words = (word for phrase in phrases for word in phrase.split())
        return cls(frozenset((*grammar, *_RIGHT.split(), *words)), near, frozenset(whole), shorts)

    def is_one_phrase(self, text: str) -> bool:
        """Return whether a whole text is a phrase that is run together or has one wrong letter."""
        said = unmasked(plain_words(text)).replace(" ", "")
        if said in self.known:
            return False
        if said in self.whole:
            return True
        is_long = _SPELLABLE < len(said) <= LONGEST_PHRASE and _SPELLED.fullmatch(said) is not None
        return is_long and not self.whole.isdisjoint(_without_one(said))

    def readings(self, text: str) -> Iterator[str]:
        """Yield what a text of few words may mean, in plain words, beside what stands there."""
        plain = plain_words(text)
        if plain.count(" ") >= LONGEST_WORDS or len(plain) < _SHORTEST_TEXT:
            return
        whole = plain_words(_STAR.sub("", _BANG.sub("i", _AT.sub("a", text))))
        words = _STRETCHED.sub(r"\1", whole).split()
        readings = {plain}
        for short in ({}, *self.shorts):
            if short and short.keys().isdisjoint(words):
                continue
            reading = " ".join(
                short.get(word) or self._nearest(_in_letters(word)) for word in words
            )
            if reading not in readings:
                readings.add(reading)
                yield reading

    def _nearest(self, word: str) -> str:
        if len(word) < _SHORTEST or word in self.known or not _SPELLED.fullmatch(word):
            return word
        forms = [word, *_without_one(word)] if len(word) >= _SPELLABLE else [word]
        found = [form if form in self.known else self.near.get(form) for form in forms]
        return next((near for near in found if near and near[0] == word[0]), word)


def _in_letters(word: str) -> str:
    if _SHORT_FIGURES.fullmatch(word):
        return word.replace("0", "o").replace("3", "e")
    return unmasked(word)


def _skeleton(word: str) -> str:
    return _DOUBLED.sub(r"\1", _VOWELS.sub("", word))


def _without_one(word: str) -> list[str]:
    """Return a word with each letter but the first left out, which often negates."""
    return [word[:place] + word[place + 1 :] for place in range(1, len(word))]
