"""The creator tasks of ``growth_orchestrator.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.cli.agents.script import Task
from actp.cli.output import console, counted, say, table, text, warn
from actp.domains.creators import tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TASKS"]


def _show_research(result: Mapping[str, Any]) -> None:
    for row in result["rows"]:
        if "new" not in row:
            warn(f"{row['error']}; nothing of it was stored.")
            continue
        if row["error"]:
            warn(f"{row['error']}.")
        say(
            f"{row['platform']}: {counted(row['creators'], 'creator')}, {row['new']} new, "
            f"{counted(row['contacts'], 'new contact')}, {counted(row['posts'], 'post')}."
        )
        if row["contacts"] and row["pipeline_stage"] != "new":
            say(f"  This project has no stage 'new'; their stage is {row['pipeline_stage']}.")


def _show_top(result: Mapping[str, Any]) -> None:
    if not result["rows"]:
        say("No creators yet. To find some: growth_orchestrator.py --market-sync")
        return
    shown = table("creator", "platform", "niche", "fit", "offers", numbers=("fit",))
    for row in result["rows"]:
        offers = ", ".join(filter(None, row["offer_match"] or []))
        shown.add_row(
            text("@" + row["handle"].lstrip("@")),
            text(row["platform"]),
            text(row["niche"]),
            "-" if row["icp_fit_score"] is None else str(row["icp_fit_score"]),
            text(offers),
        )
    console().print(shown)


TASKS = (
    Task(
        "--research",
        "Look up creators: of --platform, of --niche, or all.",
        tasks.research,
        _show_research,
        refined_by=("platform", "niche"),
    ),
    Task(
        "--market-sync", "Look up every niche on every platform.", tasks.market_sync, _show_research
    ),
    Task(
        "--top-creators",
        "List the creators that fit best.",
        tasks.top_creators,
        _show_top,
        refined_by=("platform", "niche"),
    ),
)
