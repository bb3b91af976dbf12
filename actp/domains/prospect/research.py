"""Claude's briefs about promising contacts: the request, and the validated answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, Field

from actp.clients.claude import Question
from actp.domains.prospect.fit import MANY_DMS, asks_about_price
from actp.domains.taxonomy import NO_OFFER, OFFERS
from actp.errors import ClaudeError

if TYPE_CHECKING:
    from actp.domains.prospect.facts import Facts

__all__ = ["Brief", "brief_question", "research_of", "signals"]

HIGH_ICP_SCORE: Final = 80
MOST_ITEMS: Final = 5
LONGEST_ITEM: Final = 200
LONGEST_SUMMARY: Final = 600
LONGEST_WORDS: Final = 4000
MAX_TOKENS: Final = 1024

_INSTRUCTIONS: Final = """\
You prepare one person's brief for the owner of a small business, who will write to them. The data
is what our CRM knows: the profile, what the person wrote to us, and the signals that made them
stand out. State only what the data supports; leave a list empty rather than guess."""


_ADDRESS: Final = re.compile(r"https?:|www\.|\w\.[a-z]{2,}/", re.IGNORECASE)


class Brief(BaseModel):
    """What to know before writing to a person."""

    summary: str = Field(min_length=1, description="Who they are and what they want, 2 sentences.")
    pains: list[str] = Field(default=[], description="Problems they have spoken of.")
    interests: list[str] = Field(default=[], description="What they talk about.")
    hook: str = Field(default="", description="A fact about them that a message can begin with.")
    offer: Literal[
        "safari_automation", "creator_growth", "saas_consulting", "digital_agency", "none"
    ] = Field(default=NO_OFFER, description="The offer that fits best, or none.")


def signals(facts: Facts) -> list[str]:
    """Return why this person is worth a brief, beyond the score."""
    matched = {
        "pricing_words": asks_about_price(facts),
        "three_dms_in_14_days": facts.recent_dms >= MANY_DMS,
        "email_reply_in_7_days": facts.has_fresh_email_reply,
        "icp_above_80": (facts.icp_score or 0) > HIGH_ICP_SCORE,
    }
    return [name for name, is_matched in matched.items() if is_matched]


def brief_question(facts: Facts) -> Question[Brief]:
    """Return what Claude is asked about a person."""
    return Question(
        purpose="prospect_brief",
        instructions=_INSTRUCTIONS,
        data={
            "name": facts.name,
            "platform": facts.platform,
            "niche": facts.niche,
            "about": facts.about,
            "wrote_to_us": facts.words[:LONGEST_WORDS],
            "signals": signals(facts),
            "offers": [{"name": offer.name, "for": list(offer.roles)} for offer in OFFERS],
        },
        answer=Brief,
        tier="brief",
        max_tokens=MAX_TOKENS,
    )


def research_of(brief: Brief, facts: Facts) -> dict[str, Any]:
    """Return what is stored: the brief within its bounds, and the signals.

    Raises ClaudeError for a brief with an address in it: messages are written from briefs, and
    somebody else put it there.
    """
    texts = (brief.summary, brief.hook, *brief.pains, *brief.interests)
    if any(_ADDRESS.search(text) for text in texts):
        raise ClaudeError("garbage", "The brief contains an unexpected address.")
    return {
        "summary": _kept(brief.summary, LONGEST_SUMMARY),
        "pains": [_kept(item, LONGEST_ITEM) for item in brief.pains[:MOST_ITEMS]],
        "interests": [_kept(item, LONGEST_ITEM) for item in brief.interests[:MOST_ITEMS]],
        "hook": _kept(brief.hook, LONGEST_ITEM),
        "offer": brief.offer,
        "signals": signals(facts),
        "generated_by": "claude",
    }


def _kept(text: str, longest: int) -> str:
    return " ".join(text.replace("\0", "").encode(errors="replace").decode().split())[:longest]
