"""``/limits`` and ``/held``: limits and pauses, and held rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from actp.cli.limits import KINDS, WEEKDAYS
from actp.errors import NotFound
from actp.safari.turns import turns_here
from actp.settings import UNNAMED_ACCOUNT
from console.forms import DOORS
from console.site import site_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["routes"]

HELD_ROWS: Final = 50


def limits(request: Request) -> Response:
    """Show what may be sent, and what is paused."""
    site = site_of(request)
    status = site.store.call("safari_status")
    turns = turns_here(site.settings.actp_lock_dir, site.settings.safari_turns)
    return site.page(
        request,
        "limits.html",
        status=status,
        platforms=sorted({row["platform"] for row in status["services"]}),
        windows=site.store.call("safari_windows"),
        accounts=sorted({row["account"] for row in status["limits"]} - {UNNAMED_ACCOUNT}),
        left=[turn.holder for turn in turns if turn.is_left],
    )


def limit(request: Request) -> Response:
    """Show one limit with its pace, to change it or return to the settings."""
    site = site_of(request)
    platform, kind = (request.path_params[name] for name in ("platform", "kind"))
    account = request.query_params.get("account") or UNNAMED_ACCOUNT
    rows: list[dict[str, Any]] = site.store.call("safari_limits")
    found = [
        row
        for row in rows
        if (row["platform"], row["kind"], row["account"]) == (platform, kind, account)
    ]
    if not found or kind not in KINDS:
        raise NotFound("there is no such limit", remedy="See /limits for those that are.")
    days = [WEEKDAYS[day - 1] for day in found[0]["weekdays"] or ()]
    return site.page(
        request, "limit.html", row=found[0], days=",".join(days), unnamed=UNNAMED_ACCOUNT
    )


def held(request: Request) -> Response:
    """List the rows from before this worker, to send or drop them."""
    site = site_of(request)
    shown = site.store.call("safari_backlog_list", row_limit=HELD_ROWS)
    return site.page(request, "held.html", held=shown, doors=DOORS)


routes = [
    Route("/limits", limits),
    Route("/limits/{platform}/{kind}", limit),
    Route("/held", held),
]
