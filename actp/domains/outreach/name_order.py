"""Which word of a full name is the first name, where the family name may stand before it."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from importlib.resources import files
from typing import Final

__all__ = ["given_name", "is_full_without_blank", "is_given", "is_run_together", "is_vietnamese"]

_FULL_NAME: Final = 2


def _plain(name: str) -> str:
    """Return a name in lower case and without accents."""
    letters = unicodedata.normalize(
        "NFKD", name.replace("\u0111", "d").replace("\u0110", "d").lower()
    )
    return "".join(sign for sign in letters if unicodedata.category(sign)[0] != "M")


_WORDS: Final = tomllib.loads(
    files("actp.domains.outreach").joinpath("name_words.toml").read_text(encoding="utf-8")
)
_FAMILIES: Final = frozenset(map(_plain, _WORDS["families"]))
_FAMILIES_OR_NAMES: Final = frozenset(_WORDS["families_or_names"])
_VIETNAMESE: Final = frozenset(_WORDS["vietnamese"])
# Too short to tell from a word or a name of another language.
_SHORT: Final = frozenset({"cao", "do", "ho", "le", "ly", "to", "vo", "vu"})
_GIVEN: Final = frozenset(map(_plain, _WORDS["given"]))
_ENDINGS: Final = tuple(map(_plain, _WORDS["family_endings"]))
_SHORTEST_FAMILY: Final = 5
# First names that end as family names do.
_GIVEN_ALIKE: Final = frozenset({"yakov", "lyubov", "eva", "slava", "jacek"})
_SYLLABLE: Final = re.compile(
    "(?:ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdghklmnprstvx])?[aeiouy]{1,3}(?:ng|nh|ch|[cmnpt])?"
)
# Min-su and Minsu: two syllables.
_KOREAN: Final = re.compile(
    f"(?:(?:{'|'.join(_WORDS['korean_syllables'])})-?){{2}}|[a-z]{{2,6}}-[a-z]{{2,6}}"
)
_WHOLE: Final = re.compile("[\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]")
# What people put before their name where the name alone was taken.
_SELF: Final = re.compile(
    "^(?:(?:the)?real|official|iam|itsme|imjust|(?:the|its|hey|ask|not|just|only|mr|mrs|meet|team)+)"
)
_NEVER_A_NAME: Final = re.compile("(?:(?:the)?real|official|iam|itsme|imjust).{4,}")
_SHORTEST_GIVEN: Final = 4
_SHORTEST_REST: Final = 4
_HAN: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def is_given(word: str) -> bool:
    """Return whether a word is a well-known first name."""
    return _plain(word) in _GIVEN


def is_full_without_blank(word: str) -> bool:
    """Return whether a word may be a whole name in Chinese, Japanese or Korean.

    To be called by one's bare whole name is curt there, and a first name is not told apart. Names
    in kana alone are first names.
    """
    return _WHOLE.search(word) is not None


def is_run_together(word: str) -> bool:
    """Return whether a word is a handle that begins with a first name: janedoe, therealjane."""
    plain = _plain(word)
    if plain in _GIVEN:
        return False
    if _NEVER_A_NAME.fullmatch(plain):
        return True
    rest = _SELF.sub("", plain)
    ends = range(_SHORTEST_GIVEN, len(rest) + 1)
    if rest != plain and any(rest[:end] in _GIVEN for end in ends):
        return True
    # A capital makes it a name: Annabella, Johnathan.
    return word.islower() and any(
        rest[:end] in _GIVEN and len(rest) - end >= _SHORTEST_REST for end in ends
    )


def is_vietnamese(words: list[str]) -> bool:
    """Return whether a name is Vietnamese, with the family name first and the first name last."""
    family, *others = map(_plain, words)
    if family not in _VIETNAMESE or not all(map(_SYLLABLE.fullmatch, others)):
        return False
    return len(others) > 1 or (family not in _SHORT and bool({*others} - _VIETNAMESE))


def given_name(words: list[str]) -> str | None:
    """Return the first name among the words of a name, None where it cannot be told.

    A greeting with a family name is worse than one without a name.
    """
    first, *others = words
    if not others:
        return first
    plain = [_plain(word) for word in words]
    if _HAN.search(first):
        return None  # the family name stands first, and nobody is called by it alone
    if is_vietnamese(words):
        return words[-1]
    is_family = plain[0] in _FAMILIES or (
        len(plain[0]) >= _SHORTEST_FAMILY
        and plain[0].endswith(_ENDINGS)
        and plain[0] not in _GIVEN | _GIVEN_ALIKE
        and not plain[1].endswith(_ENDINGS)
    )
    if is_family:
        return words[1] if plain[1] in _GIVEN else None
    if plain[0] in _FAMILIES_OR_NAMES and len(words) == _FULL_NAME:
        return None if _KOREAN.fullmatch(plain[1]) else first
    return first
