"""Detects opt-out requests in the languages of ``stop_words.toml``."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from actp.domains.outreach.frames import asks_in_a_frame
from actp.domains.outreach.limited import is_of_one_thing
from actp.domains.outreach.minors import may_be_a_minor
from actp.domains.outreach.phrases import Phrases
from actp.domains.outreach.questions import is_asked_of_us
from actp.domains.outreach.spelling import Speller
from actp.domains.outreach.spoken import own_words, plain_words, unmasked
from actp.domains.outreach.stop_grammar import (
    asks_in_english,
    asks_to_go_on,
    is_a_firm_question,
    is_qualified,
    without_unsaid,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Wish", "asks_to_stop", "wish_in"]

Wish: TypeAlias = Literal["stop", "doubt"]

# People say the same few things: many last words are judged once.
REMEMBERED: Final = 8192

_DATA: Final = tomllib.loads(
    files("actp.domains.outreach").joinpath("stop_words.toml").read_text(encoding="utf-8")
)
_POLITE: Final = _DATA.pop("polite")
_NEGATIONS: Final = _DATA.pop("negations")

_SIGNS: Final = re.compile("[\U0001f6d1\U0001f6ab\U0001f595\u26d4]\ufe0f?")
# Signs that say no without a word.
_REFUSALS: Final = re.compile(
    "[\U0001f645\U0001f44e\u270b\u274c\u2716\U0001f6b7\U0001f515\U0001f4f5\U0001f92c\U0001f92e\U0001f910]"
)
_STRETCHED: Final = re.compile(r"(\w)\1{2,}")
# A sentence among others that asks in one word.
_ONE_WORD: Final = frozenset({"stop", "stop it", "unsubscribe", "basta", "go away"})
_SENTENCE_ENDS: Final = re.compile(r"[.!?\n;:\u3002\uff01\uff1f]+")
_CLAUSE: Final = re.compile(
    r"([^.!?,\n;:\u2014\u3002\uff01\uff1f\uff0c\u3001\u060c\u061b\u0964]+)([.!?,\n;:\u2014\u3002\uff01\uff1f\uff0c\u3001\u060c\u061b\u0964]*)"
)
_SENTENCE: Final = re.compile(r"[^.!?\n\u3002\uff01\uff1f\u061f]+[.!?\n\u3002\uff01\uff1f\u061f]*")
_QUESTION: Final = re.compile(r"[?\uff1f\u061f]")
# Words in quotation marks that somebody else said or that are a title.
_CITED: Final = re.compile(
    r"\b(?:post|video|reel|tweet|thread|article|story|caption|book|song|line|hook|title|newsletter"
    r"|podcast|episode|slogan|ad)s?\b[^\"“]{0,20}[\"“][^\"”]{3,}[\"”]"
    r"|[\"“][^\"”]{3,}[\"”][^.!?\n]{0,20}\b(?:post|video|reel|tweet|thread|article|hook|title)\b",
    re.IGNORECASE,
)
_PASSED_ON: Final = re.compile(r"\bpass (?:it|this|that|them|you|these|your \w+) (?:on|along|to)\b")
# An only word at the end of so many others is the footer of a mail.
_LONG_WORDS: Final = 25
_GREETING_WORDS: Final = 4
_EMOJI: Final = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]\ufe0f?")


@dataclass(frozen=True, slots=True)
class _Words:
    alone: frozenset[str]
    exact: frozenset[str]
    no: frozenset[str]
    polite: frozenset[str]
    negations: frozenset[str]
    phrases: Phrases
    doubt: Phrases
    speller: Speller


@lru_cache(maxsize=REMEMBERED)
def wish_in(text: str | None) -> Wish | None:
    """Return ``stop`` for a text that asks us to stop, ``doubt`` where it may, else None."""
    if not text:
        return None
    words = _words()
    said = _CITED.sub(" ", own_words(text))
    lines = [_plain(line) for line in said.splitlines()]
    spoken = " ".join(filter(None, lines))
    if asks_to_go_on(spoken):
        return None
    if sign := _SIGNS.search(text) or _REFUSALS.search(text):
        is_stop = _SIGNS.match(sign[0]) is not None
        if _is_alone(spoken, words.alone, words.polite):
            return "stop"
        if not spoken or _is_alone(spoken, words.no, words.polite):
            return "stop" if is_stop else "doubt"
    asked = _asked(said, lines, spoken, words)
    if asked is not None:
        is_doubtful = (
            is_qualified(spoken, said)
            or any(map(is_asked_of_us, _sentences(said)))
            or is_of_one_thing(said, partial(_asks, words=words))
        )
        return "doubt" if is_doubtful else asked
    heard = _PASSED_ON.sub(" ", spoken)
    is_doubtful = (
        words.doubt.are_in(heard)
        or any(_is_alone(line, words.no, words.polite) for line in lines)
        or may_be_a_minor(said)
        or _may_ask(said, words)
    )
    return "doubt" if is_doubtful else None


def _asked(said: str, lines: Sequence[str], spoken: str, words: _Words) -> Wish | None:
    is_long = spoken.count(" ") >= _LONG_WORDS
    for line in lines[: -1 if is_long else None]:
        if _is_alone(line, words.alone, words.polite):
            return "stop"
    if any(line.strip(" .!?").casefold() in words.exact for line in said.splitlines()):
        return "stop"
    if any(_is_alone(_plain(part), _ONE_WORD, words.polite) for part in _SENTENCE_ENDS.split(said)):
        return "doubt" if is_long else "stop"
    if _asks(spoken, words):
        meant = without_unsaid(spoken)
        if _asks(meant, words):
            return "doubt" if _only_wonders(said, words) else "stop"
    return _first_clause(said, words)


def _sentences(said: str) -> list[str]:
    return _SENTENCE.findall(said)


def _only_wonders(said: str, words: _Words) -> bool:
    """Return whether only questions ask, and none of them asks us."""
    asking = [
        (plain, _QUESTION.search(sentence) is not None)
        for sentence in _sentences(said)
        if _asks(plain := without_unsaid(_plain(sentence)), words)
    ]
    return bool(asking) and all(
        is_question and plain.isascii() and not is_a_firm_question(plain)
        for plain, is_question in asking
    )


def _clauses(said: str) -> list[tuple[str, str]]:
    return [(plain, mark) for each, mark in _CLAUSE.findall(said) if (plain := _plain(each))]


def _refusal_and_greeting(said: str, words: _Words) -> Wish | None:
    """Judge "Non, merci. Bonne journ\u00e9e": a refusal that a comma or an emoji parts."""
    clauses = _clauses(_EMOJI.sub(",", said))
    for count in (1, 2):
        refusal = " ".join(clause for clause, _ in clauses[:count])
        if len(clauses) > 1 and _is_alone(refusal, words.alone, words.polite):
            rest = sum(clause.count(" ") + 1 for clause, _ in clauses[count:])
            is_short = rest <= _GREETING_WORDS and not any("?" in mark for _, mark in clauses)
            if is_short and not words.negations.isdisjoint(refusal.split()):
                return "doubt" if "!" in clauses[count - 1][1] and rest else "stop"
    return None


def _first_clause(said: str, words: _Words) -> Wish | None:
    """Judge what begins with a refusal: "No thanks, we have somebody"."""
    clauses = _clauses(said)
    if len(clauses) > 1 and (
        _is_alone(clauses[-1][0], _ONE_WORD, words.polite)
        or all(_is_alone(each, words.alone | words.no, words.polite) for each, _ in clauses)
    ):
        return "stop"
    if refusal := _refusal_and_greeting(said, words):
        return refusal
    for place, (clause, _) in enumerate(clauses):
        if _is_alone(clause, words.alone, words.polite):
            goes_on = any("?" in end or next_.startswith("but ") for next_, end in clauses[place:])
            # A word such as "enough" or "end" may begin anything else.
            is_refusal = any(word in words.negations for word in clause.split())
            return "stop" if is_refusal and not goes_on else "doubt"
    return None


def _asks(spoken: str, words: _Words) -> bool:
    if words.phrases.are_in(spoken) or asks_in_english(spoken):
        return True
    said = spoken.split()
    kept = [word for word in said if word not in words.polite]
    return len(kept) < len(said) and words.phrases.are_in(" ".join(kept))


def _may_ask(said: str, words: _Words) -> bool:
    """Return whether a text asks us to stop in shortened or misspelled words."""
    return (
        words.speller.is_one_phrase(said)
        or asks_in_a_frame(without_unsaid(_plain(said)))
        or any(
            _is_alone(reading, words.alone | words.no, words.polite)
            or words.doubt.are_in(meant := without_unsaid(reading))
            or _asks(meant, words)
            or asks_in_a_frame(meant, is_reading=True)
            for reading in words.speller.readings(said)
        )
    )


def asks_to_stop(text: str | None) -> bool:
    """Return whether a reply asks not to be contacted any more."""
    return wish_in(text) == "stop"


def _is_alone(line: str, listed: frozenset[str], polite: frozenset[str]) -> bool:
    said = line.split()
    kept = [word for word in said if word not in polite]
    rest = kept[1:] if kept[:1] == ["no"] else kept
    once = kept[:1] if len(set(kept)) == 1 else kept
    meant = [_STRETCHED.sub(r"\1", word) for word in once] if _STRETCHED.search(line) else []
    return any(" ".join(words) in listed for words in (said, kept, rest, once, meant) if words)


@cache
def _words() -> _Words:
    def all_of(kind: str) -> list[str]:
        return [phrase for language in _DATA.values() for phrase in language.get(kind, ())]

    asked = [*map(plain_words, [*all_of("alone"), *all_of("phrases")])]
    return _Words(
        frozenset(map(plain_words, all_of("alone"))),
        frozenset(all_of("exact")),
        frozenset(map(plain_words, all_of("no"))),
        frozenset(map(plain_words, _POLITE)),
        frozenset(map(plain_words, [*all_of("no"), *_NEGATIONS])),
        Phrases.of(all_of("phrases")),
        Phrases.of(all_of("doubt")),
        Speller.of(asked),
    )


def _plain(text: str) -> str:
    return unmasked(plain_words(text))
