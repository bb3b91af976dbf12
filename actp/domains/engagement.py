"""One measure of engagement for every platform, from counts."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.counts import first_count

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["engagement", "engagement_of", "measured_engagement"]

# Under which names tables and services give a count.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "likes": ("likes", "like_count"),
        "shares": ("shares", "retweets", "reposts"),
        "replies": ("replies", "comments_count", "comments"),
        "views": ("views", "view_count"),
    }
)
# The counts that pages of our own posts always show: without them a post was not measured.
_ALWAYS_SHOWN: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "twitter": ("likes", "views"),
        "tiktok": ("likes", "views"),
        "youtube": ("likes", "views"),
    }
)
_LEAST_SHOWN: Final = ("likes",)


def engagement(likes: float, shares: float, replies: float, views: float) -> float:
    """Return 3 a like, 5 a share or retweet, 4 a reply and 0.1 a view."""
    return likes * 3 + shares * 5 + replies * 4 + views * 0.1


def engagement_of(counts: Mapping[str, Any]) -> float | None:
    """Return the engagement of counts as any table or service names them; None without any.

    Zeros alone are what services and tables give for counts that nobody read.
    """
    return _summed(_known(counts)) or None


def measured_engagement(counts: Mapping[str, Any], platform: str) -> float | None:
    """Return the engagement of one of our posts; None without what its platform always shows.

    Somebody has always seen a post that is out, so no views are none that were read; nor are fewer
    than the likes, except on YouTube, which counts likes before views.
    """
    known = _known(counts)
    least_views = 1 if platform == "youtube" else max(1, known["likes"] or 0)
    if (known["views"] or 0) < least_views:
        known["views"] = None
    if any(known[name] is None for name in _ALWAYS_SHOWN.get(platform, _LEAST_SHOWN)):
        return None
    return _summed(known) or None


def _known(counts: Mapping[str, Any]) -> dict[str, int | None]:
    return {name: first_count(counts, *names) for name, names in _NAMES.items()}


def _summed(known: Mapping[str, int | None]) -> float:
    return engagement(*(known[name] or 0 for name in ("likes", "shares", "replies", "views")))
