"""Finds niches that are strong on several platforms, and those that are rising."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from actp.domains.engagement import engagement_of
from actp.domains.significance import errors_needed
from actp.domains.taxonomy import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["BASELINE_DAYS", "Tally", "Trend", "rise", "strong"]

LEAST_PLATFORMS: Final = 2
LEAST_ENGAGEMENT: Final = 50.0
TOP_POSTS: Final = 5
LONGEST_HOOK: Final = 120
# A trend is what the last week brought; it rises if that is more than in the three weeks before.
TREND_DAYS: Final = 7
BASELINE_DAYS: Final = 28
# Fewer days before the last week are no baseline.
FEWEST_BASELINE_DAYS: Final = 3
# Fewer days of one platform say nothing of how its days differ.
FEWEST_DAYS_A_PLATFORM: Final = 2
# The days that are compared with the baseline: the week, and its end, where a rise shows first.
RISE_WINDOWS: Final = (2, TREND_DAYS)
LEAST_RISE: Final = 1.5
# How many standard errors the logarithm of a day's engagement must have risen by.
LEAST_ERRORS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Trend:
    """A niche over all platforms; ``top_posts`` has the most engaging first.

    ``rise`` is how many times its baseline it brings, None where there is no baseline; 1 where it
    does not rise by more than chance.
    """

    niche: str
    platforms: tuple[str, ...]
    posts: int
    total_engagement: float
    top_posts: tuple[Mapping[str, Any], ...]
    rise: float | None = None

    @property
    def is_rising(self) -> bool:
        """Whether it is so many times its baseline that it counts as a rise."""
        return self.rise is not None and self.rise >= LEAST_RISE

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
    days: dict[str, dict[int, float]] = field(default_factory=dict)
    _top: list[tuple[float, str, Mapping[str, Any]]] = field(default_factory=list)

    def add(self, post: Mapping[str, Any]) -> None:
        """Count one post; one that was not measured says nothing."""
        platform = post["platform"]
        score = engagement_of(post)
        if score is None:
            return
        day = post.get("days_ago") or 0
        days = self.days.setdefault(platform, {})
        days[day] = days.get(day, 0.0) + score
        if day >= TREND_DAYS:
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
            rise(self.days),
        )


def strong(posts: Iterable[Mapping[str, Any]]) -> list[Trend]:
    """Return the niches on two platforms or more with enough engagement, the strongest first.

    ``days_ago`` of a post is when it was first seen; those of the last week make the trend, older
    ones its baseline.
    """
    tallies: dict[str, Tally] = {}
    for post in posts:
        niche = post["niche"]
        if niche and niche != OTHER and post["platform"]:
            tallies.setdefault(niche, Tally()).add(post)
    trends = (tally.trend(niche) for niche, tally in tallies.items())
    found = [
        trend
        for trend in trends
        if len(trend.platforms) >= LEAST_PLATFORMS and trend.total_engagement >= LEAST_ENGAGEMENT
    ]
    return sorted(found, key=lambda trend: (-trend.trend_strength, trend.niche))


def rise(days: Mapping[str, Mapping[int, float]]) -> float | None:
    """Return how many times its baseline a niche brings, from each platform's engagement by day.

    Days are counted back from today = 0. None where too few are known; 1 where no rise stands out
    from how days differ. A day without a post says nothing, as nobody may have looked on it, and
    each platform is compared with itself, so that one that is looked at for the first time is no
    rise.
    """
    before = {
        platform: known
        for platform, sums in days.items()
        if len(known := [s for day, s in sums.items() if day >= TREND_DAYS])
        >= FEWEST_DAYS_A_PLATFORM
    }
    baseline = {day for name in before for day in days[name] if day >= TREND_DAYS}
    if len(baseline) < FEWEST_BASELINE_DAYS:
        return None
    usual = {name: fmean(map(math.log1p, sums)) for name, sums in before.items()}
    apart = [math.log1p(s) - usual[name] for name, sums in before.items() for s in sums]
    freedom = len(apart) - len(before)
    spread = math.sqrt(sum(each**2 for each in apart) / freedom)
    rises = [1.0]
    for window in RISE_WINDOWS:
        recent = [(name, s) for name in before for day, s in days[name].items() if day < window]
        if not recent:
            continue
        gain = fmean(math.log1p(s) - usual[name] for name, s in recent)
        error = spread * math.sqrt(1 / len(recent) + 1 / len(apart))
        if gain > errors_needed(LEAST_ERRORS, freedom) * error:
            expected = sum(fmean(before[name]) for name, _ in recent)
            rises.append(sum(s for _, s in recent) / expected if expected else math.inf)
    return max(rises)
