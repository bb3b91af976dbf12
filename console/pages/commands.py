"""``/commands``: search, one command, unknown outcomes, and actions on many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from actp.cli.filters import STATUSES, chosen
from actp.errors import ActpError, InvalidInput, NotFound
from actp.safari.catalogue import SERVICES
from console.site import site_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["filter_of", "routes"]

PAGE_ROWS: Final = 50
FIELDS: Final = (
    *(
        "to",
        "person",
        "text",
        "service",
        "platform",
        "account",
        "action",
        "status",
        "reason",
        "campaign",
        "batch",
    ),
    *("key", "since", "until"),
)

EXHAUSTED: Final = {"status": "failed", "reason": "retries_exhausted"}


def filter_of(values: Mapping[str, str]) -> dict[str, str]:
    """Return the filter that an address or a form carries; raises InvalidInput."""
    return chosen({name: values.get(name) for name in FIELDS})


def commands(request: Request) -> Response:
    """List the commands that the address asks for."""
    site = site_of(request)
    asked = {name: request.query_params.get(name, "") for name in FIELDS}
    after = request.query_params.get("after") or None
    seen = site.live.newest_event()  # before the search: what comes during it is told again
    error: ActpError | None = None
    page: dict[str, Any] = {"rows": [], "next": None}
    try:
        wanted = filter_of(asked)
        page = site.store.call("safari_search", filter=wanted, after=after, row_limit=PAGE_ROWS)
    except (InvalidInput, NotFound) as wrong:
        error = wrong
    exhausted = 0
    if site.may_write and asked["status"] == "failed":
        exhausted = site.store.call("safari_matching", filter=EXHAUSTED, action="retry")["count"]
    return site.page(
        request,
        "commands.html",
        seen=seen,
        asked=asked,
        exhausted=exhausted,
        rows=page["rows"],
        next=page["next"],
        is_first=after is None,
        error=error,
        statuses=STATUSES,
        services=tuple(SERVICES),
    )


def command(request: Request) -> Response:
    """Show the life of one command."""
    site = site_of(request)
    life = site.store.call("safari_show", id=request.path_params["id"])
    command = life["command"]
    # Who else could send it matters only where one may still give it to them.
    limits = site.store.call("safari_limits") if command["status"] == "pending" else []
    accounts = [row["account"] for row in limits if row["service"] == command["service"]]
    return site.page(request, "command.html", life=life, command=command, accounts=accounts)


def unknown(request: Request) -> Response:
    """List the outcomes that wait for somebody who has looked."""
    site = site_of(request)
    after = request.query_params.get("after") or None
    page = site.store.call(
        "safari_search", filter={"status": "unknown"}, after=after, row_limit=PAGE_ROWS
    )
    return site.page(request, "unknown.html", rows=page["rows"], next=page["next"])


def bulk(request: Request) -> Response:
    """Ask before an action on many: the number, the services, the words."""
    site = site_of(request)
    query = request.query_params
    ids = query.getlist("ids")
    is_all = query.get("scope") == "all"
    if not is_all and not ids:
        raise InvalidInput("no command is selected", remedy="Select some with the boxes or x.")
    wanted: dict[str, Any] = filter_of(query) if is_all else {"ids": ids}
    action = request.path_params["action"]
    seen = site.store.call("safari_matching", filter=wanted, action=action)
    return site.page(
        request,
        "bulk.html",
        action=action,
        wanted=wanted,
        seen=seen,
        back=query.get("back") or "/commands",
    )


routes = [
    Route("/commands", commands),
    Route("/commands/bulk/{action}", bulk),
    Route("/commands/{id}", command),
    Route("/unknown", unknown),
]
