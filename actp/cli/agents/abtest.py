"""``ab_post_tester.py``: A/B tests of two texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actp.cli.agents.script import Script, Task
from actp.cli.output import console, counted, figure, one_line, say, table, text, warn
from actp.cli.times import short_time
from actp.domains.abtest import tasks
from actp.domains.abtest.verdict import MOST_ROUNDS
from actp.moments import stored_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["script"]


def _show_created(result: Mapping[str, Any]) -> None:
    say(f"A: {result['variant_a']}")
    say(f"B: {result['variant_b']}")
    if result["claude"] != "ok":
        say(f"Written by template (Claude: {result['claude']}).")
    if not result.get("ok", True):
        warn(f"{result['error']}; the test has ended.")
        return
    if result["planned_at"]:
        at = stored_time(result["planned_at"])
        say(f"Both appear on {at:%a %d %b at %H:%M} UTC; B is command {result['command_id'][:8]}.")
        return
    say(f"A is out; B follows as command {result['command_id'][:8]}.")


def _show_checked(result: Mapping[str, Any]) -> None:
    say(f"{counted(result['running'], 'test')} running, {result['won']} won.")
    for row in result["rows"]:
        if row["error"]:
            warn(row["error"])
        if row["late"]:
            say(f"{row['topic']}: measured late for {', '.join(row['late'])}.")
        if row["verdict"]:
            said = "no winner" if row["verdict"] == "tie" else f"{row['verdict'].upper()} won"
            say(f"{row['topic']}: {said}, {row['score_a']:,.0f} against {row['score_b']:,.0f}.")
            for condition in row["conditions"]:
                say(f"  {'met' if condition['is_met'] else 'not met'}: {condition['text']}")
        if row["next_round"]:
            say(f"  {row['next_round']}")
    _show_stranded(result["stranded"])


def _show_stranded(rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        name = one_line(row["topic"] or row["id"])
        warn(f"{name}: another program started it, and {row['lacks']}.")


def _show_tests(result: Mapping[str, Any]) -> None:
    _show_stranded(result["stranded"])
    if not result["rows"]:
        say("No tests. To start one: ab_post_tester.py --create TOPIC")
        return
    shown = table(
        "begun", "topic", "niche", "status", "winner", "A", "B", "note", numbers=("A", "B")
    )
    for row in result["rows"]:
        scores = (row["eng_score_a"], row["eng_score_b"])
        late = f"late: {', '.join(row['late'])}" if row["late"] else ""
        rounds = f"round {row['round']} of {row['rounds']}" if row["rounds"] > 1 else ""
        shown.add_row(
            short_time(row["started_at"] or row["created_at"]),
            text(row["topic"], longest=30),
            text(row["niche"]),
            text(row["status"]),
            text(row["winner"]),
            *map(figure, scores),
            text(row["error"] or "; ".join(filter(None, (rounds, late))), longest=40),
        )
    console().print(shown)


def _show_schedule(result: Mapping[str, Any]) -> None:
    shown = table("platform", "a day", "hours (UTC)")
    for row in result["rows"]:
        hours = ", ".join(f"{hour}:00" for hour in row["best_hours"] or [])
        shown.add_row(text(row["platform"]), str(row["posts_per_day"] or 0), hours)
    console().print(shown)


script = Script(
    "ab_post_tester.py",
    "Post two texts on one subject, and find out which performs better.",
    tasks=(
        Task(
            "--create",
            "Post two texts about a topic, for --niche, and start a test.",
            tasks.create,
            _show_created,
            metavar="TOPIC",
            refined_by=("niche", "rounds", "now"),
        ),
        Task("--checkback", "Measure running tests.", tasks.checkback, _show_checked),
        Task("--status", "List the newest tests.", tasks.status, _show_tests),
        Task("--results", "List finished tests.", tasks.results, _show_tests),
        Task(
            "--schedule",
            "Show the posting hours of --platform, or of all.",
            tasks.schedule,
            _show_schedule,
            refined_by=("platform",),
        ),
        Task(
            "--all-schedules",
            "Show the posting hours of each platform.",
            tasks.schedule,
            _show_schedule,
        ),
    ),
    refinements=(
        click.Option(["--niche"], help=f"With --create: one of {', '.join(tasks.NICHES)}."),
        click.Option(
            ["--rounds"],
            type=click.IntRange(1, MOST_ROUNDS),
            help="With --create: at most this many pairs of posts, until one variant wins.",
        ),
        click.Option(
            ["--now"],
            is_flag=True,
            help="With --create: post now instead of at a scheduled hour.",
        ),
        click.Option(["--platform"], help="With --schedule: only this platform."),
    ),
)
