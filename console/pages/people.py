"""``/inbox`` and ``/review``: whose turn is it, and may this go out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from console.site import site_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["routes"]

PAGE_ROWS: Final = 50


def inbox(request: Request) -> Response:
    """List who waits for an answer, oldest first."""
    site = site_of(request)
    with_snoozed = request.query_params.get("snoozed") == "yes"
    shown = site.store.call("agent_inbox", row_limit=PAGE_ROWS, with_snoozed=with_snoozed)
    return site.page(request, "inbox.html", inbox=shown, with_snoozed=with_snoozed)


def person(request: Request) -> Response:
    """Show one person: addresses, every message both ways, and what stands against writing."""
    site = site_of(request)
    who = site.store.call("agent_inbox_find", who=request.path_params["id"])
    return site.page(
        request, "person.html", person=site.store.call("agent_inbox_show", contact_id=who)
    )


def review(request: Request) -> Response:
    """List the drafts that wait, as their recipients would get them."""
    site = site_of(request)
    asked = {name: request.query_params.get(name, "").strip() for name in ("platform", "contains")}
    wanted = {name: value for name, value in asked.items() if value}
    shown = site.store.call("safari_review_list", filter=wanted, row_limit=PAGE_ROWS)
    return site.page(request, "review.html", review=shown, asked=asked)


routes = [Route("/inbox", inbox), Route("/people/{id}", person), Route("/review", review)]
