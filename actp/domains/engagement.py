"""One measure of engagement for every platform, from counts."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["engagement", "engagement_of"]


def engagement(likes: float, shares: float, replies: float, views: float) -> float:
    """Return 3 a like, 5 a share or retweet, 4 a reply and 0.1 a view."""
    return likes * 3 + shares * 5 + replies * 4 + views * 0.1


def engagement_of(counts: Mapping[str, Any]) -> float:
    """Return the engagement of counts as any table or service names them; what is missing is 0."""
    return engagement(
        _first(counts, "likes", "like_count"),
        _first(counts, "shares", "retweets", "reposts"),
        _first(counts, "replies", "comments_count", "comments"),
        _first(counts, "views", "view_count"),
    )


def _first(counts: Mapping[str, Any], *names: str) -> float:
    for name in names:
        value = counts.get(name)
        if isinstance(value, int | float) and isfinite(value) and value >= 0:
            return float(value)
    return 0.0
