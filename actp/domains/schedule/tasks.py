"""The tasks of the scheduler agent."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final

from actp.domains.mix.shares import TARGETS, best_hook, gaps
from actp.domains.outreach.due import Due
from actp.domains.schedule.calendar import Entry, assign, free_moments
from actp.domains.schedule.ics import to_ics
from actp.domains.schedule.plan import read_plan
from actp.domains.schedule.saturation import has_recovered, is_comparable, saturation
from actp.domains.schedule.slots import Slot, choose_hours
from actp.errors import InvalidInput
from actp.plural import counted
from actp.private_file import write_private

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from actp.domains.tools import Tools

__all__ = ["calendar", "cross_platform", "dm_schedule", "optimize", "saturation_check"]

DEFAULT_HOURS: Final = 24
WEEK: Final = timedelta(days=7)


def optimize(tools: Tools, seed: int | None = None) -> dict[str, Any]:
    """Learn from what posts brought, choose each platform's hours anew, look for saturation.

    The same evidence gives the same hours; ``seed`` draws others from it.
    """
    taught = tools.store.call("agent_post_lessons")["taught"]
    random = None if seed is None else Random(seed)  # noqa: S311  # a choice, no secret
    tables = read_plan(tools.store).tables
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
    too_few = [row["platform"] for row in rows if not is_comparable(row)]
    return {
        "checked": len(rows),
        "saturated": len(tired),
        "told": told,
        "too_few": too_few,
        "rows": tired,
    }


def calendar(tools: Tools, ics: Path | None = None) -> dict[str, Any]:
    """Return the next seven days, also as a file: posts that have their time, and open moments."""
    plan = read_plan(tools.store)
    mix = tools.store.call("agent_mix_counts")
    missing = {gap.niche: gap for gap in gaps(mix["counts"])}
    free = free_moments(plan.tables, plan.now, plan.planned)
    entries = [
        Entry(post.at, post.platform, post.niche, hook=post.hook, reason=post.what, is_open=False)
        for post in plan.planned
        if plan.now <= post.at <= plan.now + WEEK
    ]
    for entry in assign(free, TARGETS, plan.planned):
        hook = best_hook(mix["best"].get(entry.niche, {}))
        share = missing[entry.niche]
        reason = f"{share.actual:.0%} of posts, target {share.target:.0%}"
        entries.append(replace(entry, hook=hook, reason=reason))
    entries.sort(key=lambda entry: (entry.at, entry.platform))
    if ics is not None:
        _write(ics, entries, plan.now)
    return {
        "posts": len(entries),
        "planned": sum(not entry.is_open for entry in entries),
        "file": str(ics) if ics else None,
        "rows": [asdict(entry) for entry in entries],
    }


def dm_schedule(tools: Tools, hours: int = DEFAULT_HOURS) -> dict[str, Any]:
    """Return whom ``--due`` names and whose time to be written lies within some hours."""
    now = datetime.fromisoformat(tools.store.call("safari_now"))
    until = now + timedelta(hours=hours)
    touches = sorted((t for t in Due(tools) if t.at <= until), key=lambda touch: touch.at)
    rows = [
        {
            "username": touch.prospect.username or touch.address,
            "platform": touch.platform,
            "funnel_stage": touch.prospect.stage,
            "score": touch.prospect.score,
            "send_at": touch.at,
        }
        for touch in touches
    ]
    return {"contacts": len(rows), "rows": rows}


def cross_platform(tools: Tools) -> dict[str, Any]:
    """Return each platform's hours, and how well posts at them did so far."""
    tables = read_plan(tools.store).tables
    return {
        "rows": [
            {
                "platform": table.platform,
                "posts_per_day": table.posts_per_day,
                "active_days": list(table.active_days),
                "hours": {
                    # An hour that was learned need not be one of the slots.
                    hour: round(table.slots.get(hour, Slot()).mean, 3)
                    for hour in sorted(table.best_hours)
                },
                "tries": {
                    hour: round(table.slots.get(hour, Slot()).tries)
                    for hour in sorted(table.best_hours)
                },
            }
            for table in tables
        ]
    }


def _write(path: Path, entries: Sequence[Entry], now: datetime) -> None:
    try:
        write_private(path, to_ics(entries, now))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InvalidInput(f"{path}: {reason}", remedy="Name another file.") from None
