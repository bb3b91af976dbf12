"""``strategic_outreach.py``: recipients, messages and outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actp.cli.agents.script import Script, Task
from actp.cli.output import console, counted, one_line, say, table, text
from actp.cli.times import short_time
from actp.domains.outreach.due import list_due
from actp.domains.outreach.queueing import build_queue
from actp.domains.outreach.sending import list_emails, mail_sent, send, tell_stats

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["script"]


def _show_due(result: Mapping[str, Any]) -> None:
    if not result["scored"]:
        say("No contact has a score yet. To score them: prospect_funnel_scorer.py --score-all")
        return
    say(f"{result['due']:,} of {counted(result['scored'], 'scored contact')} due.")
    _say_held(result["held"])
    _name_elsewhere(result["elsewhere"])
    if result["rows"]:
        shown = table("name", "platform", "stage", "score", "when", "why", numbers=("score",))
        for row in result["rows"]:
            shown.add_row(
                text(row["name"], longest=24),
                text(row["platform"]),
                text(row["funnel_stage"]),
                f"{row['score']}",
                short_time(row["scheduled_for"]),
                text(row["why"], longest=120),
            )
        console().print(shown)


def _show_queue(result: Mapping[str, Any]) -> None:
    verb = "would be queued" if result["dry_run"] else "queued"
    say(
        f"{counted(result['queued'], 'message')} {verb}, {result['by_claude']:,} by Claude"
        f" ({result['claude']}), of {counted(result['scored'], 'scored contact')}."
    )
    _say_held(result["held"])
    _say_heard(result["heard"])
    _name_elsewhere(result["elsewhere"])
    _print_messages(
        (
            row["name"],
            row["platform"],
            f"{short_time(row['scheduled_for'])}; {row['why']}",
            row["message_body"],
        )
        for row in result["rows"]
    )


def _show_send(result: Mapping[str, Any]) -> None:
    if result["dry_run"]:
        say(f"{counted(result['handed'], 'message')} would go to the command queue now.")
    else:
        say(f"{counted(result['handed'], 'message')} handed to the command queue.")
    if result["failed"]:
        say(f"{counted(result['failed'], 'message')} cannot be sent.")
    _say_heard(result["heard"])
    if result["interrupted"]:
        say(f"{counted(result['interrupted'], 'message')} left by an older sender, not sent again.")
    _print_messages(
        (row["name"], row["platform"], row["refusal"] or "", row["body"]) for row in result["rows"]
    )


def _show_emails(result: Mapping[str, Any]) -> None:
    say(f"{counted(result['waiting'], 'mail')} waiting to be sent by hand.")
    _print_messages(
        (
            row["display_name"],
            row["email"],
            f"{row['id'][:8]}, {short_time(row['scheduled_for'])}",
            row["message_body"],
        )
        for row in result["rows"]
    )
    if result["rows"]:
        say("After sending one: strategic_outreach.py --mail-sent ID")


def _show_mail_sent(result: Mapping[str, Any]) -> None:
    say(f"Marked sent: {result['id'][:8]}.")


def _show_stats(result: Mapping[str, Any]) -> None:
    say(
        f"In {result['days']} days {result['queued']:,} queued, {result['sent']:,} sent, "
        f"{result['answered']:,} answered, {result['failed']:,} failed, {result['open']:,} open."
    )
    figures = ("queued", "sent", "answered", "failed", "open")
    if result["rows"]:
        shown = table("platform", *figures, numbers=figures)
        for row in result["rows"]:
            shown.add_row(text(row["platform"]), *(f"{row[name]:,}" for name in figures))
        console().print(shown)
    if result["failures"]:
        shown = table("reasons for failure", "messages", numbers=("messages",))
        for row in result["failures"]:
            shown.add_row(text(row["why"]), f"{row['messages']:,}")
        console().print(shown)


def _say_held(held: Mapping[str, int]) -> None:
    if held:
        reasons = (f"{count:,} {reason.replace('_', ' ')}" for reason, count in held.items())
        say(f"Skipped: {', '.join(reasons)}.")


def _say_heard(heard: Mapping[str, int]) -> None:
    if heard["conversations"]:
        say(
            f"Read {counted(heard['conversations'], 'conversation')}: {heard['opted_out']:,} opted"
            f" out, {heard['waiting']:,} wait for your answer, {heard['to_look_at']:,} need a look"
            " (bin/inbox)."
        )


def _name_elsewhere(people: Iterable[Mapping[str, str]]) -> None:
    named = [f"{each['name']} ({each['platform']} {each['address']})" for each in people]
    if named:
        say(f"No service reaches: {one_line(', '.join(named), 300)}.")


def _print_messages(rows: Iterable[tuple[Any, Any, Any, Any]]) -> None:
    shown = table("to", "where", "due, or why not", "text")
    for name, place, note, body in rows:
        shown.add_row(
            text(name, longest=24), text(place, longest=30), text(note, longest=40), text(body)
        )
    if shown.row_count:
        console().print(shown)


script = Script(
    "strategic_outreach.py",
    "Write to prospects at the right time, through the command queue.",
    tasks=(
        Task("--due", "List contacts that are due.", list_due, _show_due, refined_by=("limit",)),
        Task(
            "--build-queue",
            "Queue a message for every contact that is due.",
            build_queue,
            _show_queue,
            refined_by=("limit", "min_score", "claude_calls", "dry_run"),
        ),
        Task(
            "--send",
            "Hand due messages to the command queue.",
            send,
            _show_send,
            refined_by=("limit", "dry_run"),
        ),
        Task(
            "--email-queue",
            "List e-mails to send by hand.",
            list_emails,
            _show_emails,
            refined_by=("limit",),
        ),
        Task(
            "--mail-sent",
            "Mark an e-mail as sent.",
            mail_sent,
            _show_mail_sent,
            metavar="ID",
        ),
        Task("--stats", "Show the outcomes of the last 30 days.", tell_stats, _show_stats),
    ),
    refinements=(
        click.Option(
            ["--limit"],
            metavar="N",
            type=click.IntRange(1, 100_000),
            help="At most N, the best first.",
        ),
        click.Option(
            ["--min-score"],
            metavar="N",
            type=click.IntRange(0, 100),
            help="Only contacts with this score or more.",
        ),
        click.Option(
            ["--claude-calls"],
            metavar="N",
            type=click.IntRange(1, 1000),
            help="Ask Claude for at most N texts.",
        ),
        click.Option(["--dry-run"], is_flag=True, help="Print only; write nothing."),
    ),
)
