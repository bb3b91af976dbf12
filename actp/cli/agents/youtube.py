"""``youtube_mplite_ingest.py``: video topics and performance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.cli.agents.script import Script, Task
from actp.cli.output import console, counted, figure, say, table, text
from actp.domains.youtube import tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["script", "show_resonance"]


def _show_analyzed(result: Mapping[str, Any]) -> None:
    by_words = result["analyzed"] - result["by_claude"]
    how = f"{result['by_claude']} by Claude in {counted(result['questions'], 'question')}"
    why = "" if result["claude"] == "ok" else f" (Claude: {result['claude']})"
    say(f"{counted(result['analyzed'], 'video')} analyzed: {how}, {by_words} by words{why}.")
    say(f"{counted(result['refreshed'], 'video')} refreshed.")


def _show_grouped(result: Mapping[str, Any]) -> None:
    say(f"{counted(result['groups'], 'group')} of content; {result['removed']} outdated removed.")


def show_resonance(result: Mapping[str, Any]) -> None:
    """Print groups of content, the most viewed first."""
    if not result["rows"]:
        say("No data yet. To read the videos: youtube_mplite_ingest.py --full")
        return
    numbers = ("views", "posts")
    shown = table("platform", "niche", "kind", "offer", "views", "posts", "hook", numbers=numbers)
    for row in result["rows"]:
        shown.add_row(
            text(row["platform"]),
            text(row["niche"]),
            text(row["content_type"]),
            text(row["offer_tag"]),
            figure(row["avg_views"]),
            figure(row["sample_count"]),
            text(next(iter(row["top_hook_patterns"] or []), ""), longest=40),
        )
    console().print(shown)


def _show_full(result: Mapping[str, Any]) -> None:
    _show_analyzed(result)
    _show_grouped(result)
    show_resonance(result)


script = Script(
    "youtube_mplite_ingest.py",
    "Measure our videos, and find out what performs best.",
    tasks=(
        Task(
            "--analyze", "Classify new videos, refresh the others.", tasks.analyze, _show_analyzed
        ),
        Task("--resonance", "Group all content by performance.", tasks.resonance, _show_grouped),
        Task("--summary", "List the best-performing content.", tasks.summary, show_resonance),
        Task("--full", "All three, and report the result.", tasks.full, _show_full),
    ),
)
