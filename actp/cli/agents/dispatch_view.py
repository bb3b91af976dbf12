"""Draws what the dispatcher did."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from actp.cli.output import console, emit_json, one_line, say, table, text
from actp.cli.times import short_duration, short_time

if TYPE_CHECKING:
    from actp.dispatch.running import Run
    from actp.dispatch.sweep import Line, Sweep

__all__ = ["show_line", "show_run", "show_runs", "show_sweep"]

_STYLES = {"error": "bold red", "running": "yellow"}
LONGEST_LINE = 100


def show_run(run: Run) -> None:
    """Print how one task ended and what it found."""
    took = "" if run.status == "skipped" else f" in {run.duration_ms / 1000:.1f} s"
    say(f"{run.domain}.{run.task}: {run.status}{took}. {one_line(run.headline, LONGEST_LINE)}")
    data = run.result.get("data")
    if data is not None:
        emit_json(data)


def show_line(line: Line) -> None:
    """Print one line of a sweep, as it comes."""
    mark = "ok   " if line.ok else "error"
    say(f"{mark}  {line.domain}.{line.task}  {one_line(line.text, LONGEST_LINE)}")


def show_sweep(swept: Sweep) -> None:
    """Print how the sweep ended."""
    if swept.skipped is not None:
        say(f"skipped: {swept.skipped}")
    else:
        say(f"{swept.passed}/{len(swept.lines)} domains did their task.")


def show_runs(recent: dict[str, Any]) -> None:
    """Print the last runs."""
    if not recent["runs"]:
        say("No task has run yet.")
        return
    shown = table("when", "domain", "task", "status", "took", "what came of it", numbers=("took",))
    now = datetime.fromisoformat(recent["now"])
    for run in recent["runs"]:
        took = run["duration_ms"]
        shown.add_row(
            short_time(run["created_at"], now=now),
            text(run["domain"]),
            text(run["task"]),
            text(run["status"], _STYLES.get(run["status"], "")),
            short_duration(None if took is None else took / 1000),
            text(run["error"] or run["headline"]),
        )
    console().print(shown)
