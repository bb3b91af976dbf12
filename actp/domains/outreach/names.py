"""The first name in a display name: cleaned, never guessed."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from html import unescape
from importlib.resources import files
from typing import Final

from actp.domains.outreach.name_order import (
    given_name,
    is_full_without_blank,
    is_given,
    is_run_together,
    is_vietnamese,
)

__all__ = ["first_name"]

# Letters with an apostrophe or a dash inside: no address, no number, no sentence fits in.
_NAME: Final = re.compile("[^\\W\\d_]+(?:['\u2019-][^\\W\\d_]+)*")
_LENGTHS: Final = range(2, 21)
_FULL_NAME: Final = 2
_STRETCHED: Final = re.compile(r"(.)\1\1")
_PARTS: Final = re.compile(
    r"[|\u2022\u00b7/\\()\[\]{}<>:;~=+*_]+|\s[-\u2013\u2014]+\s|[\u2013\u2014]"
)
_WORDS: Final = tomllib.loads(
    files("actp.domains.outreach").joinpath("name_words.toml").read_text(encoding="utf-8")
)
_TITLES: Final = frozenset(_WORDS["titles"])
_ADDRESSES: Final = frozenset(_WORDS["addresses"])
_PARTICLES: Final = frozenset(_WORDS["particles"])
_NO_NAMES: Final = frozenset(_WORDS["no_names"])
_FIRM: Final = frozenset(_WORDS["firms"])
# Where one of them stands alone or beside words like "user", it is what the platform shows.
_PLATFORMS: Final = re.compile(
    r"(?:instagram|insta|tiktok|linkedin|facebook|twitter|threads|youtube|telegram)"
)
_SURNAMES_TOO: Final = frozenset(_WORDS["firms_and_families"])
_WORDS_TOO: Final = frozenset(_WORDS["words_and_names"])
# Signs that turn the direction of writing: what is stored is not what is shown.
_TURNED: Final = re.compile("[\u202d\u202e\u2066-\u2068]")
# A handle in one word: theRealJane or JaneDoe, and no McDonald or DeShawn.
_HANDLE: Final = re.compile(
    "[a-z]+[A-Z].*|(?!(?:Ma?c|D[aeiu]|L[ae]|Jo|Van)[A-Z])[A-Z].*[a-z][A-Z].*|.*[a-z][A-Z].*[a-z][A-Z].*"
)
# O'Brien and McDonald alone are family names.
_FAMILY: Final = re.compile("O['\u2019][A-Z]|Mc[A-Z]")
# Particles that are first names as well.
_PARTICLES_TOO: Final = frozenset({"al", "ben", "van"})
# Fields of other tools.
_FIELDS: Final = re.compile(r"%\w+%|\$\w|[{}]|<\w+>|\*\|")
# Before another word, the beginning of a name of places and things: Los Pollos, Das Café.
_ARTICLES: Final = frozenset(_WORDS["articles"])
# A word in letters of two of them is drawn, not written.
_ALPHABETS: Final = frozenset({"LATIN", "GREEK", "CYRILLIC", "COPTIC", "CHEROKEE"})
_JOINS: Final = frozenset("'\u2019-")
_KEPT: Final = frozenset("'\u2019-,.&@#")


def first_name(display_name: str | None) -> str | None:
    """Return the first name in a display name, or None where none is clear."""
    if _TURNED.search(display_name or "") or _FIELDS.search(display_name or ""):
        return None
    # A blank that takes no room parts words as others do. Web forms store O&#39;Brien.
    written = " ".join(unescape(display_name or "").replace("\u200b", " ").split())
    text = unicodedata.normalize("NFKC", written)
    text = "".join(map(_plain, _PARTS.sub("|", text)))
    parts = [part.split() for part in text.split("|") if part.split()]
    for part in parts:
        words = _in_order(part)
        lowered = {word.lower().strip(".,") for word in words}
        if _is_firm(words) or "@" in "".join(words) or any(map(_PLATFORMS.search, lowered)):
            continue
        if name := _first(words):
            return name
        if lowered & _NO_NAMES and not lowered - _NO_NAMES - _TITLES:
            continue  # a role or a title alone; the name may stand in the next part
        return None
    return None


def _in_order(words: list[str]) -> list[str]:
    """Return ``Jane Doe`` for ``Doe, Jane``."""
    comma = next((at for at, word in enumerate(words[:-1]) if word.endswith(",")), None)
    bare = [cleaned for word in words if (cleaned := word.strip("-,'\u2019&"))]
    if comma is None or len(bare) != len(words):
        return bare
    family, given = bare[: comma + 1], bare[comma + 1 :]
    # "Jane, CEO of Acme" is no family name and a first one; "Jane Doe, Berlin" may be anything.
    is_family = len(family) == 1 or family[0].lower() in _PARTICLES
    while given and given[0].lower().strip(".") in _TITLES:
        given = given[1:]
    count = sum(word.lower() not in _PARTICLES for word in given)
    if is_family and 0 < count <= 2 and _is_name(given[0]):
        return [*given, *family]
    return family


def _first(words: list[str]) -> str | None:
    rest = [word.strip(".") for word in words]
    is_addressed = False
    while rest and rest[0].lower() in _TITLES | _ADDRESSES:
        is_addressed = is_addressed or rest[0].lower() in _ADDRESSES
        rest = rest[1:]
    if not rest or not _is_name(rest[0]) or (is_addressed and len(rest) == 1):
        return None
    is_initials = len(rest[0]) == 2 and rest[0].isupper()
    if len(words) == 1 and (
        is_initials
        or _HANDLE.fullmatch(rest[0])
        or _FAMILY.match(rest[0])
        or is_run_together(rest[0])
        or is_full_without_blank(rest[0])
    ):
        return None
    if is_vietnamese(rest):
        return _as_written(rest[-1])
    beginning = [word.lower() for word in rest[:2]]
    is_family = len(rest) == _FULL_NAME and beginning[0] in _PARTICLES - _PARTICLES_TOO
    if len(rest) > 1 and (beginning[0] in _ARTICLES or is_family or set(beginning) <= _PARTICLES):
        return None
    # JR Smith: nobody is called by initials, nor by the family name.
    given = None if is_initials and not rest[-1].isupper() else _given(rest)
    return _as_written(given) if given is not None and _is_name(given) else None


def _given(words: list[str]) -> str | None:
    # DOE Jane: who writes one word in capitals means the family name.
    is_reversed = len(words) == _FULL_NAME and words[0].isupper() and not words[1].isupper()
    return words[1] if is_reversed and _is_name(words[1]) else given_name(words)


def _is_firm(words: list[str]) -> bool:
    """Return whether a word of a firm is no family name: Jude Law is a person."""
    lowered = [word.lower().strip(".,") for word in words]
    found = _FIRM.intersection(lowered)
    is_person = (
        len(lowered) == _FULL_NAME
        and found == {lowered[1]}
        and lowered[1] in _SURNAMES_TOO
        and is_given(lowered[0])
        and lowered[0] not in _WORDS_TOO
    )
    return bool(found) and not is_person


def _as_written(word: str) -> str:
    return _capitalized(word) if word.isupper() or word.islower() else word


def _capitalized(word: str) -> str:
    """Return ``Mary-Jane`` for ``MARY-JANE``, ``D'Angelo`` for ``d'angelo``."""
    return "".join(part.capitalize() for part in re.split("([-'\u2019])", word))


def _is_name(word: str) -> bool:
    bare = word.strip(".")
    return (
        len(bare) in _LENGTHS
        # Vowel signs of Indian scripts are no letters.
        and _NAME.fullmatch("".join(x for x in bare if unicodedata.category(x)[0] != "M"))
        is not None
        # What Python takes for letters holds the numbers of old scripts.
        and all(sign in _JOINS or unicodedata.category(sign)[0] in "LM" for sign in bare)
        and len(set(bare.lower())) > 1
        and _STRETCHED.search(bare.lower()) is None
        and not any("SMALL CAPITAL" in unicodedata.name(sign, "") for sign in bare)
        and len(_ALPHABETS.intersection(map(_alphabet, bare))) <= 1
        and bare.lower() not in _NO_NAMES
        and bare.lower() not in _FIRM
        and not bare.lower().endswith(("'s", "\u2019s"))
    )


def _alphabet(sign: str) -> str:
    return unicodedata.name(sign, "").partition(" ")[0]


def _plain(sign: str) -> str:
    """Return a sign as it stands in a name, a bar where an emoji or symbol parts words."""
    category = unicodedata.category(sign)
    if category in {"Cf", "Cc"} or "\ufe00" <= sign <= "\ufe0f":
        return ""
    if sign in _KEPT or sign == "|" or category[0] in "LMN":
        return sign
    return "|" if category[0] == "S" else " "
