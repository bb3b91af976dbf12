"""Telegram's HTML: escaping, stripping, and cutting a long text where nothing breaks."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LONGEST_MESSAGE", "as_plain", "escape", "length", "split_html"]

# Telegram counts after parsing; counting the markup too stays on the safe side.
LONGEST_MESSAGE: Final = 4096
# Room for the tags that are closed at a cut.
_CLOSING_ROOM: Final = 64
# A tag, an entity, a word with its blank, or whatever else stands there.
_TOKEN = re.compile(r"<[^<>]*>|&(?:#\d+|#x[0-9a-fA-F]+|[a-z]+);|[^\s<&]{1,20}\s?|.", re.DOTALL)
_TAG = re.compile(r"<(/?)([a-z-]+)[^<>]*>")


def escape(value: object) -> str:
    """Return a value as text that cannot be taken for markup."""
    return html.escape(str(value), quote=True)


def as_plain(text: str) -> str:
    """Return the text without its markup, as a reader sees it."""
    return html.unescape(_TAG.sub("", text))


def split_html(text: str, longest: int = LONGEST_MESSAGE) -> list[str]:
    """Return the text in parts of at most ``longest`` characters, cut at line borders.

    A line that is too long is cut between words where it has any. No tag or entity is cut, and
    what is open at a cut is closed there and opened again in the next part.
    """
    room = longest - _CLOSING_ROOM
    parts: list[str] = []
    current, size = "", 0
    opened: list[str] = []
    for piece in _pieces(text, room):
        added = length(piece)
        if current and size + added > room:
            parts.append(current.rstrip("\n") + _closing(opened))
            current = "".join(opened)
            size = length(current)
        current, size = current + piece, size + added
        opened = _open_after(opened, piece)
    if current.strip():
        parts.append(current.rstrip("\n") + _closing(opened))
    return parts


def _pieces(text: str, room: int) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        if length(line) <= room:
            yield line
        else:
            yield from (match[0] for match in _TOKEN.finditer(line))


def length(text: str) -> int:
    """Return the length of a text as Telegram counts it: in UTF-16 code units."""
    return len(text) + sum(ord(character) > 0xFFFF for character in text)


def _open_after(opened: list[str], piece: str) -> list[str]:
    stack = list(opened)
    for match in _TAG.finditer(piece):
        if not match[1]:
            stack.append(match[0])
        elif stack:
            stack.pop()
    return stack


def _closing(opened: list[str]) -> str:
    names = (match[2] for tag in reversed(opened) if (match := _TAG.match(tag)))
    return "".join(f"</{name}>" for name in names)
