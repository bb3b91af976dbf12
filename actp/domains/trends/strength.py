"""Which niches rise on several platforms at once, and how strongly."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from actp.domains.engagement import engagement_of
from actp.domains.taxonomy import OTHER, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Tally", "Trend", "rising"]

LEAST_PLATFORMS: Final = 2
LEAST_ENGAGEMENT: Final = 50.0
TOP_POSTS: Final = 5
LONGEST_HOOK: Final = 120


@dataclass(frozen=True, slots=True)
class Trend:
    """A niche over all platforms; ``top_posts`` has the most engaging first."""

    niche: str
    platforms: tuple[str, ...]
    posts: int
    total_engagement: float
    top_posts: tuple[Mapping[str, Any], ...]

    @property
    def avg_engagement(self) -> float:
        """Engagement a post."""
        return self.total_engagement / self.posts if self.posts else 0.0

    @property
    def trend_strength(self) -> float:
        """Engagement a post, times the platforms, times the logarithm of the posts."""
        return self.avg_engagement * len(self.platforms) * math.log1p(self.posts)

    @property
    def hook(self) -> str:
        """The first line of the most engaging post."""
        text = str(self.top_posts[0].get("text") or "") if self.top_posts else ""
        return text.strip().partition("\n")[0][:LONGEST_HOOK]


@dataclass(slots=True)
class Tally:
    """What was counted of one niche so far; post by post, so that any number of them fits."""

    posts_by_platform: dict[str, int] = field(default_factory=dict)
    total_engagement: float = 0.0
    _top: list[tuple[float, str, Mapping[str, Any]]] = field(default_factory=list)

    def add(self, post: Mapping[str, Any]) -> None:
        """Count one post; one that was not measured says nothing."""
        platform = post["platform"]
        score = engagement_of(post)
        if score is None:
            return
        self.posts_by_platform[platform] = self.posts_by_platform.get(platform, 0) + 1
        self.total_engagement += score
        shown = {"platform": platform, "url": post["url"], "text": post["text"], "score": score}
        # The id decides between equals, so that the same posts give the same answer.
        entry = (score, str(post["id"]), shown)
        if len(self._top) < TOP_POSTS:
            heapq.heappush(self._top, entry)
        else:
            heapq.heappushpop(self._top, entry)

    def trend(self, niche: str) -> Trend:
        """Return what was counted."""
        return Trend(
            niche,
            tuple(sorted(self.posts_by_platform)),
            sum(self.posts_by_platform.values()),
            self.total_engagement,
            tuple(shown for *_, shown in sorted(self._top, key=lambda e: e[:2], reverse=True)),
        )


def rising(posts: Iterable[Mapping[str, Any]]) -> list[Trend]:
    """Return the niches on two platforms or more with enough engagement, the strongest first."""
    tallies: dict[str, Tally] = {}
    for post in posts:
        niche = "_".join(words_of(post["niche"]))
        if niche and niche != OTHER and post["platform"]:
            tallies.setdefault(niche, Tally()).add(post)
    trends = (tally.trend(niche) for niche, tally in tallies.items())
    strong = [
        trend
        for trend in trends
        if len(trend.platforms) >= LEAST_PLATFORMS and trend.total_engagement >= LEAST_ENGAGEMENT
    ]
    return sorted(strong, key=lambda trend: (-trend.trend_strength, trend.niche))
