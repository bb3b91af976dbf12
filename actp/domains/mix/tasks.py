"""The tasks of the content-mix agent."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from actp.domains.mix.shares import gaps, recommended
from actp.domains.remotion.choosing import Subject
from actp.domains.remotion.requesting import check_names, request_video

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.domains.mix.shares import Gap, Item
    from actp.domains.tools import Tools

__all__ = ["recommend", "resonance_summary", "show_gaps"]

TOP_ROWS: Final = 5


def recommend(tools: Tools, platform: str | None = None, *, go: bool = True) -> dict[str, Any]:
    """Return what to make next, from what is missing and what works.

    With ``go`` the video of the largest gap is requested, once a niche, platform and calendar week.
    """
    check_names(platform, None)
    answer = tools.store.call("agent_mix_counts", platform=platform)
    found = gaps(answer["counts"])
    items = recommended(found, answer["best"], platform)
    first = items[0]
    video = _requested(tools, first, answer) if go and found[0].gap > 0 else None
    return {
        "items": len(items),
        "headline": f"make {first.count} of {first.niche} for {first.platform}",
        "video": video,
        "rows": [asdict(item) for item in items],
        "gaps": _shares(found),
    }


def show_gaps(tools: Tools, platform: str | None = None) -> dict[str, Any]:
    """Return the share of each niche against its target."""
    check_names(platform, None)
    answer = tools.store.call("agent_mix_counts", platform=platform)
    return {"posts": sum(answer["counts"].values()), "rows": _shares(gaps(answer["counts"]))}


def resonance_summary(tools: Tools) -> dict[str, Any]:
    """Return what works best of all."""
    return {"rows": tools.store.call("agent_resonance_top", row_limit=TOP_ROWS)}


def _requested(tools: Tools, item: Item, answer: Mapping[str, Any]) -> dict[str, Any]:
    week = datetime.fromisoformat(answer["now"]).astimezone(UTC).strftime("%G-W%V")
    key = f"content-mix:{item.niche}:{item.platform}:{week}"
    subject = Subject.of(item.niche, item.platform, answer["best"].get(item.niche, {}))
    made = request_video(tools, key, subject)
    return {name: made[name] for name in ("created", "job_id", "status")}


def _shares(found: list[Gap]) -> list[dict[str, Any]]:
    return [
        {"niche": g.niche, "target": g.target, "actual": round(g.actual, 4), "gap": round(g.gap, 4)}
        for g in found
    ]
