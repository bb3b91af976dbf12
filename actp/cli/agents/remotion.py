"""``remotion_content_producer.py``: short videos about what performs best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actp.cli.agents.script import Script, Task
from actp.cli.output import console, counted, say, table, text
from actp.domains.remotion import tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["script"]

_CHOICE = ("platform", "niche")


def _show_made(result: Mapping[str, Any]) -> None:
    if "job_id" not in result:
        say(f"No video: {result['note']}.")
        return
    say(result["headline"].capitalize() + ".")
    say(f"“{result['brief'].get('hook')}”, job {result['job_id']}")
    if result["error"]:
        say(result["error"])


def _show_brief(result: Mapping[str, Any]) -> None:
    brief = result["brief"]
    if brief is None:
        say(f"No brief: {result['note']}.")
        return
    why = "" if result["claude"] == "ok" else f" (Claude: {result['claude']})"
    say(f"{brief['niche']} for {brief['platform']}, {brief['duration_secs']} s{why}")
    say(f"Hook: {brief['hook']}")
    for line in brief["script"]:
        say(f"  {line}")
    say(f"End: {brief['cta']} {' '.join(brief['hashtags'])}")


def _show_checked(result: Mapping[str, Any]) -> None:
    say(f"{counted(result['checked'], 'job')} checked: {result['headline']}.")
    for row in result["rows"]:
        if row.get("error"):
            say(f"  {row['id']}: {row['error']}")
    if not result["ok"]:
        say(result["error"])


def _show_jobs(result: Mapping[str, Any]) -> None:
    if not result["rows"]:
        say("No jobs. To start one: remotion_content_producer.py --pipeline")
        return
    shown = table("job", "status", "niche", "platform", "hook", "tries", numbers=("tries",))
    shown.columns[0].no_wrap = True  # --distribute wants all of it
    for row in result["rows"]:
        brief = row["brief"] if isinstance(row["brief"], dict) else {}
        hook = text(brief.get("hook"), longest=40)
        hook.no_wrap, hook.overflow = True, "ellipsis"
        shown.add_row(
            text(row["id"]),
            text(row["status"]),
            text(row["niche"]),
            text(row["platform"]),
            hook,
            str(row["retry_count"] + 1),
        )
    console().print(shown)


def _show_status(result: Mapping[str, Any]) -> None:
    for what in ("jobs", "posts"):
        counts = ", ".join(f"{count} {status}" for status, count in sorted(result[what].items()))
        say(f"{what.capitalize()}: {counts or 'none'}.")
    _show_jobs(result)
    troubled = [row for row in result["publishing"] if row["error"]]
    for row in troubled:
        say(f"Task {row['id']} {row['status']}: {row['error']}")


def _show_distributed(result: Mapping[str, Any]) -> None:
    if result["task_id"] is None:
        say("The video is, or may be, on every platform already.")
        return
    say(f"Task {result['task_id']} publishes it on {', '.join(result['platforms'])}.")


script = Script(
    "remotion_content_producer.py",
    "Make short videos about what performs best, and publish them.",
    tasks=(
        Task(
            "--pipeline",
            "Render a video about the best-performing niche.",
            tasks.pipeline,
            _show_made,
            refined_by=_CHOICE,
        ),
        Task(
            "--check-jobs",
            "Poll every job, and publish finished videos.",
            tasks.check_jobs,
            _show_checked,
        ),
        Task(
            "--brief",
            "Print the brief of the next video; nothing is stored.",
            tasks.brief,
            _show_brief,
            refined_by=_CHOICE,
        ),
        Task("--queue", "List unfinished jobs.", tasks.queue, _show_jobs),
        Task("--status", "Show jobs and posts by state.", tasks.status, _show_status),
        Task(
            "--distribute",
            "Publish a job's video where it is missing.",
            tasks.distribute,
            _show_distributed,
            metavar="JOB_ID",
        ),
    ),
    refinements=(
        click.Option(["--platform"], help="For this platform."),
        click.Option(["--niche"], help="About this niche."),
    ),
)
