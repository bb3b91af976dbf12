"""``/review``: drafts as their recipients would get them, decided one by one or all that match."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from actp.cli.review import KINDS
from actp.errors import InvalidInput
from console.site import site_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["draft_filter", "routes"]

PAGE_ROWS: Final = 50
SHOWN_ROWS: Final = 10
FIELDS: Final = ("platform", "kind", "contains")


def draft_filter(values: Mapping[str, str]) -> dict[str, str]:
    """Return the filter that an address or a form carries."""
    given = {name: values.get(name, "").strip().lower() for name in FIELDS}
    return {name: value for name, value in given.items() if value}


def review(request: Request) -> Response:
    """List the drafts that wait."""
    site = site_of(request)
    wanted = draft_filter(request.query_params)
    shown = site.store.call("safari_review_list", filter=wanted, row_limit=PAGE_ROWS)
    asked = {name: wanted.get(name, "") for name in FIELDS}
    return site.page(request, "review.html", review=shown, asked=asked, kinds=KINDS)


def decide_all(request: Request) -> Response:
    """Ask before a decision on all that match: the number, and where they go."""
    site = site_of(request)
    verdict = request.path_params["verdict"]
    if verdict not in {"approve", "reject"}:
        raise InvalidInput("there is no such decision", remedy="Approve or reject them.")
    wanted = draft_filter(request.query_params)
    seen = site.store.call("safari_review_matching", filter=wanted)
    rows = site.store.call("safari_review_list", filter=wanted, row_limit=SHOWN_ROWS)["rows"]
    return site.page(
        request, "review_all.html", verdict=verdict, wanted=wanted, seen=seen, rows=rows
    )


routes = [Route("/review", review), Route("/review/all/{verdict}", decide_all)]
