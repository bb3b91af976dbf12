"""``prospect_funnel_scorer.py``: contact scores, and the next actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from actp.cli.agents.script import Script, Task
from actp.cli.output import console, counted, say, table, text
from actp.cli.times import short_time
from actp.domains.outreach.why import why_of
from actp.domains.prospect import tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["script"]

MOST_ROWS: Final = 1000
_COUNT: Final = click.IntRange(1, MOST_ROWS)


def _show_scores(result: Mapping[str, Any]) -> None:
    say(
        f"{counted(result['scored'], 'contact')} scored, {counted(result['bots'], 'bot')} left out;"
        f" {result['decision']} in decision ({result['new_decision']} new),"
        f" {result['consideration']} in consideration, {result['awareness']} in awareness."
    )
    if result["left_out"]:
        say(f"Left out as bots: {', '.join(result['left_out'])}.")
    say(
        f"{result['research_ready']} worth a brief, {result['researched']} have one,"
        f" {result['briefs']} written now{_without_claude(result)}."
    )
    if result["top"]:
        _show_rows({"rows": result["top"]})


def _show_rows(result: Mapping[str, Any]) -> None:
    if not result["rows"]:
        say("No contact. To score them all: prospect_funnel_scorer.py --score-all")
        return
    shown = table(
        "score", "stage", "who", "platform", "next", "from", "brief", "why", numbers=("score",)
    )  # fmt: skip
    for row in result["rows"]:
        shown.add_row(
            text(row["score"]),
            text(row["stage"]),
            text(row["display_name"] or row["username"], longest=30),
            text(row["platform"]),
            text(row["next_touch_type"]),
            short_time(row["next_touch_at"]) if row["next_touch_at"] else text(""),
            text("yes" if row["research_done"] else "no"),
            text(why_of(row["score_breakdown"], row["last_words"]), longest=120),
        )
    console().print(shown)


def _show_one(result: Mapping[str, Any]) -> None:
    prospect = result["prospect"]
    if result["bots"]:
        say(f"{prospect['name']} is a mailbox, a company or a platform, so it is not scored.")
        return
    say(f"{prospect['name']}: {prospect['score']}, {prospect['funnel_stage']}")
    for name, points in prospect["score_breakdown"].items():
        say(f"  {points:+4d}  {name.replace('_', ' ')}")


def _show_research(result: Mapping[str, Any]) -> None:
    say(f"{counted(result['briefs'], 'brief')} written{_without_claude(result)}.")


def _without_claude(result: Mapping[str, Any]) -> str:
    return "" if result["claude"] == "ok" else f" (Claude: {result['claude']})"


script = Script(
    "prospect_funnel_scorer.py",
    "Score contacts from 0 to 100, and list whom to contact next.",
    tasks=(
        Task(
            "--score-all",
            "Score every contact; Claude writes briefs for the best.",
            tasks.score_all,
            _show_scores,
            refined_by=("limit",),
        ),
        Task("--score", "Score one contact.", tasks.score_one, _show_one, metavar="ID"),
        Task(
            "--research",
            "Write briefs for the best contacts without one.",
            tasks.research,
            _show_research,
            refined_by=("limit",),
        ),
        Task("--top", "The best prospects.", tasks.top, _show_rows, metavar="[N]", type=_COUNT),
        Task(
            "--next-actions",
            "List contacts due within a day.",
            tasks.next_actions,
            _show_rows,
            refined_by=("limit",),
        ),
        Task(
            "--research-ready",
            "List contacts with a brief, or worth one.",
            tasks.research_ready,
            _show_rows,
            refined_by=("limit",),
        ),
    ),
    refinements=(
        click.Option(
            ["--limit"], type=_COUNT, metavar="N", help="At most N rows, or briefs written."
        ),
    ),
)
