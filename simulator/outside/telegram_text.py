"""What happens to HTML in a message: what the reader sees, or why Telegram refuses it."""

from __future__ import annotations

import html
import re

__all__ = ["Unsendable", "check_length", "visible_text"]

LONGEST_TEXT = 4096
TAGS = frozenset(
    {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "a", "span"}
    | {"tg-spoiler", "tg-emoji", "blockquote"}
)
_TAG = re.compile(r"<(/?)([A-Za-z-]*)([^<>]*)(>?)")


class Unsendable(Exception):
    """Raised for a text that Telegram refuses; says why in its words."""


def visible_text(text: str) -> str:
    """Return the text as the reader sees it; raises Unsendable."""
    opened: list[str] = []
    seen, end = [], 0
    for match in _TAG.finditer(text):
        seen.append(text[end : match.start()])
        end = match.end()
        closes, name, _, ends = match.groups()
        offset = len(text[: match.start()].encode())
        name = name.lower()
        if closes:
            _close(opened, name, offset)
        elif name not in TAGS:
            raise _unparsable(f'Unsupported start tag "{name}" at byte offset {offset}')
        elif not ends:
            raise _unparsable(f"Unclosed start tag at byte offset {offset}")
        else:
            opened.append(name)
    if opened:
        raise _unparsable(f'Can\'t find end tag corresponding to start tag "{opened[-1]}"')
    return html.unescape("".join([*seen, text[end:]]))


def check_length(seen: str) -> None:
    """Raise Unsendable for a text that is empty or too long, counted in UTF-16 code units."""
    if not seen.strip():
        raise Unsendable("message text is empty")
    if len(seen.encode("utf-16-le")) // 2 > LONGEST_TEXT:
        raise Unsendable("message is too long")


def _close(opened: list[str], name: str, offset: int) -> None:
    if not opened:
        raise _unparsable(f"Unexpected end tag at byte offset {offset}")
    expected = opened.pop()
    if name not in ("", expected):
        raise _unparsable(
            f'Unmatched end tag at byte offset {offset}, expected "</{expected}>", '
            f'found "</{name}>"'
        )


def _unparsable(why: str) -> Unsendable:
    return Unsendable(f"can't parse entities: {why}")
