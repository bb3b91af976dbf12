"""The text of a message from its template; nothing of a stranger gets into it but a plain name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from actp.domains.outreach.templates import NICHE_WORDS, TEMPLATES, MessageType
from actp.domains.taxonomy import OTHER, known_niche

if TYPE_CHECKING:
    from actp.domains.outreach.cooldown import Stage

__all__ = ["first_name", "message_type", "template_text"]

NO_NAME: Final = "there"
# Letters with an apostrophe or a dash inside: no address, no number, no sentence fits in.
_NAME = re.compile("[^\\W\\d_]+(?:['\u2019-][^\\W\\d_]+)?")
_NAME_LENGTHS: Final = range(2, 21)
_TITLES: Final = frozenset({"mr", "mrs", "ms", "dr", "prof", "coach"})
# How what is no name begins.
_NO_NAMES: Final = frozenset(
    {
        "the", "official", "team", "real", "its", "free", "all", "ignore", "forget", "disregard",
        "system", "visit", "click", "send", "buy", "win", "get", "dm", "hey", "hello", "your",
        "you",
    }
)  # fmt: skip


def message_type(stage: Stage, *, is_known: bool) -> MessageType:
    """Return what kind of message comes next: the first one is outreach."""
    if not is_known:
        return "outreach"
    return "value_add" if stage == "awareness" else "follow_up"


def template_text(kind: MessageType, platform: str, name: str | None, niche: str | None) -> str:
    """Return the text of a template; TikTok, which takes one message, has only the first."""
    texts = TEMPLATES[kind]
    template = texts.get(platform) or TEMPLATES["outreach"][platform]
    return template.format(name=first_name(name), niche=NICHE_WORDS[known_niche(niche) or OTHER])


def first_name(display_name: str | None) -> str:
    """Return the first name in a display name, or ``there`` where none can be told."""
    words = [word.strip(",.!|()\"'\u201c\u201d") for word in (display_name or "").split()]
    given = next((word for word in words if word.lower() not in _TITLES), "")
    if (
        given.lower() in _NO_NAMES
        or len(given) not in _NAME_LENGTHS
        or _NAME.fullmatch(given) is None
    ):
        return NO_NAME
    return given.capitalize() if given.isupper() or given.islower() else given
