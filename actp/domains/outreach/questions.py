"""Detects what only somebody asks who wants to buy: the price, details, how to begin.

A text whose author is not known may be ours. We ask nobody what we cost, so such a text is theirs.
"""

from __future__ import annotations

import re
from typing import Final

from actp.domains.outreach.spoken import plain_words

__all__ = ["is_asked_of_us"]

# Longer texts tell a story, and may quote the question.
LONGEST: Final = 120
_ASKED: Final = re.compile(
    r"\bhow much (?:is|are|does|do|would|will|for|it|this|that)\b|\bhow much$"
    r"|\bwhat (?:does|do|would|will) (?:it|this|that|they|the \w+) cost\b"
    r"|\bwhat(?: is|s| are|re) (?:the )?(?:price|prices|pricing|cost|costs)\b"
    r"|^(?:\w+ )?(?:price|pricing|cost)(?: please| pls)?$"
    r"|\bhow (?:does|do) (?:it|this|that) work\b"
    r"|\b(?:how|where) (?:do|can) i (?:buy|book|order|sign up|start|join)\b"
    r"|^(?:\w+ ){0,3}tell me more(?: \w+){0,2}$"
    r"|\b(?:can|could) (?:you|u) send (?:me )?(?:more |the |some )*"
    r"(?:info\w*|details|link|prices?)\b"
    # German
    r"|\b(?:was|wie ?viel) (?:kostet|kosten|wurde (?:es|das) kosten)\b|\bwie teuer\b"
    r"|\bwie funktioniert (?:das|es)\b|\bwas ist der preis\b"
    # Spanish, Portuguese, Italian
    r"|\bcuanto (?:cuesta|vale|sale|es)\b|\b(?:que|cual es el) precio\b|\bcomo funciona\b"
    r"|\bquanto (?:custa|fica|sai|costa|viene)\b|\bqual (?:e )?o (?:preco|valor)\b"
    # French
    r"|\bcombien (?:ca |cela )?(?:coute|ca)\b|\bc ?est combien\b"
    r"|\bquels? (?:est le|sont les) (?:prix|tarifs?)\b|\bcomment ca (?:marche|fonctionne)\b"
    # Dutch, Polish, Russian
    r"|\bwat kost\b|\bile (?:to )?kosztuje\b|\bjaka (?:jest )?cena\b"
    r"|сколько (?:это )?стоит|какая цена"
)


def is_asked_of_us(text: str) -> bool:
    """Return whether a short text asks what a customer would ask."""
    return len(text) <= LONGEST and _ASKED.search(plain_words(text)) is not None
