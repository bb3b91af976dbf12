"""The tasks of the youtube agent."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from actp.domains.engagement import measured_engagement
from actp.domains.paging import pages
from actp.domains.posts.tasks import measure_videos
from actp.domains.taxonomy import NICHES
from actp.domains.youtube.classify import Classifier
from actp.plural import counted

if TYPE_CHECKING:
    from actp.domains.tools import Tools

__all__ = ["analyze", "full", "resonance", "summary"]

TOP_ROWS: Final = 10


def analyze(tools: Tools) -> dict[str, Any]:
    """Classify the videos that are new, and bring the counts of the others up to date.

    Each twenty are stored before the next are asked about, so a crash loses no more than those.
    """
    refreshed = tools.store.call("agent_youtube_refresh")["refreshed"]
    classifier = Classifier(tools.claude)
    stored = 0
    for batch in classifier.classify(pages(tools.store, "agent_youtube_new")):
        rows = [
            {**video, **asdict(about), "engagement_score": measured_engagement(video, "youtube")}
            for video, about in batch
        ]
        stored += tools.store.call("agent_youtube_store", rows=rows)["stored"]
    measure_videos(tools)
    return {
        "analyzed": stored,
        "refreshed": refreshed,
        "by_claude": classifier.by_claude,
        "questions": classifier.questions,
        "claude": classifier.given_up or "ok",
        "headline": f"{counted(stored, 'video')} analyzed",
    }


def resonance(tools: Tools) -> dict[str, Any]:
    """Group all content of our niches by platform, niche, offer and kind."""
    answer: dict[str, Any] = tools.store.call("agent_resonance_recompute", niches=list(NICHES))
    return answer


def summary(tools: Tools) -> dict[str, Any]:
    """Return what works best."""
    return {"rows": tools.store.call("agent_resonance_top", row_limit=TOP_ROWS)}


def full(tools: Tools) -> dict[str, Any]:
    """Analyze, group, and tell what works best; told once a day."""
    analyzed, grouped = analyze(tools), resonance(tools)
    rows = summary(tools)["rows"]
    if rows:
        hooks = rows[0]["top_hook_patterns"]
        tools.alert(
            "youtube_ingested",
            str(tools.store.call("safari_now"))[:10],
            {
                "videos": analyzed["analyzed"],
                "niche": rows[0]["niche"],
                "hook": hooks[0] if hooks else None,
                "count": rows[0]["sample_count"],
            },
        )
    return {**analyzed, **grouped, "rows": rows}
