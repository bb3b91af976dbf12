"""Draws the schedule: the newest slot of each job and what became of it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from actp.cli.output import table, text
from actp.cli.times import short_duration, short_time

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["jobs_view"]

_STYLES = {"failed": "bold red", "lost": "bold red", "running": "yellow"}


def jobs_view(schedule: dict[str, Any]) -> RenderableType:
    """Return a table of the jobs that have ever run."""
    if not schedule["jobs"]:
        return text("No job has run yet: bin/up starts the scheduler.")
    shown = table("job", "slot", "status", "took", "last done", "result", numbers=("took",))
    now = datetime.fromisoformat(schedule["at"])
    for run in schedule["jobs"]:
        done_at = run["last_done_at"]
        shown.add_row(
            text(run["job"]),
            short_time(run["slot"], now=now),
            text(run["status"], _STYLES.get(run["status"], "")),
            short_duration(_took_seconds(run)),
            short_time(done_at, now=now) if done_at else "never",
            text(_result(run["detail"])),
        )
    return shown


def _took_seconds(run: dict[str, Any]) -> float | None:
    if run["finished_at"] is None:
        return None
    began, ended = (datetime.fromisoformat(run[key]) for key in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


def _result(detail: Any) -> str:
    if not isinstance(detail, dict):
        return ""
    if "error" in detail:
        return str(detail["error"])
    return ", ".join(
        f"{name} {value if isinstance(value, (int, str)) else json.dumps(value)}"
        for name, value in detail.items()
    )
