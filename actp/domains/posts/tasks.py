"""Measures our own posts at 1, 4 and 24 hours and 7 days."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from actp.domains.engagement import measured_engagement
from actp.domains.posts.looks import due_look, next_hours
from actp.domains.posts.pages import UNMEASURED, read_page, service_of
from actp.errors import ServiceError
from actp.plural import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.domains.tools import Tools

__all__ = ["measure", "measure_videos", "state"]

# Pages that one run opens: reading must not keep Safari from sending.
MOST_PAGES: Final = 12
MOST_PAGES_A_PLATFORM: Final = 4
MOST_TRIES: Final = 3
RETRY_HOURS: Final = 0.5


def measure(tools: Tools) -> dict[str, Any]:
    """Look at the posts that are due, some pages a run; what cannot be read is tried again."""
    videos = measure_videos(tools)
    opened: Counter[str] = Counter()
    silent: dict[str, str] = {}
    rows = []
    for post in tools.store.call("agent_posts_due"):
        platform = post["platform"]
        if platform in silent or opened[platform] >= MOST_PAGES_A_PLATFORM:
            continue
        if service_of(platform) is not None:
            if opened.total() >= MOST_PAGES:
                break
            opened[platform] += 1
        try:
            problem = _measured(tools, post)
        except ServiceError as error:
            silent[platform] = f"{error}"  # nor will it answer for the next one
            continue
        rows.append({"platform": platform, "url": post["url"], "problem": problem})
    measured = sum(row["problem"] is None for row in rows)
    return {
        "ok": not silent,
        "measured": measured + videos,
        "unread": len(rows) - measured,
        "headline": f"{counted(measured + videos, 'post')} measured",
        "error": "; ".join(f"{name}: {said}" for name, said in silent.items()) or None,
        "rows": rows,
        "platforms": state(tools)["rows"],
    }


def measure_videos(tools: Tools) -> int:
    """Store the looks at videos that the table of their snapshots holds; return how many."""
    looks = [
        {**row, "shares": None, "engagement": measured_engagement(row, "youtube")}
        for row in tools.store.call("agent_youtube_looks")
    ]
    if not looks:
        return 0
    stored: int = tools.store.call("agent_posts_measured", rows=looks)["stored"]
    return stored


def state(tools: Tools) -> dict[str, Any]:
    """Return how far the posts of each platform are measured, and what keeps others from it."""
    rows = tools.store.call("agent_posts_state")
    for row in rows:
        known = row["problem"] or UNMEASURED.get(row["platform"])
        unplaced = row["unplaced"] and f"{counted(row['unplaced'], 'post')} without a known address"
        row["problem"] = known or unplaced or None
    return {"rows": rows}


def _measured(tools: Tools, post: Mapping[str, Any]) -> str | None:
    """Look at one post and store what it shows; return why it shows nothing."""
    platform, age = post["platform"], post["age_hours"]
    place = {"platform": platform, "external_id": post["external_id"]}
    look, later = due_look(age, post["taken"]), next_hours(age)
    if service_of(platform) is None:
        problem = UNMEASURED.get(platform, "no service shows the figures of its posts")
        tools.store.call("agent_post_unread", **place, problem=problem, retry_hours=None)
        return problem
    if look is None:
        tools.store.call(
            "agent_post_unread", **place, problem=None, retry_hours=None, next_hours=later
        )
        return None
    shown = read_page(tools.safari, platform, post["url"], post["external_id"])
    score = None if isinstance(shown, str) else measured_engagement(shown, platform)
    if isinstance(shown, str) or score is None:
        problem = shown if isinstance(shown, str) else "the page shows not all of its figures"
        is_last = post["failures"] + 1 >= MOST_TRIES
        tools.store.call(
            "agent_post_unread",
            **place,
            problem=problem,
            retry_hours=None if is_last else RETRY_HOURS,
            next_hours=later,
        )
        return problem
    found = {**place, **shown, "look": look, "age_hours": age, "engagement": score}
    tools.store.call("agent_posts_measured", rows=[{**found, "next_hours": later}])
    return None
