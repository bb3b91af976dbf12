"""``platform_association_engine.py``: people and subjects on several platforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actp.cli.agents.script import Script, Task
from actp.cli.output import console, counted, figure, say, table, text
from actp.domains.trends import tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["script"]


def _show_associations(result: Mapping[str, Any]) -> None:
    say(
        f"{result['matched']:,} of {counted(result['contacts'], 'contact')} found on several "
        f"platforms among {counted(result['handles'], 'handle')}; "
        f"{counted(result['written'], 'association')} new or changed."
    )


def _show_trends(result: Mapping[str, Any]) -> None:
    if not result["rows"]:
        say("No niche rises on two platforms at once.")
        return
    numbers = ("posts", "strength", "rise")
    shown = table("niche", "platforms", *numbers, "hook", numbers=numbers)
    for row in result["rows"]:
        posts = row.get("posts")
        shown.add_row(
            text(row["niche"]),
            text(", ".join(filter(None, row["platforms"] or []))),
            figure(posts),
            figure(row["trend_strength"]),
            _rise(row["rise"]),
            text(row.get("hook") or _first_line(row["top_posts"]), longest=60),
        )
    console().print(shown)


def _rise(times: float | None) -> str:
    if times is None:
        return "new"
    return f"{times:.1f} times" if times > 1 else "-"


def _show_full(result: Mapping[str, Any]) -> None:
    _show_associations(result["associations"])
    _show_trends(result)


def _first_line(posts: object) -> str:
    first = posts[0] if isinstance(posts, list) and posts else None
    return str(first.get("text") or "").partition("\n")[0] if isinstance(first, dict) else ""


script = Script(
    "platform_association_engine.py",
    "Find people and subjects that appear on several platforms.",
    tasks=(
        Task(
            "--associations",
            "Find the other accounts of contacts.",
            tasks.associate,
            _show_associations,
        ),
        Task(
            "--trends",
            "Find niches that are rising on several platforms.",
            tasks.detect,
            _show_trends,
        ),
        Task("--full", "Both.", tasks.full, _show_full),
        Task(
            "--top-trends",
            "List the strongest trends of the last 7 days.",
            tasks.top,
            _show_trends,
            metavar="N",
            type=click.IntRange(1, 1000),
        ),
    ),
)
