"""The tasks of the trends agent."""

from __future__ import annotations

from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from actp.domains.paging import batches, pages
from actp.domains.trends.people import HandleIndex, associations
from actp.domains.trends.strength import BASELINE_DAYS, strong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.domains.tools import Tools
    from actp.domains.trends.strength import Trend
    from actp.store import Json, Store

__all__ = ["associate", "detect", "full", "top"]

SIGHTINGS: Final = ("platform_research", "twitter_research", "creators")
POSTS: Final = ("platform_research", "twitter_research", "youtube")
PAGE_ROWS: Final = 2000
DEFAULT_TOP: Final = 10
# A rise from nothing is endless, which JSON cannot say.
MOST_RISE: Final = 1000.0


def associate(tools: Tools) -> dict[str, Any]:
    """Find every contact on other platforms and store where."""
    index = HandleIndex()
    for source in SIGHTINGS:
        for row in _pages(tools.store, "agent_trends_sightings", source=source):
            index.add(row["platform"], row["handle"], row["followers"], row["at"], row["name"])
    for contact in _pages(tools.store, "agent_trends_contacts"):
        index.add_contact(contact)
    counts = {"contacts": 0, "matched": 0, "associations": 0, "written": 0}
    counts |= {"handles": len(index)}

    def found() -> Iterator[Json]:
        for contact in _pages(tools.store, "agent_trends_contacts"):
            places = associations(contact, index)
            counts["contacts"] += 1
            counts["matched"] += bool(places)
            counts["associations"] += len(places)
            yield from (asdict(place) for place in places)

    for rows in batches(found(), PAGE_ROWS):
        answer = tools.store.call("agent_trends_store_associations", rows=rows)
        counts["written"] += answer["written"]
    return counts


def detect(tools: Tools) -> dict[str, Any]:
    """Store the niches that are strong on several platforms.

    Three or more that rise are told, once while they do.
    """
    posts = (
        _pages(tools.store, "agent_trends_posts", source=source, days=BASELINE_DAYS)
        for source in POSTS
    )
    trends = strong(chain.from_iterable(posts))
    rows = [_row(trend) for trend in trends]
    tools.store.call("agent_trends_store", rows=rows)
    risen = [trend.niche for trend in trends if trend.is_rising]
    headline = f"top trend {trends[0].niche}" if trends else "no trend on two platforms"
    return {
        "trends": len(trends),
        "rising": len(risen),
        "headline": f"{headline}, {len(risen)} rising" if trends else headline,
        "rows": rows,
    }


def full(tools: Tools) -> dict[str, Any]:
    """Find people, then trends."""
    return {"associations": associate(tools), **detect(tools)}


def top(tools: Tools, value: int | None = None) -> dict[str, Any]:
    """Return the strongest trends of the last seven days."""
    rows = tools.store.call("agent_trends_top", row_limit=value or DEFAULT_TOP)
    return {"trends": len(rows), "rows": rows}


def _pages(store: Store, function: str, **arguments: Json) -> Iterator[dict[str, Any]]:
    return pages(store, function, row_limit=PAGE_ROWS, ends=None, **arguments)


def _row(trend: Trend) -> dict[str, Any]:
    return {
        "niche": trend.niche,
        "platforms": list(trend.platforms),
        "platform_count": len(trend.platforms),
        "posts": trend.posts,
        "total_engagement": round(trend.total_engagement, 1),
        "avg_engagement": round(trend.avg_engagement, 1),
        "trend_strength": round(trend.trend_strength, 1),
        "rise": None if trend.rise is None else round(min(trend.rise, MOST_RISE), 2),
        "is_rising": trend.is_rising,
        "hook": trend.hook,
        "top_posts": list(trend.top_posts),
    }
