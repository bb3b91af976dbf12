"""The content-mix tasks of ``growth_orchestrator.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.cli.agents.script import Task
from actp.cli.agents.youtube import show_resonance
from actp.cli.output import console, say, table, text
from actp.domains.mix import tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.domains.tools import Tools

__all__ = ["TASKS"]


def _show_items(result: Mapping[str, Any]) -> None:
    shown = table("niche", "kind", "platform", "posts", "hook", numbers=("posts",))
    for row in result["rows"]:
        shown.add_row(
            text(row["niche"]),
            text(row["content_type"]),
            text(row["platform"]),
            str(row["count"]),
            text(row["hook"], longest=50),
        )
    console().print(shown)
    if video := result["video"]:
        begun = "is requested" if video["created"] else "was requested this week"
        say(f"A video of {result['rows'][0]['niche']} {begun}: {video['status']}.")
    else:
        say("Nothing was rendered; --go renders the first one if its niche is below target.")


def _show_gaps(result: Mapping[str, Any]) -> None:
    if not result["posts"]:
        say("No posts in the last 30 days, so every niche is below target.")
    shown = table("niche", "target", "actual", "missing", numbers=("target", "actual", "missing"))
    for row in result["rows"]:
        shares = (f"{row[name]:.0%}" for name in ("target", "actual", "gap"))
        shown.add_row(text(row["niche"]), *shares)
    console().print(shown)


def _recommend(tools: Tools, platform: str | None = None, *, go: bool = False) -> dict[str, Any]:
    """Show what to make; a person says --go for what is public in the end."""
    return tasks.recommend(tools, platform, go=go)


TASKS = (
    Task(
        "--content-mix",
        "Show what to make next, for --platform or all; --go renders the first one.",
        _recommend,
        _show_items,
        refined_by=("platform", "go"),
    ),
    Task(
        "--gaps",
        "Show each niche against its target.",
        tasks.show_gaps,
        _show_gaps,
        refined_by=("platform",),
    ),
    Task(
        "--resonance-summary",
        "List the best-performing content.",
        tasks.resonance_summary,
        show_resonance,
    ),
)
