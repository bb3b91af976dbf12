"""``/enqueue`` and ``/campaigns/new``: what would be sent, shown as a whole before it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

from actp.campaigns.creation import campaign_rows
from actp.cli.campaign import new_campaign_id
from actp.cli.requests import refuse_unsendable
from actp.errors import ActpError, InvalidInput, WrongState
from actp.safari.addresses import HOSTS
from console.forms import campaign_request, new_command
from console.site import form_of, site_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from console.site import Site

__all__ = ["routes"]

COMMAND: Final = (
    *("action", "platform", "to", "text", "at", "expires", "priority", "key"),
    *("account", "metadata"),
)
MADE_KEY: Final = "console:"
CAMPAIGN: Final = ("type", "platform", "targets", "texts", "spacing", "campaign_id")
LONGEST_PREVIEW: Final = 20


async def enqueue(request: Request) -> Response:
    """Show an empty form, or with a filled one what it would enqueue."""
    return await _form_or_preview(request, "enqueue.html", COMMAND, _command)


async def campaign(request: Request) -> Response:
    """Show an empty form, or with a filled one whom the campaign writes to, and what."""
    return await _form_or_preview(request, "campaign_new.html", CAMPAIGN, _campaign)


def _command(site: Site, form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    command = new_command(form, site.settings)
    # One key for one form: pressed twice, it is one command. Without it a repetition is refused.
    refuse_unsendable(site.store, [command])
    outlook = site.store.call("safari_outlook", services=[command.service])[command.service]
    return {**command.shown(), "outlook": outlook}, {"key": form["key"] or f"{MADE_KEY}{uuid4()}"}


def _campaign(site: Site, form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    request = campaign_request(form, site.settings)
    campaign_id = form["campaign_id"] or new_campaign_id(form["type"])
    rows = campaign_rows(campaign_id, request, datetime.now(UTC))
    shown = {
        "type": request.type,
        "platform": request.platform,
        "count": len(rows["targets"]),
        "at_once": len(rows["commands"]),
        "targets": [
            {"handle": target["handle"], "texts": target["data"]["texts"]}
            for target in rows["targets"][:LONGEST_PREVIEW]
        ],
        "source": request.wording.source if request.wording else "",
    }
    return shown, {"campaign_id": campaign_id}


async def _form_or_preview(
    request: Request, template: str, names: tuple[str, ...], preview: Any
) -> Response:
    site = site_of(request)
    error: ActpError | None = None
    shown, form = None, {name: request.query_params.get(name, "") for name in names}
    if request.method == "POST":
        given = form_of(await request.body())
        form = {name: given.get(name, "").strip() for name in names}
        try:
            shown, fixed = await run_in_threadpool(preview, site, form)
            form |= fixed
        except (InvalidInput, WrongState) as wrong:
            error = wrong
        except ActpError as wrong:
            return await run_in_threadpool(site.failed, request, wrong)
    return await run_in_threadpool(
        lambda: site.page(
            request,
            template,
            code=400 if error else 200,
            form=form,
            shown=shown,
            error=error,
            platforms=sorted(HOSTS),
        )
    )


routes = [
    Route("/enqueue", enqueue, methods=["GET", "POST"]),
    Route("/campaigns/new", campaign, methods=["GET", "POST"]),
]
