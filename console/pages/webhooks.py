"""``/webhooks``: webhook deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from console.site import site_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["routes"]

PAGE_ROWS: Final = 50
STATES: Final = ("waiting", "delivered", "given_up")


def webhooks(request: Request) -> Response:
    """List the last results, newest first."""
    site = site_of(request)
    asked = request.query_params.get("state", "")
    state = asked if asked in STATES else None
    return site.page(
        request,
        "webhooks.html",
        results=site.store.call("safari_webhooks", state=state, row_limit=PAGE_ROWS),
        state=state,
        states=STATES,
        is_on=site.settings.result_webhook_url is not None,
    )


routes = [Route("/webhooks", webhooks)]
