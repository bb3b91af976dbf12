"""What the scheduler agent does."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any, Final

from actp.domains.mix.shares import TARGETS
from actp.domains.outreach.windows import next_send_time
from actp.domains.schedule.calendar import assign, moments
from actp.domains.schedule.ics import to_ics
from actp.domains.schedule.saturation import has_recovered, saturation
from actp.domains.schedule.slots import Timetable, choose_hours
from actp.errors import InvalidInput
from actp.plural import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from actp.domains.schedule.calendar import Entry
    from actp.domains.tools import Tools

__all__ = ["calendar", "cross_platform", "dm_schedule", "optimize", "saturation_check"]

DEFAULT_HOURS: Final = 24


def optimize(tools: Tools, seed: int | None = None) -> dict[str, Any]:
    """Learn from what posts brought, choose each platform's hours anew, look for saturation.

    The same evidence gives the same hours; ``seed`` draws others from it.
    """
    taught = tools.store.call("agent_post_lessons")["taught"]
    random = None if seed is None else Random(seed)  # noqa: S311  # a choice, no secret
    tables = _timetables(tools)[1]
    chosen: list[dict[str, Any]] = [
        {
            "platform": table.platform,
            "before": list(table.best_hours),
            "best_hours": list(choose_hours(table, random)),
        }
        for table in tables
    ]
    changed = tools.store.call("agent_schedule_store", rows=chosen)["changed"]
    tired = saturation_check(tools)
    headline = f"hours of {counted(changed, 'platform')} changed"
    if tired["saturated"]:
        headline += f", {', '.join(row['platform'] for row in tired['rows'])} tires"
    return {
        "platforms": len(chosen),
        "changed": changed,
        "taught": taught,
        "saturated": tired["saturated"],
        "headline": headline,
        "rows": chosen,
    }


def saturation_check(tools: Tools) -> dict[str, Any]:
    """Find platforms that tire, and tell of each once while it lasts."""
    rows = tools.store.call("agent_schedule_engagement")
    tired = [asdict(found) for row in rows if (found := saturation(row))]
    well = [row["platform"] for row in rows if row["is_told"] and has_recovered(row)]
    told = tools.store.call("agent_schedule_tell_saturated", rows=tired, recovered=well)
    return {"checked": len(rows), "saturated": len(tired), "told": told, "rows": tired}


def calendar(tools: Tools, ics: Path | None = None) -> dict[str, Any]:
    """Plan the next seven days, also as a file."""
    now, tables = _timetables(tools)
    entries = assign(moments(tables, now), TARGETS)
    if ics is not None:
        _write(ics, entries, now)
    return {"posts": len(entries), "file": str(ics) if ics else None} | {
        "rows": [asdict(entry) for entry in entries]
    }


def dm_schedule(tools: Tools, hours: int = DEFAULT_HOURS) -> dict[str, Any]:
    """Say when the contacts that are due within some hours are written best."""
    answer = tools.store.call("agent_schedule_contacts", hours=hours)
    now = datetime.fromisoformat(answer["now"]).astimezone(UTC)
    rows = []
    for row in answer["rows"]:
        due = row["next_touch_at"]
        earliest = max(now, datetime.fromisoformat(due)) if due else now
        best = next_send_time(row["funnel_stage"], earliest, row["heard_hours"])
        kept = ("username", "platform", "funnel_stage", "score")
        rows.append({**{key: row[key] for key in kept}, "send_at": best})
    return {"contacts": len(rows), "rows": sorted(rows, key=lambda row: row["send_at"])}


def cross_platform(tools: Tools) -> dict[str, Any]:
    """Return each platform's hours, and how well posts at them did so far."""
    tables = _timetables(tools)[1]
    return {
        "rows": [
            {
                "platform": table.platform,
                "posts_per_day": table.posts_per_day,
                "active_days": list(table.active_days),
                "hours": {
                    hour: round(table.slots[hour].mean, 3) for hour in sorted(table.best_hours)
                },
            }
            for table in tables
        ]
    }


def _timetables(tools: Tools) -> tuple[datetime, list[Timetable]]:
    answer = tools.store.call("agent_schedule_rows")
    now = datetime.fromisoformat(answer["now"]).astimezone(UTC)
    return now, [Timetable.read(row) for row in answer["rows"]]


def _write(path: Path, entries: Sequence[Entry], now: datetime) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(to_ics(entries, now))
        beside.replace(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InvalidInput(f"{path}: {reason}", remedy="Name another file.") from None
