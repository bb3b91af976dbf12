"""``/limits``, ``/agents``, ``/system``: may we send, what was concluded, is it alive."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from actp.errors import ActpError
from actp.report.charts import charts
from actp.report.page import figure_of
from actp.tree import Tree
from console.site import site_of

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["routes"]

LOG_LINES: Final = 60
TAIL_BYTES: Final = 64 * 1024
NEWEST: Final = 20


def limits(request: Request) -> Response:
    """Show what may be sent, and what is paused."""
    site = site_of(request)
    status = site.store.call("safari_status")
    platforms = sorted({row["platform"] for row in status["services"]})
    return site.page(request, "limits.html", status=status, platforms=platforms)


def agents(request: Request) -> Response:
    """Show what the agents concluded: the charts of the report, and the schedule."""
    site = site_of(request)
    figures = [figure_of(chart) for chart in charts(site.store.call("agent_report"))]
    schedule = site.store.call("safari_schedule")
    return site.page(request, "agents.html", figures=figures, jobs=schedule["jobs"])


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


routes = [Route("/limits", limits), Route("/agents", agents), Route("/system", system)]
