"""Shortens a text to a platform's limit at word boundaries."""

from __future__ import annotations

import re
from typing import Final

from actp.clients.blotato.posts import MAX_LENGTHS
from actp.safari.texts import normalised_text
from actp.sanitize import storable_text

__all__ = ["fitted"]

CUT: Final = "…"
_LAST_TAGS = re.compile(r"\s*#\w+\s*\Z")


def fitted(platform: str, text: str) -> str:
    """Return the text as it may be posted: hashtags go first, the last one before the others.

    What is too long even so ends after a whole word with an ellipsis. An unknown platform's text
    comes back as it is.
    """
    longest = MAX_LENGTHS.get(platform)
    text = storable_text(normalised_text(text).replace("\0", ""), len(text) + 1).strip()
    if longest is None:
        return text
    while _length(text) > longest and (tag := _LAST_TAGS.search(text)):
        text = text[: tag.start()]
    if _length(text) <= longest:
        return text
    kept = _first(text, longest - len(CUT))
    if not text[len(kept)].isspace():
        kept = kept.rpartition(" ")[0] or kept
    return kept.rstrip(" \n,;:-–") + CUT  # noqa: RUF001  a dash as people write it


def _first(text: str, longest: int) -> str:
    return text.encode("utf-16-le")[: 2 * longest].decode("utf-16-le", "ignore")


def _length(text: str) -> int:
    # As the platforms and Blotato count: an emoji is two.
    return len(text.encode("utf-16-le")) // 2
