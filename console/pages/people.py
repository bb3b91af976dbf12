"""``/inbox`` and ``/people``: open conversations, and everything known about a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from actp.errors import InvalidInput, NotFound
from actp.safari.addresses import HOSTS
from console.site import site_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from actp.store import Store

__all__ = ["routes"]

PAGE_ROWS: Final = 50


def inbox(request: Request) -> Response:
    """List who waits for an answer, oldest first."""
    site = site_of(request)
    with_snoozed = request.query_params.get("snoozed") == "yes"
    shown = site.store.call("agent_inbox", row_limit=PAGE_ROWS, with_snoozed=with_snoozed)
    return site.page(request, "inbox.html", inbox=shown, with_snoozed=with_snoozed)


def people(request: Request) -> Response:
    """Find people of the CRM, and list who is never written to."""
    site = site_of(request)
    find = request.query_params.get("find", "").strip()
    return site.page(
        request,
        "people.html",
        find=find,
        people=site.store.call("agent_people", find=find or None, row_limit=PAGE_ROWS),
        blocked=site.store.call("safari_contacts"),
        platforms=sorted(HOSTS),
    )


def person(request: Request) -> Response:
    """Show one person: addresses, messages both ways, and what stands against writing."""
    site = site_of(request)
    who = request.path_params["id"]
    contact = _contact(site.store, who)
    address = f"contact:{contact['contact_id']}" if contact else who
    found = {"person": address}
    return site.page(
        request,
        "person.html",
        who=address,
        person=contact
        or {"name": who, "addresses": {}, "messages": [], "inbox": None, "veto": None},
        known=site.store.call("safari_people_show", given=address),
        facts=site.store.call("agent_person_facts", given=address),
        commands=site.store.call("safari_search", filter=found, row_limit=PAGE_ROWS)["rows"],
    )


def _contact(store: Store, who: str) -> dict[str, Any] | None:
    """Return a contact of the CRM by id, name or handle; None for an address that is no contact."""
    named = who.removeprefix("contact:")
    try:
        if ":" in named:
            shown = store.call("safari_people_show", given=named)["addresses"]
            named = next(
                each["address"].removeprefix("contact:")
                for each in shown
                if each["address"].startswith("contact:")
            )
        found: dict[str, Any] | None = store.call(
            "agent_inbox_show", contact_id=store.call("agent_inbox_find", who=named)
        )
    except StopIteration:
        return None
    except (NotFound, InvalidInput):
        if ":" not in who:
            raise
        return None
    return found


routes = [
    Route("/inbox", inbox),
    Route("/people", people),
    Route("/people/{id}", person),
]
