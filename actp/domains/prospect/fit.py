"""Offer readiness of a contact, and its fit to the ideal customer profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actp.domains.prices import speaks_of_money
from actp.domains.taxonomy import OFFERS, matching_offers, words_of

if TYPE_CHECKING:
    from actp.domains.prospect.facts import Facts

__all__ = ["asks_about_price", "icp_fit", "offer_readiness"]

MANY_DMS: Final = 3

_HAS_ROLE: Final = 40
_EACH_KEYWORD: Final = 15
_MOST: Final = 100


def asks_about_price(facts: Facts) -> bool:
    """Say whether what the person wrote speaks of money."""
    return speaks_of_money(facts.words)


def offer_readiness(facts: Facts) -> int:
    """Return 0 to 100: from talking about what we sell to asking what it costs."""
    return (
        30 * bool(matching_offers(facts.words))
        + 30 * asks_about_price(facts)
        + 20 * (facts.recent_dms >= MANY_DMS)
        + 20 * facts.has_fresh_email_reply
    )


def icp_fit(facts: Facts) -> int:
    """Return 0 to 100: the CRM's own figure, or what the profile says, whichever is more."""
    spoken = f" {' '.join(words_of(facts.about))} "
    has_role = any(f" {role} " in spoken for offer in OFFERS for role in offer.roles)
    keywords = {word for offer in OFFERS for word in offer.keywords if f" {word} " in spoken}
    profile = min(_MOST, _HAS_ROLE * has_role + _EACH_KEYWORD * len(keywords))
    return max(profile, round(facts.icp_score or 0))
