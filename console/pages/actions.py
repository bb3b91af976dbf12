"""``POST /act/…``: every action that the command line has, recorded under the operator's name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

from actp.cli.times import duration, moment
from actp.errors import ActpError, InvalidInput
from actp.operators import act, operator_here
from console.site import form_of, site_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["routes"]

Arguments = dict[str, Any]
HIGHEST_LIMIT: Final = 100_000


def _bulk(form: Mapping[str, str]) -> Arguments:
    arguments: Arguments = {
        "filter": json.loads(form["filter"]),
        "action": form["action"],
        "expected": int(form["expected"]),
        "seen_at": form["seen_at"],
    }
    if form.get("verdict"):
        arguments["verdict"] = form["verdict"]
    return arguments


def _reschedule(form: Mapping[str, str]) -> Arguments:
    zone = ZoneInfo(form.get("zone") or "UTC")
    when = moment(form["at"], now=datetime.now(UTC), zone=zone)
    return {"id": form["id"], "scheduled_for": when.isoformat()}


def _pause(form: Mapping[str, str]) -> Arguments:
    given = form.get("for", "").strip()
    span = duration(given) if given else None
    if given and not span:
        raise InvalidInput(f"not a length of time: {given[:40]!r}", remedy="Write 30m, 2h or 3d.")
    seconds = span.total_seconds() if span else None
    return {"platform": form["platform"], "seconds": seconds, "note": form.get("note") or None}


def _limit(form: Mapping[str, str]) -> Arguments:
    limit = form["limit"].strip()
    if not (limit.isascii() and limit.isdigit() and int(limit) <= HIGHEST_LIMIT):
        remedy = f"Give a number from 0 to {HIGHEST_LIMIT:,}."
        raise InvalidInput(f"not a limit: {limit[:40]!r}", remedy=remedy)
    policy = {key: form[key] for key in ("platform", "kind")}
    return {"policies": [{**policy, "daily_limit": int(limit), "by_person": True}], "settings": {}}


def _reply(form: Mapping[str, str]) -> Arguments:
    contact, text = form["contact_id"], form["text"].strip()
    # The same answer to the same person, pressed twice, is one message.
    digest = sha256(f"{contact} {text} {datetime.now(UTC):%Y-%m-%d}".encode()).hexdigest()
    return {"contact_id": contact, "text": text, "key": f"inbox:{digest[:32]}"}


def _snooze(form: Mapping[str, str]) -> Arguments:
    span = duration(form["for"])
    if not span:
        raise InvalidInput("not a length of time", remedy="Write 2h or 3d.")
    return {"contact_id": form["contact_id"], "seconds": span.total_seconds()}


def _review(form: Mapping[str, str]) -> Arguments:
    return {"drafts": json.loads(form["drafts"]), "verdict": form["verdict"]}


def _named(*names: str) -> Callable[[Mapping[str, str]], Arguments]:
    return lambda form: {name: form[name] for name in names}


_ARGUMENTS: Final[dict[str, Callable[[Mapping[str, str]], Arguments]]] = {
    "cancel": _named("id"),
    "retry": _named("id"),
    "resolve": _named("id", "verdict"),
    "reschedule": _reschedule,
    "bulk": _bulk,
    "pause": _pause,
    "resume": _named("platform"),
    "configure": _limit,
    "backlog": lambda form: {"accept": form["accept"] == "yes"},
    "campaign_cancel": _named("campaign_id"),
    "inbox_reply": _reply,
    "inbox_done": _named("contact_id"),
    "inbox_snooze": _snooze,
    "review": _review,
    "review_edit": _named("id", "text"),
}
_DONE: Final = {
    "cancel": "Cancelled.",
    "retry": "Waiting again.",
    "resolve": "Settled.",
    "reschedule": "Rescheduled.",
    "pause": "Paused.",
    "resume": "Resumed.",
    "configure": "The limit is stored.",
    "backlog": "Decided.",
    "campaign_cancel": "The campaign is stopped.",
    "inbox_reply": "Your answer is in the queue.",
    "inbox_done": "Done.",
    "inbox_snooze": "Snoozed.",
    "review_edit": "Saved and approved.",
}
_BULK_DONE: Final = {
    "approve": "approved",
    "reject": "rejected",
    "cancel": "cancelled",
    "retry": "waiting again",
    "resolve": "settled",
}


async def do(request: Request) -> Response:
    """Do one action and say what the database has confirmed."""
    site = site_of(request)
    action = request.path_params["action"]
    try:
        form = form_of(await request.body())
        arguments = _read(action, form)
        operator = operator_here("console")
        answer = await run_in_threadpool(act, site.store, operator, action, **arguments)
    except ActpError as error:
        return site.failed(request, error)
    if request.headers.get("hx-request") == "true":
        html = site.fill("parts/done.html", told=_DONE.get(action) or _bulk_told(answer))
        return HTMLResponse(html, headers={"HX-Trigger": "actp:acted"})
    back = form.get("back", "/")
    return RedirectResponse(back if _is_here(back) else "/", 303)


def _read(action: str, form: Mapping[str, str]) -> Arguments:
    if action not in _ARGUMENTS:
        raise InvalidInput(f"there is no action {action[:40]!r}", remedy="Reload the page.")
    try:
        return _ARGUMENTS[action](form)
    except KeyError as missing:
        raise InvalidInput(f"the form lacks {missing}", remedy="Reload the page.") from None
    except (ValueError, RecursionError):
        raise InvalidInput("the form cannot be read", remedy="Reload the page.") from None


def _bulk_told(answer: dict[str, Any]) -> str:
    told = f"{answer['done']:,} {_BULK_DONE.get(str(answer.get('action')), 'decided')}."
    if answer["left_alone"]:
        told += f" {answer['left_alone']:,} had moved on and were left alone."
    return told


def _is_here(path: str) -> bool:
    """Tell whether an address leads to a page of the console and nowhere else."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()


routes = [Route("/act/{action}", do, methods=["POST"])]
