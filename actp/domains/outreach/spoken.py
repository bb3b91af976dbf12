"""Reduces a text to what its author wrote, in letters that can be compared."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

__all__ = ["bare_letters", "own_words", "plain_words", "unmasked"]

# Letters that Unicode does not take apart.
_BARE: Final = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "\u0131": "i", "æ": "ae"})
# Letters of other scripts that look like Latin ones: read so in a word that has Latin letters as
# well, or one of the two (dze, je) that hardly anybody writes otherwise.
_ALIKE: Final = "асеѕіјорхутмкнвοραετικυν"
_LOOKALIKES: Final = str.maketrans(_ALIKE, "acesijopxytmkhbopaetikuv")
_ALIKE_WORD: Final = re.compile(
    rf"\b(?=[{_ALIKE}]*[a-z\u0455\u0458])(?=[a-z]*[{_ALIKE}])[a-z{_ALIKE}]+\b"
)
# Words that somebody spells to get them past a filter: "s t o p", "st0p". "7d" is a week.
_SPELLED: Final = re.compile(r"\b(?:[a-z] ){2,}[a-z]\b")
_WITH_DIGITS: Final = re.compile(r"\b(?=[0-9]*[a-z])(?=[a-z]*[013457])[a-z013457]{4,}\b")
_LETTERS_OF_DIGITS: Final = str.maketrans("013457", "oieast")
_APOSTROPHES: Final = re.compile("['\u2018\u2019\u02bc`\u00b4]")
_NO_LETTERS: Final = re.compile(r"[^\w\s]|_")
_DOLLAR: Final = re.compile(r"\$(?=[a-z])", re.IGNORECASE)
# Signs that stand for a letter, of which Unicode says so in their names alone.
_LETTER_SIGN: Final = re.compile(
    "[\u0250-\u02af\u1d00-\u1d7f\ua720-\ua7ff\U0001f150-\U0001f189\U0001f1e6-\U0001f1ff]"
)
_LETTER_NAME: Final = re.compile(
    r"(?:LATIN LETTER SMALL CAPITAL|NEGATIVE (?:SQUARED|CIRCLED) LATIN CAPITAL LETTER"
    r"|REGIONAL INDICATOR SYMBOL LETTER) ([A-Z])"
)
_QUOTED_LINE: Final = re.compile(r"^[ \t]*(?:>|\|[ \t]).*$", re.MULTILINE)
# What a mail program writes above the mail that is answered, or a chat above a message.
_QUOTE_BEGINS: Final = re.compile(
    r"^[ \t]*(?:on\b.{4,120}\bwrote|am\b.{4,120}\bschrieb.{0,80}|le\b.{4,120}\ba [ée]crit"
    r"|el\b.{4,120}\bescribi[óo]|em\b.{4,120}\bescreveu|il\b.{4,120}\bha scritto"
    r"|op\b.{4,120}\bschreef.{0,80})[ \t]?:[ \t]*$"
    r"|^[ \t]*-{2,}[ \t]*(?:original message|forwarded message|urspr\w+ nachricht"
    r"|message d'origine|mensaje original)\b.*$",
    re.IGNORECASE | re.MULTILINE,
)


def own_words(text: str) -> str:
    """Return a text without the lines that quote another one, unless nothing else is left."""
    if "\n" not in text:
        return text
    quote = _QUOTE_BEGINS.search(text)
    kept = _QUOTED_LINE.sub("", text[: quote.start()] if quote else text).strip()
    if quote and not kept:  # an answer below the quote
        kept = _QUOTED_LINE.sub("", text[quote.end() :]).strip()
    return kept or text


def plain_words(text: str) -> str:
    """Return a text in lower case, without accents, invisible signs and punctuation."""
    bare = _DOLLAR.sub("s", _APOSTROPHES.sub("", text))
    if bare.isascii():
        return " ".join(_NO_LETTERS.sub(" ", bare.lower()).split())
    bare = _LETTER_SIGN.sub(lambda sign: _letter(sign[0]), bare)
    folded = unicodedata.normalize("NFKD", bare).casefold()
    kept = "".join(
        sign for sign in folded if unicodedata.category(sign) not in {"Mn", "Cf", "Cc", "Cs", "Co"}
    )
    # Syllables of Hangul are put together again: one without its last letter is another word.
    kept = unicodedata.normalize("NFC", kept.translate(_BARE))
    kept = _ALIKE_WORD.sub(lambda word: word[0].translate(_LOOKALIKES), kept)
    return " ".join(_NO_LETTERS.sub(" ", kept).split())


def bare_letters(pattern: str) -> str:
    """Return a pattern for plain texts: letters without their marks, signs as they are."""
    apart = unicodedata.normalize("NFKD", pattern)
    kept = "".join(sign for sign in apart if unicodedata.category(sign) != "Mn")
    return unicodedata.normalize("NFC", kept)


def unmasked(plain: str) -> str:
    """Return a plain text with words that are spelled or have digits for letters put right."""
    joined = _SPELLED.sub(lambda word: word[0].replace(" ", ""), plain)
    return _WITH_DIGITS.sub(lambda word: word[0].translate(_LETTERS_OF_DIGITS), joined)


@cache
def _letter(sign: str) -> str:
    found = _LETTER_NAME.fullmatch(unicodedata.name(sign, ""))
    return found[1].lower() if found else sign
