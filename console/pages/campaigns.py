"""``/campaigns``: progress, and each person's next step."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from console.site import site_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["routes"]

NEWEST: Final = 50
MOST_TARGETS: Final = 500
# In the order in which a target goes through them.
STATES: Final = ("queued", "warmup", "dm_sent", "awaiting_reply", "replied", "completed", "cold")


def campaigns(request: Request) -> Response:
    """List the newest campaigns."""
    site = site_of(request)
    rows = site.store.call("safari_campaigns", row_limit=NEWEST)
    return site.page(request, "campaigns.html", rows=rows, states=_states(rows))


def campaign(request: Request) -> Response:
    """Show one campaign with its people."""
    site = site_of(request)
    shown = site.store.call("safari_campaign_show", campaign_id=request.path_params["id"])
    counts = dict(Counter(target["state"] for target in shown["targets"]))
    return site.page(
        request,
        "campaign.html",
        campaign=shown,
        counts=counts,
        states=_states([{"states": counts}]),
        targets=shown["targets"][:MOST_TARGETS],
    )


def _states(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    found = {state for row in rows for state in row["states"] or {}}
    return tuple(state for state in STATES if state in found) + tuple(sorted(found - {*STATES}))


routes = [Route("/campaigns", campaigns), Route("/campaigns/{id}", campaign)]
