"""Detects opt-out requests in the languages of ``stop_words.toml``."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["LANGUAGES", "Wish", "asks_to_stop", "plain_words", "wish_in"]

Wish: TypeAlias = Literal["stop", "doubt"]

# People say the same few things: many last words are judged once.
REMEMBERED: Final = 8192

_DATA: Final = tomllib.loads(
    files("actp.domains.outreach").joinpath("stop_words.toml").read_text(encoding="utf-8")
)
_POLITE: Final = _DATA.pop("polite")
LANGUAGES: Final = tuple(_DATA)

_CONTACTING: Final = (
    r"(?:messag|msg|hit(?:ting)? (?:me|us) up|slid(?:e|ing)"
    r"|contact|writ|text|dm|email|e-mail|mail|call|ping|spam|bother|harass|pitch|reach|send"
    r"|solicit|annoy)"
)
_NOT: Final = r"\b(?:do not|donot|dont|dnt|never|no longer)"
# English has more ways of saying it than a list holds.
_ASKED: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<!non[ -])(?<!one[ -])\b(?:stop|quit|cease|no more)\b(?: \w+){{0,2}} {_CONTACTING}\w*",
        rf"{_NOT}(?: ever| please)? {_CONTACTING}\w*(?: \w+){{0,3}} ?\b(?:me|us|again|any ?more)\b",
        rf"{_NOT}(?: ever| please)? {_CONTACTING}\w*(?: please| pls| thanks| thank you)*$",
        rf"{_NOT} (?:want|wish|like|need)(?: \w+){{0,3}} {_CONTACTING}\w*",
        rf"\b(?:not|never)(?: to)? (?:be|get|receive)(?: \w+){{0,2}} {_CONTACTING}\w*",
        rf"\b(?:could|can|would|will) (?:you|u)(?: please)? not {_CONTACTING}",
        r"^(?:\w+ )?(?:could|can|would) (?:you|u)(?: \w+)? not$",
        rf"{_NOT} {_CONTACTING}\w* (?:this|my|our) (?:address|account|number|e?mail|inbox|page)\b",
        rf"\brefrain from(?: ever)? {_CONTACTING}",
        rf"\b(?:prefer|rather)(?: that)? (?:you|u) (?:did ?nt|did not|do ?nt|do not) {_CONTACTING}",
        r"\bstop (?:trying to )?\w{3,} (?:to )?(?:me|us)\b",
        r"\bleave (?:me|us)(?: \w+){0,3} alone\b",
        r"\bopt(?:ed|ing)?[ -]?(?:me )?out\b",
        r"\bstop (?:in (?:the )?future|at once|for good|right (?:now|away))\b",
        r"\b(?:remove|delete) me\b",
        r"\b(?:take|drop) me (?:from|off|out)\b",
        r"\b(?:remove|delete|lose|drop) my (?:name|e-?mail|number|contact|details)\b",
        r"\btake my (?:name|e-?mail|number|contact|details) (?:off|out|from)\b",
        r"(?<!you )(?<!youre )(?<!you are )(?<!if )\bnot (?!only|just)(?:\w+ ){0,2}interested\b",
        r"\b(?:isnt|is not|im not) (?:something )?(?:for me|my thing)\b",
        (
            r"\b(?:have|ive|going to|gonna|ill|will|im|am|now) (?:report|block)(?:ed|ing)?"
            r" (?:you|u|this (?:account|profile|page|bot))\b"
        ),
        r"^(?:block|report)(?:ed|ing) (?:you|u|this (?:account|profile|page|bot))\b",
        (
            r"\b(?:youve|you have|you are|youre|ur|u r|u are) (?:been |being |now )?"
            r"(?:blocked|reported)\b"
        ),
        r"^(?:\w+ ){0,4}stop(?: \w+)?(?: it| this| that| now| here| please| ok| thanks)$",
        r"^(?:\w+ ){1,4}stop$",
    )
)
# One of these stands in whatever one of the patterns matches.
_MAY_ASK: Final = re.compile(
    r"stop|quit|cease|no more|not|dont|never|no longer|opt|remove|delete|take|drop|lose|leave|block"
    r"|report|refrain|rather|prefer|dnt"
)
# What speaks of stopping without asking us to: taken out before the text is judged.
_UNSAID: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:dont|do not|never|cant|cannot|wont|didnt|couldnt) (?:ever )?stop\b",
        rf"\b(?:we|lets|let us|shall we|we should|we could)(?: \w+){{0,2}} stop {_CONTACTING}\w*",
        (
            r"\b(?:how|when|why|where|what happens (?:when|if))"
            r" (?:do |can |could |would |does |if )?(?:people|users|customers|subscribers|clients"
            r"|one|they|readers|your \w+)\b[^.?!]{0,60}"
        ),
        (
            r"\b(?:non|one|pit|bus|full|next|last|first|short|quick|train|tour|to a|wont|cant"
            r"|will not) ?-?stop\b"
        ),
        r"\b(?:please )?stop (?:me|us|him|her|them) (?:if|when|before|anytime)\b",
        r"\bstop(?:ped|s)? (?:by|over|in(?! (?:the )?(?:future|general))|at(?! (?:once|all)))\b",
        r"\bwrit(?:e|ing) (?:me|us) off\b",
        (
            r"\b(?:our|my|their|the|fewer|less|reduce|reducing|high|low) unsubscri\w*"
            r"|\bunsubscri\w* (?:rates?|links?|buttons?|pages?|flows?|lists?|numbers?)\b"
            r"|\bunsubscribes\b"
        ),
    )
)
# Asks for another channel in the same breath.
_OTHERWISE: Final = re.compile(
    r"\b(?:instead|better|easier|faster)\b|\b(?:rather|prefer)\b(?! not)"
    r"|\bcall me (?:on|at|tomorrow|now)\b"
    rf"|{_NOT} {_CONTACTING}\w*(?: (?!or\b|and\b|nor\b)\w+)?"
    r" (?:call|contact|dm|e?mail|message|ping|text|write) me\b"
)
_SIGNS: Final = re.compile("[\U0001f6d1\U0001f6ab\U0001f595\u26d4]\ufe0f?")
# Letters that Unicode does not take apart, and digits that stand for letters.
_BARE: Final = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "\u0131": "i", "æ": "ae"})
_LEET: Final = str.maketrans("013457", "oieast")
_APOSTROPHES: Final = re.compile("['\u2018\u2019\u02bc`\u00b4]")
# Signs that say no without a word.
_REFUSALS: Final = re.compile("[\U0001f645\U0001f44e\u270b]")
_STRETCHED: Final = re.compile(r"(\w)\1{2,}")
# A sentence among others that asks in one word.
_ONE_WORD: Final = frozenset({"stop", "stop it", "unsubscribe", "basta", "go away"})
_SENTENCE_ENDS: Final = re.compile(r"[.!?\n;:]+")
_WORD: Final = re.compile(r"\S+")
_NO_LETTERS: Final = re.compile(r"[^\w\s]|_")
# Scripts that are written without spaces between words.
_UNSPACED: Final = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\u1100-\u11ff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class _Phrases:
    """Phrases by their first two letters, and those of scripts without spaces.

    One pattern of all of them would try each at every letter.
    """

    by_letters: Mapping[str, tuple[str, ...]]
    unspaced: tuple[str, ...]

    @classmethod
    def of(cls, phrases: Iterable[str]) -> Self:
        """Index phrases; a phrase may end inside a word: "unsubscrib" stands for its forms."""
        by_letters: dict[str, list[str]] = {}
        unspaced = []
        for phrase in sorted(set(phrases)):
            if _UNSPACED.search(phrase):
                unspaced.append(phrase)
            else:
                by_letters.setdefault(phrase[:2], []).append(phrase)
        indexed = {letters: tuple(found) for letters, found in by_letters.items()}
        return cls(indexed, tuple(unspaced))

    def are_in(self, spoken: str) -> bool:
        """Return whether one of them stands in a plain text, from the beginning of a word."""
        if _UNSPACED.search(spoken) and any(phrase in spoken for phrase in self.unspaced):
            return True
        return any(
            spoken.startswith(phrase, word.start())
            for word in _WORD.finditer(spoken)
            for phrase in self.by_letters.get(spoken[word.start() : word.start() + 2], ())
        )


@dataclass(frozen=True, slots=True)
class _Words:
    alone: frozenset[str]
    no: frozenset[str]
    polite: frozenset[str]
    phrases: _Phrases
    doubt: _Phrases


@lru_cache(maxsize=REMEMBERED)
def wish_in(text: str | None) -> Wish | None:
    """Return ``stop`` for a text that asks us to stop, ``doubt`` where it may, else None."""
    if not text:
        return None
    words = _words()
    lines = [plain_words(line) for line in text.splitlines()]
    if not any(lines) and (sign := _SIGNS.search(text) or _REFUSALS.search(text)):
        return "stop" if _SIGNS.match(sign[0]) else "doubt"
    sentences = map(plain_words, _SENTENCE_ENDS.split(text))
    if any(_is_alone(line, words.alone, words.polite) for line in lines) or any(
        _is_alone(sentence, _ONE_WORD, words.polite) for sentence in sentences
    ):
        return "stop"
    spoken = " ".join(filter(None, lines))
    if _asks(spoken, words):
        for unsaid in _UNSAID:
            spoken = unsaid.sub(" ", spoken)
        if _asks(spoken, words):
            return "doubt" if _OTHERWISE.search(spoken) else "stop"
    is_doubtful = words.doubt.are_in(spoken) or any(
        _is_alone(line, words.no, words.polite) for line in lines
    )
    return "doubt" if is_doubtful else None


def _asks(spoken: str, words: _Words) -> bool:
    if words.phrases.are_in(spoken):
        return True
    return _MAY_ASK.search(spoken) is not None and any(pattern.search(spoken) for pattern in _ASKED)


def asks_to_stop(text: str | None) -> bool:
    """Return whether a reply asks not to be contacted any more."""
    return wish_in(text) == "stop"


def _is_alone(line: str, listed: frozenset[str], polite: frozenset[str]) -> bool:
    said = line.split()
    if len(said) > 1 and all(len(word) == 1 for word in said):
        said = ["".join(said)]  # S T O P
    kept = [word for word in said if word not in polite]
    rest = kept[1:] if kept[:1] == ["no"] else kept
    once = kept[:1] if len(set(kept)) == 1 else kept
    meant = [_STRETCHED.sub(r"\1", word.translate(_LEET)) for word in once]
    return any(" ".join(words) in listed for words in (said, kept, rest, once, meant) if words)


@cache
def _words() -> _Words:
    def all_of(kind: str) -> list[str]:
        return [plain_words(phrase) for language in _DATA.values() for phrase in language[kind]]

    return _Words(
        frozenset(all_of("alone")),
        frozenset(all_of("no")),
        frozenset(map(plain_words, _POLITE)),
        _Phrases.of(all_of("phrases")),
        _Phrases.of(all_of("doubt")),
    )


def plain_words(text: str) -> str:
    """Return a text in lower case, without accents, invisible signs and punctuation."""
    bare = _APOSTROPHES.sub("", text)
    if bare.isascii():
        return " ".join(_NO_LETTERS.sub(" ", bare.lower()).split())
    folded = unicodedata.normalize("NFKD", bare).casefold()
    kept = "".join(
        sign for sign in folded if unicodedata.category(sign) not in {"Mn", "Cf", "Cc", "Cs", "Co"}
    )
    return " ".join(_NO_LETTERS.sub(" ", kept.translate(_BARE)).split())
