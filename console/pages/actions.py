"""``POST /act/…``: every action that the command line has, recorded under the operator's name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

from actp.cli.requests import refuse_unsendable
from actp.errors import ActpError
from actp.operators import act, free_safari, operator_here
from console.drafting import draft
from console.forms import arguments_of, new_command
from console.site import form_of, site_of
from console.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from console.site import Site

__all__ = ["routes"]

_DONE: Final = {
    "enqueue": "Enqueued.",
    "cancel": "Cancelled.",
    "retry": "Retrying.",
    "resolve": "Settled.",
    "look_again": "The page is checked next.",
    "reschedule": "Rescheduled.",
    "reassign": "Reassigned to the account.",
    "pause": "Paused.",
    "resume": "Resumed.",
    "configure": "Limit saved.",
    "rename_account": "Renamed; its history and its commands moved along.",
    "campaign_start": "Campaign started.",
    "campaign_cancel": "Campaign cancelled.",
    "campaign_replied": "Marked as replied; all steps stopped.",
    "campaign_go_on": "The campaign continues.",
    "block_contact": "Do-not-contact list updated.",
    "people_join": "Treated as one person.",
    "people_part": "Kept apart.",
    "inbox_reply": "Answer enqueued.",
    "inbox_done": "Done.",
    "inbox_snooze": "Snoozed.",
    "inbox_tag": "Tagged.",
    "review_edit": "Saved and approved.",
}
_MANY_DONE: Final = {
    "approve": "approved",
    "reject": "rejected",
    "cancel": "cancelled",
    "retry": "waiting again",
    "resolve": "settled",
    "reschedule": "rescheduled",
    "reassign": "reassigned to the account",
}


async def do(request: Request) -> Response:
    """Do one action and say what the database has confirmed."""
    site = site_of(request)
    action = request.path_params["action"]
    try:
        form = form_of(await request.body())
        answer = await run_in_threadpool(_do, site, action, form)
    except ActpError as error:
        return await run_in_threadpool(site.failed, request, error)
    if request.headers.get("hx-request") == "true":
        html = site.fill("parts/done.html", told=_told(action, answer))
        return HTMLResponse(html, headers={"HX-Trigger": "actp:acted"})
    back = _page_of(action, answer) or form.get("back", "/")
    return RedirectResponse(back if _is_here(back) else "/", 303)


def _do(site: Site, action: str, form: Mapping[str, str]) -> Any:
    arguments = arguments_of(action, form, site.settings)
    operator = operator_here("console")
    if action == "enqueue":
        refuse_unsendable(site.store, [new_command(form, site.settings)])
    if action == "inbox_draft":
        return draft(arguments["contact_id"])
    if action == "free_safari":
        arguments = free_safari(site.settings)
    return act(site.store, operator, action, **arguments)


def _page_of(action: str, answer: Any) -> str | None:
    """Return the page of what an action has made."""
    if action == "enqueue":
        return f"/commands/{answer[0]['id']}"
    if action == "campaign_start":
        return f"/campaigns/{quote(answer['campaign_id'], safe='')}"
    return None


def _told(action: str, answer: Any) -> str:
    if say := _TOLD.get(action):
        return say(answer)
    if done := _DONE.get(action):
        return done
    told = f"{answer['done']:,} {_MANY_DONE.get(str(answer.get('action')), 'decided')}."
    if answer["left_alone"]:
        told += f" {answer['left_alone']:,} changed meanwhile and were skipped."
    return told


def _freed(answer: Mapping[str, list[str]]) -> str:
    freed, kept = (", ".join(answer[name]) for name in ("freed", "kept"))
    said = f"Released Safari from {freed}." if freed else "Safari was not reserved."
    return f"{said} Still using Safari: {kept}." if kept else said


_TOLD: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "resume_service": lambda answer: f"Retrying;  {answer['resumed']:,} made due.",
        "webhooks_retry": lambda answer: f"{plural(answer['due'], 'result')} due now.",
        "free_safari": _freed,
        "inbox_draft": lambda _: "Claude's draft is under Review and needs your approval.",
        "backlog": lambda answer: f"{sum(answer.values()):,} decided.",
    }
)


def _is_here(path: str) -> bool:
    """Return whether an address leads to a page of the console and nowhere else."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()


routes = [Route("/act/{action}", do, methods=["POST"])]
