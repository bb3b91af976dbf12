"""What is written where nobody writes it anew: one text for each kind of message and platform."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NICHE_WORDS", "TEMPLATES", "MessageType"]

MessageType: TypeAlias = Literal["outreach", "follow_up", "value_add"]

NICHE_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ai_automation": "AI automation",
        "saas_growth": "growing a SaaS",
        "content_creation": "making content",
        "digital_marketing": "digital marketing",
        "creator_economy": "the creator economy",
        "personal_brand": "building a personal brand",
        "other": "growing online",
    }
)

TEMPLATES: Final[Mapping[MessageType, Mapping[str, str]]] = MappingProxyType(
    {
        "outreach": MappingProxyType(
            {
                "twitter": (
                    "Hi {name}, I keep running into your posts about {niche}. I work on that too:"
                    " what takes most of your time there right now?"
                ),
                "instagram": (
                    "Hi {name}! I have been following what you share about {niche}. I work on that"
                    " too, and would love to know: what is the part you would hand off first?"
                ),
                "tiktok": (
                    "Hi {name}, your videos about {niche} are worth every minute. What part of it"
                    " costs you the most time?"
                ),
                "linkedin": (
                    "Hi {name}, your work on {niche} caught my eye. I help people get hours back"
                    " there. May I ask what costs you the most time at the moment?"
                ),
                "gmail": (
                    "Hi {name},\n\nyour work on {niche} caught my eye. I help people get hours back"
                    " there. What costs you the most time at the moment?\n\nIf this is not for you,"
                    " just say so and I will not write again."
                ),
            }
        ),
        "follow_up": MappingProxyType(
            {
                "twitter": (
                    "Hi {name}, coming back to {niche}: did you find a way to get some of that time"
                    " back? Happy to share what worked for others."
                ),
                "instagram": (
                    "Hi {name}, coming back to you about {niche}. Did you get any further? I am"
                    " happy to share what worked for others in the same spot."
                ),
                "linkedin": (
                    "Hi {name}, coming back to our topic, {niche}. Did anything change on your"
                    " side? I can share what worked for others in the same spot."
                ),
                "gmail": (
                    "Hi {name},\n\ncoming back to {niche}: did anything change on your side? I can"
                    " share what worked for others in the same spot.\n\nIf this is not for you,"
                    " just say so and I will not write again."
                ),
            }
        ),
        "value_add": MappingProxyType(
            {
                "twitter": (
                    "Hi {name}, one thing I learned about {niche} lately: most of the gain came"
                    " from dropping steps, not from doing them faster. Same for you?"
                ),
                "instagram": (
                    "Hi {name}, one thing I learned about {niche} lately: most of the gain came"
                    " from dropping steps, not from doing them faster. Is it the same for you?"
                ),
                "linkedin": (
                    "Hi {name}, one thing I learned about {niche} lately: most of the gain came"
                    " from dropping steps, not from doing them faster. Is it the same for you?"
                ),
                "gmail": (
                    "Hi {name},\n\none thing I learned about {niche} lately: most of the gain came"
                    " from dropping steps, not from doing them faster.\n\nIf this is not for you,"
                    " just say so and I will not write again."
                ),
            }
        ),
    }
)
