"""``/agents`` and ``/system``: agents' results, and the state of processes and logs."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from actp.errors import ActpError
from actp.report.charts import charts
from actp.report.page import figure_of
from actp.safari.turns import turns_here
from actp.tree import Tree
from console.site import site_of

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

    from actp.settings import Settings

__all__ = ["routes", "safari_of"]

LOG_LINES: Final = 60
TAIL_BYTES: Final = 64 * 1024
NEWEST: Final = 20


def safari_of(settings: Settings) -> dict[str, Any]:
    """Return who keeps the Safari of this host, since and until when, and what for."""
    turns = turns_here(settings.actp_lock_dir, settings.safari_turns)
    return {
        "safari": [
            {
                "holder": turn.holder,
                "why": turn.why,
                "since": _iso(turn.since),
                "until": _iso(turn.until),
                "is_left": turn.is_left,
            }
            for turn in turns
        ]
    }


def _iso(wall_time: float | None) -> str | None:
    return datetime.fromtimestamp(wall_time, UTC).isoformat() if wall_time else None


def agents(request: Request) -> Response:
    """Show what the agents concluded: the charts of the report, and the schedule."""
    site = site_of(request)
    figures = [figure_of(chart) for chart in charts(site.store.call("agent_report"))]
    schedule = site.store.call("safari_schedule")
    runs = site.store.call("safari_ask", question="agent_tasks", arguments={"limit": NEWEST})
    now = datetime.fromisoformat(schedule["at"])
    return site.page(
        request,
        "agents.html",
        figures=figures,
        jobs=schedule["jobs"],
        runs=runs,
        next_at=_next_times(now),
    )


@cache
def _cron_table() -> dict[str, str]:
    # The table names what each job runs, which takes a while to import: only who looks pays for it.
    from actors.scheduler.jobs import JOBS  # noqa: PLC0415

    return {job.name: job.cron for job in JOBS}


def _next_times(now: datetime) -> dict[str, str]:
    from actors.scheduler.fire_times import next_slot  # noqa: PLC0415

    slots = {name: next_slot(cron, now) for name, cron in _cron_table().items()}
    return {name: slot.isoformat() for name, slot in slots.items() if slot is not None}


def system(request: Request) -> Response:
    """Show processes, hosts, services, alerts, operators and the end of the logs."""
    site = site_of(request)
    tree = Tree(site.settings)
    try:
        processes = tree.processes()
    except ActpError:
        processes = []
    logs = sorted(path.stem for path in tree.log_folder.glob("*.log"))
    log, find = (request.query_params.get(name, "") for name in ("log", "find"))
    lines = _tail(tree.log_folder / f"{log}.log") if log in logs else []
    return site.page(
        request,
        "system.html",
        status=site.store.call("safari_status"),
        alerts=site.store.call("safari_alerts_recent", row_limit=NEWEST),
        actions=site.store.call("safari_operator_log", row_limit=NEWEST),
        processes=processes,
        health_day=site.store.call("safari_health_day"),
        logs=logs,
        log=log,
        find=find,
        lines=[line for line in lines if find.lower() in line.lower()][-LOG_LINES:],
    )


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            return list(deque(file.read().decode("utf-8", "replace").splitlines(), 2000))
    except OSError:
        return []


routes = [Route("/agents", agents), Route("/system", system)]
