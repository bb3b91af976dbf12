"""The scheduling tasks of ``growth_orchestrator.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from actp.cli.agents.script import Task
from actp.cli.output import console, counted, say, table, text, warn
from actp.domains.posts.tasks import measure
from actp.domains.schedule import tasks
from actp.domains.schedule.saturation import FEWEST_POSTS
from actp.moments import stored_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["TASKS"]

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _show_hours(result: Mapping[str, Any]) -> None:
    shown = table("platform", "hours before", "hours now")
    for row in result["rows"]:
        shown.add_row(text(row["platform"]), _hours(row["before"]), _hours(row["best_hours"]))
    console().print(shown)


def _show_saturation(result: Mapping[str, Any]) -> None:
    if not result["checked"]:
        say("No platform has measured posts of the last 30 days.")
    for row in result["rows"]:
        is_fewer = row["recommended"] < row["posts_per_day"]
        advice = f"post {row['recommended']} a day instead of {row['posts_per_day']}"
        say(
            f"{row['platform']}: engagement fell by {row['drop_percent']} %; "
            f"{advice if is_fewer else 'try other subjects or formats'}."
        )
    known = result["checked"] - len(result["too_few"])
    if known and not result["rows"]:
        say(f"Engagement does not fall on {counted(known, 'platform')}.")
    if result["too_few"]:
        least = f"{FEWEST_POSTS} measured posts of the last week and of the weeks before"
        say(f"Not compared, as that needs {least}: {', '.join(result['too_few'])}.")


def _moment(value: datetime | str) -> datetime:
    # The log of a run has it as text.
    return stored_time(value) if isinstance(value, str) else value


def _show_calendar(result: Mapping[str, Any]) -> None:
    shown = table("when (UTC)", "platform", "niche", "hook", "why")
    for row in result["rows"]:
        lead = row["repost_of"]
        note = f"; the video of {_moment(lead):%a %H:%M}" if lead else ""
        kind = "open: " if row["is_open"] else ""
        shown.add_row(
            f"{_moment(row['at']):%a %d %b %H:%M}",
            text(row["platform"]),
            text(row["niche"]),
            text(row["hook"] or "", longest=30),
            text(f"{kind}{row['reason']}{note}", longest=60),
        )
    console().print(shown)
    say(f"{counted(result['planned'], 'post')} planned; the other times are open.")
    if result["file"]:
        say(f"Written to {result['file']}.")


def _show_contacts(result: Mapping[str, Any]) -> None:
    if not result["rows"]:
        say("No contact is due.")
        return
    shown = table("when (UTC)", "who", "platform", "stage", "score", numbers=("score",))
    for row in result["rows"]:
        shown.add_row(
            f"{_moment(row['send_at']):%a %d %b %H:%M}",
            text(row["username"]),
            text(row["platform"]),
            text(row["funnel_stage"]),
            str(row["score"]),
        )
    console().print(shown)


def _show_platforms(result: Mapping[str, Any]) -> None:
    shown = table(
        "platform", "a day", "days", "hours (UTC), and which of their posts beat the mean"
    )
    for row in result["rows"]:
        hours = ", ".join(
            f"{hour}:00 ({mean:.0%} of {tries})"
            if (tries := row["tries"][hour])
            else f"{hour}:00 (new)"
            for hour, mean in row["hours"].items()
        )
        days = " ".join(_DAYS[day] for day in row["active_days"])
        shown.add_row(text(row["platform"]), str(row["posts_per_day"]), days, hours)
    console().print(shown)


def _show_measured(result: Mapping[str, Any]) -> None:
    say(f"{counted(result['measured'], 'post')} measured, {result['unread']} unread.")
    if result["error"]:
        warn(result["error"])
    shown = table("platform", "posts", "measured", "waiting", "note", numbers=("posts",))
    for row in result["platforms"]:
        counts = (str(row[name]) for name in ("posts", "measured", "waiting"))
        shown.add_row(text(row["platform"]), *counts, text(row["problem"] or ""))
    if result["platforms"]:
        console().print(shown)


def _hours(hours: list[int]) -> str:
    return ", ".join(f"{hour}:00" for hour in hours)


TASKS = (
    Task(
        "--optimize",
        "Recompute the posting hours.",
        tasks.optimize,
        _show_hours,
        refined_by=("seed",),
    ),
    Task(
        "--saturation-check", "Detect falling engagement.", tasks.saturation_check, _show_saturation
    ),
    Task(
        "--measure",
        "Measure our posts after 1, 4 and 24 hours, and 7 days.",
        measure,
        _show_measured,
    ),
    Task(
        "--weekly-calendar",
        "Plan the next seven days; --ics writes a file.",
        tasks.calendar,
        _show_calendar,
        refined_by=("ics",),
    ),
    Task(
        "--dm-schedule",
        "Show the best time for each contact due within --hours.",
        tasks.dm_schedule,
        _show_contacts,
        refined_by=("hours",),
    ),
    Task(
        "--cross-platform",
        "Show the hours of every platform.",
        tasks.cross_platform,
        _show_platforms,
    ),
)
