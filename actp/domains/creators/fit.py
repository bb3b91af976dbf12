"""Rates how well a creator fits the target audience."""

from __future__ import annotations

import math
from typing import Final

from actp.domains.taxonomy import NICHES, OFFERS, words_of

__all__ = ["QUALIFIED_ABOVE", "icp_fit"]

QUALIFIED_ABOVE: Final = 60
NICHE_POINTS: Final = 25
ROLE_POINTS, MOST_ROLE_POINTS = 20, 40
KEYWORD_POINTS, MOST_KEYWORD_POINTS = 10, 30
MOST_ENGAGEMENT_POINTS: Final = 25


def icp_fit(niche: str, text: str, engagement: float) -> int:
    """Return 0 to 100: one of our niches, roles and keywords in the text, and engagement.

    ``text`` is all that is known of a creator: the name and the posts that were found. Engagement
    counts by its magnitude: 10 gives about 5 points, 100,000 all 25.
    """
    spoken = f" {' '.join(words_of(text))} "
    roles = {role for offer in OFFERS for role in offer.roles}
    keywords = {word for offer in OFFERS for word in offer.keywords}
    points = NICHE_POINTS * (niche in NICHES)
    points += min(ROLE_POINTS * _spoken(roles, spoken), MOST_ROLE_POINTS)
    points += min(KEYWORD_POINTS * _spoken(keywords, spoken), MOST_KEYWORD_POINTS)
    magnitude = math.log10(1 + max(engagement, 0.0))
    return min(100, points + min(round(5 * magnitude), MOST_ENGAGEMENT_POINTS))


def _spoken(phrases: set[str], spoken: str) -> int:
    return sum(f" {phrase} " in spoken for phrase in phrases)
