"""Detects what only somebody asks who wants to buy: the price, details, how to begin.

A text whose author is not known may be ours. We ask nobody what we cost, so such a text is theirs.
"""

from __future__ import annotations

import re
from typing import Final

from actp.domains.outreach.spoken import plain_words
from actp.domains.prices import asks_the_price

__all__ = ["is_asked_of_us"]

# Longer texts tell a story, and may quote the question.
LONGEST: Final = 120
_DETAILS: Final = re.compile(
    r"\bhow (?:does|do) (?:it|this|that) work\b"
    r"|\b(?:how|where) (?:do|can) i (?:buy|book|order|sign up|start|join)\b"
    r"|^(?:\w+ ){0,3}tell me more(?: \w+){0,2}$"
    r"|\b(?:can|could) (?:you|u) send (?:me )?(?:more |the |some )*(?:info\w*|details|link)\b"
    r"|\bwie funktioniert (?:das|es)\b|\bcomo funciona\b|\bcomment ca (?:marche|fonctionne)\b"
)


def is_asked_of_us(text: str) -> bool:
    """Return whether a short text asks what a customer would ask."""
    if len(text) > LONGEST:
        return False
    words = plain_words(text)
    return asks_the_price(words) or _DETAILS.search(words) is not None
