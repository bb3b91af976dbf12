"""Validates texts for a platform: length, characters, and words that a service would alter."""

from __future__ import annotations

import re
import unicodedata
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from actp.errors import InvalidInput
from actp.safari.unfinished import unfinished

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MAX_QUERY_LENGTH",
    "clean_query",
    "clean_text",
    "normalised_text",
    "rewritten_word",
    "visible_text",
]

TWITTER_POST_LENGTH: Final = 280
TWITTER_DM_LENGTH: Final = 10_000
INSTAGRAM_DM_LENGTH: Final = 1000
INSTAGRAM_COMMENT_LENGTH: Final = 2200
THREADS_POST_LENGTH: Final = 500
TIKTOK_COMMENT_LENGTH: Final = 150
TIKTOK_DM_LENGTH: Final = 1000
LINKEDIN_DM_LENGTH: Final = 8000
MAX_QUERY_LENGTH: Final = 200

MAX_LENGTHS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "instagram-comments": INSTAGRAM_COMMENT_LENGTH,
        "instagram-dm": INSTAGRAM_DM_LENGTH,
        "linkedin-automation": LINKEDIN_DM_LENGTH,
        "threads-comments": THREADS_POST_LENGTH,
        "tiktok-comments": TIKTOK_COMMENT_LENGTH,
        "tiktok-dm": TIKTOK_DM_LENGTH,
        "twitter-comments": TWITTER_POST_LENGTH,
        "twitter-dm": TWITTER_DM_LENGTH,
    }
)

# Page scripts of the services break at the unusual line ends.
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_REWRITTEN = re.compile(
    r"\b(?:SELECT|INSERT|UPDATE|DELETE|DROP|CREATE|ALTER|EXEC|UNION|SCRIPT)\b",
    re.IGNORECASE | re.ASCII,
)
# Where a page ignores JavaScript, drivers hand the text to a shell. Of these one quotes it so that
# an apostrophe ends the quotes, and one so that it does nothing but spoil the text.
_APOSTROPHES_END_QUOTES: Final = frozenset({"tiktok-dm", "twitter-comments"})
# And these leave its backslashes alone between double quotes, so that the next sign is the shell's.
_BACKSLASHES_OPEN_QUOTES: Final = frozenset(
    {"instagram-comments", "linkedin-automation", "tiktok-comments", "twitter-comments"}
)
_OPENING = re.compile(r'\\["`$]')
# threads-comments has the Mac read its scripts in an old encoding, so typographic signs would be
# published as others. Of letters and emoji there are no plain ones.
_READ_IN_OLD_ENCODING: Final = frozenset({"threads-comments"})
_PLAIN_SIGNS: Final = str.maketrans(
    {
        "\u00a0": " ",
        "\u2010": "-",
        "\u2011": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2026": "...",
        "\u202f": " ",
    }
)
# linkedin-automation pastes a text as HTML as well, in which a tag shows nothing.
_PASTED_AS_HTML: Final = frozenset({"linkedin-automation"})
_MARKUP = re.compile(r"<[A-Za-z/!?]\S*|&#?[A-Za-z0-9]+;")
# tiktok-dm looks for the first 15 characters in what it typed, and types again if they have a line
# end; for so many in the conversation, which it does not see then.
_TYPED_TWICE: Final = frozenset({"tiktok-dm"})
LOOKED_FOR_CHARS: Final = 20
_BREAK = re.compile(r"\s*\n\s*")
# It presses Enter alone, which a list of people to mention would take; a blank closes that list.
_SENT_BY_ENTER: Final = frozenset({"instagram-dm"})
_MENTION_AT_END = re.compile(r"(?:^|\s)@\S*\Z")
_LIGHT: Final = (range(4352), range(8192, 8206), range(8208, 8224), range(8242, 8248))
_QUERY_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\"'`\\\u2028\u2029]|\$[({]")


def normalised_text(value: str) -> str:
    """Return a text with one line feed for every kind of line end."""
    return _LINE_ENDS.sub("\n", value)


def visible_text(value: str) -> str:
    """Return what a reader sees of a text: without invisible signs, one blank between words."""
    plain = unicodedata.normalize("NFKC", normalised_text(value))
    shown = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf")
    lines = shown.replace("\u2019", "'").strip().split("\n")
    return "\n".join(" ".join(line.split()) for line in lines)


def rewritten_word(text: str) -> str | None:
    """Return the first word that twitter-comments would publish as ``[FILTERED:…]``."""
    match = _REWRITTEN.search(text)
    return match[0] if match else None


def clean_text(service: str, value: str) -> str:
    """Return the text as it will be sent; raises InvalidInput where it cannot be.

    Apostrophes become typographic ones or these become plain, a line end becomes a blank, and a
    name to mention at the end is followed by one, where the service's driver cannot type them.
    """
    text = _typable(service, normalised_text(value))
    if not text.strip():
        raise InvalidInput("the text is empty", remedy="Set params.text.")
    if _CONTROLS.search(text) or _SURROGATES.search(text):
        raise InvalidInput(
            "the text contains control characters or broken Unicode",
            remedy="Write it as plain text; line breaks and tabs are fine.",
        )
    if fault := unfinished(text):
        raise InvalidInput(fault, remedy="Write the text as the recipient should read it.")
    longest = MAX_LENGTHS[service]
    length = _weight(text) if service == "twitter-comments" else _length(text)
    if length > longest:
        raise InvalidInput(
            f"the text has {length} characters, {service} takes {longest}",
            remedy="Shorten it.",
        )
    if service == "twitter-comments" and (word := rewritten_word(text)):
        raise InvalidInput(
            f"twitter-comments would publish the word {word!r} as [FILTERED:{word}]",
            remedy="Use another word.",
        )
    return text


def _typable(service: str, text: str) -> str:
    """Return a text that the service's driver types once and hands to no shell as a command."""
    if service in _BACKSLASHES_OPEN_QUOTES and (found := _OPENING.search(text)):
        raise InvalidInput(
            f"the text has {found[0]}, which {service} could hand to a shell as a command",
            remedy="Leave out the backslash.",
        )
    if service in _PASTED_AS_HTML and (found := _MARKUP.search(text)):
        raise InvalidInput(
            f"the text has {found[0][:20]}, which {service} pastes as HTML, so it would be missing",
            remedy="Write it without < or &, or put a blank behind that sign.",
        )
    if service in _APOSTROPHES_END_QUOTES:
        text = text.replace("'", "\u2019")
    if service in _READ_IN_OLD_ENCODING:
        text = text.translate(_PLAIN_SIGNS)
    if service in _TYPED_TWICE:
        text = text.lstrip()
        while (found := _BREAK.search(text)) and found.start() < LOOKED_FOR_CHARS:
            text = f"{text[: found.start()]} {text[found.end() :]}"
    if service in _SENT_BY_ENTER and _MENTION_AT_END.search(text):
        text = f"{text} "
    return text


def clean_query(value: str) -> str:
    """Return a search query; raises InvalidInput for signs that would leave its quotes."""
    query = " ".join(value.split())
    if not query or len(query) > MAX_QUERY_LENGTH:
        raise InvalidInput(
            f"a query has 1 to {MAX_QUERY_LENGTH} characters",
            remedy="Set params.query (or params.keyword).",
        )
    if _QUERY_UNSAFE.search(query) or _SURROGATES.search(query):
        raise InvalidInput(
            f"a query cannot contain quotes, backslashes or control characters: {query[:60]!r}",
            remedy="Search for the plain words.",
        )
    return query


def _length(text: str) -> int:
    # The services count as JavaScript does, in UTF-16 units: an emoji is two.
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _weight(text: str) -> int:
    # As X counts a post: letters of Latin, Greek, Cyrillic, Hebrew and Arabic script once, others,
    # such as Chinese, Japanese and Korean ones, twice.
    return sum(1 if any(ord(sign) in light for light in _LIGHT) else 2 for sign in text)
