"""The text of a message from its template; nothing of a stranger gets into it but a plain name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actp.domains.outreach.names import first_name
from actp.domains.outreach.templates import NICHE_WORDS, TEMPLATES, MessageType
from actp.domains.taxonomy import OTHER, known_niche

if TYPE_CHECKING:
    from actp.domains.outreach.cooldown import Stage

__all__ = ["NO_NAME", "message_type", "template_text"]

NO_NAME: Final = "there"


def message_type(stage: Stage, *, is_known: bool) -> MessageType:
    """Return what kind of message comes next: the first one is outreach."""
    if not is_known:
        return "outreach"
    return "value_add" if stage == "awareness" else "follow_up"


def template_text(kind: MessageType, platform: str, name: str | None, niche: str | None) -> str:
    """Return the text of a template; TikTok, which takes one message, has only the first."""
    texts = TEMPLATES[kind]
    template = texts.get(platform) or TEMPLATES["outreach"][platform]
    return template.format(
        name=first_name(name) or NO_NAME, niche=NICHE_WORDS[known_niche(niche) or OTHER]
    )
