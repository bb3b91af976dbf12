"""Draws the dispatcher's runs."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from actp.cli.output import console, emit_json, one_line, say, table, text
from actp.cli.times import short_duration, short_time
from actp.dispatch.agents import AGENTS
from actp.sanitize import CUT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actp.dispatch.running import Run
    from actp.dispatch.sweep import Line, Sweep

__all__ = ["show_line", "show_run", "show_runs", "show_sweep"]

_STYLES = {"error": "bold red", "running": "yellow"}
LONGEST_LINE = 100
# Where the scripts have their views; the commands of safari_cloud_agent.py have theirs.
_MODULES: Final = {
    "ab_post_tester.py": "abtest",
    "growth_orchestrator.py": "growth",
    "platform_association_engine.py": "trends",
    "prospect_funnel_scorer.py": "prospect",
    "remotion_content_producer.py": "remotion",
    "strategic_outreach.py": "outreach",
    "youtube_mplite_ingest.py": "youtube",
}


def show_run(run: Run) -> None:
    """Print how one task ended and what it found."""
    took = "" if run.status == "skipped" else f" in {run.duration_ms / 1000:.1f} s"
    # What a command draws for people says more than its first figures.
    is_drawn = run.status == "ok" and AGENTS[run.domain][run.task].script not in _MODULES
    said = "" if is_drawn else f" {one_line(run.headline, LONGEST_LINE)}"
    say(f"{run.domain}.{run.task}: {run.status}{took}.{said}")
    for line in str(run.result.get("error", "")).splitlines()[1:]:
        say(line)
    data = run.result.get("data")
    show = _view(run.domain, run.task)
    if data is None:
        return
    if show is None:
        emit_json(data)
    elif isinstance(data, dict | list) and _is_whole(data):
        show(data)
    else:
        say("The output is too long for the log; run the script to see it.")


def _view(domain: str, task: str) -> Callable[[Any], None] | None:
    command = AGENTS[domain][task]
    if command.script not in _MODULES:
        views = import_module("actp.cli.agents.safari_cloud_view").VIEWS
        found: Callable[[Any], None] | None = views.get(task)
        return found
    script = import_module(f"actp.cli.agents.{_MODULES[command.script]}").script
    show: Callable[[Mapping[str, Any]], None] = next(
        each.show for each in script.tasks if each.flag == command.flag
    )
    return show


def _is_whole(value: Any) -> bool:
    """Return whether nothing was cut before it was logged."""
    if isinstance(value, dict):
        return CUT not in value and all(map(_is_whole, value.values()))
    if isinstance(value, list):
        return all(map(_is_whole, value))
    return bool(value != CUT)


def show_line(line: Line) -> None:
    """Print one line of a sweep, as it comes."""
    mark = "ok   " if line.ok else "error"
    say(f"{mark}  {line.domain}.{line.task}  {one_line(line.text, LONGEST_LINE)}")


def show_sweep(swept: Sweep) -> None:
    """Print how the sweep ended."""
    if swept.skipped is not None:
        say(f"skipped: {swept.skipped}")
    else:
        say(f"{swept.passed}/{len(swept.lines)} domains succeeded.")


def show_runs(recent: dict[str, Any]) -> None:
    """Print the last runs."""
    if not recent["runs"]:
        say("No tasks have run yet.")
        return
    shown = table("when", "domain", "task", "status", "took", "outcome", numbers=("took",))
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
