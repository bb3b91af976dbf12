"""Draws the schedule: the newest slot of each job and what happened to it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from actp.cli.output import table, text
from actp.cli.times import short_duration, short_time
from actp.moments import stored_time

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["jobs_view"]

_STYLES = {"failed": "bold red", "lost": "bold red", "running": "yellow"}


def jobs_view(schedule: dict[str, Any]) -> RenderableType:
    """Return a table of the jobs that have ever run."""
    if not schedule["jobs"]:
        return text("No jobs have run yet. bin/up starts the scheduler.")
    shown = table("job", "slot", "status", "took", "last done", "result", numbers=("took",))
    now = datetime.fromisoformat(schedule["at"])
    for run in schedule["jobs"]:
        done_at = run["last_done_at"]
        shown.add_row(
            text(run["job"]),
            short_time(run["slot"], now=now),
            text(status := _status(run), _STYLES.get(status, "")),
            short_duration(_took_seconds(run)),
            short_time(done_at, now=now) if done_at else "never",
            text(_result(run["detail"])),
        )
    return shown


def _status(run: dict[str, Any]) -> str:
    # A slot is done also where the task of the agent that it ran was not.
    detail = run["detail"]
    failed = isinstance(detail, dict) and detail.get("status") == "error"
    return "failed" if failed else str(run["status"])


def _took_seconds(run: dict[str, Any]) -> float | None:
    if run["finished_at"] is None:
        return None
    began, ended = (stored_time(run[key]) for key in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


def _result(detail: Any) -> str:
    if not isinstance(detail, dict):
        return ""
    said = detail.get("error") or detail.get("headline")
    if said:
        return str(said)
    return ", ".join(
        f"{name.replace('_', ' ')} {_figure(value)}" for name, value in detail.items() if value
    )


def _figure(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) if all(isinstance(it, str) for it in value) else "…"
    return str(value) if isinstance(value, (int, str)) else json.dumps(value)
