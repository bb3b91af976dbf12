"""``contacts``: the do-not-contact list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from actp.cli.database import database
from actp.cli.group import Group
from actp.cli.options import json_option
from actp.cli.output import console, emit_json, one_line, say, table, text
from actp.cli.platforms import EVERYTHING, known_platform
from actp.cli.times import short_time
from actp.operators import act, operator_here
from actp.safari.addresses import HOSTS

if TYPE_CHECKING:
    from actp.store import Store

__all__ = ["contacts", "listed_platform"]

MAILBOXES = "gmail"  # whichever provider has them
_OTHER_NAMES = {
    "email": MAILBOXES, "e-mail": MAILBOXES, "mail": MAILBOXES, "x": "twitter", "ig": "instagram",
}  # fmt: skip


@click.group(cls=Group)
def contacts() -> None:
    """Keep the do-not-contact list, which is checked before every send."""


@contacts.command()
@click.argument("platform")
@click.argument("handle")
@click.option("--note", help="Why.")
@json_option
def block(platform: str, handle: str, note: str | None, *, as_json: bool) -> None:
    """Never write to the person who has HANDLE on PLATFORM, at any of their addresses.

    PLATFORM can be all, or email with a mailbox as HANDLE.
    """
    _set(platform, handle, blocked=True, note=note, as_json=as_json)


@contacts.command()
@click.argument("platform")
@click.argument("handle")
@json_option
def unblock(platform: str, handle: str, *, as_json: bool) -> None:
    """Remove HANDLE from the list."""
    _set(platform, handle, blocked=False, note=None, as_json=as_json)


@contacts.command("list")
@json_option
def list_contacts(*, as_json: bool) -> None:
    """List blocked contacts."""
    with database() as store:
        rows = store.call("safari_contacts")
    if as_json:
        emit_json(rows)
    elif not rows:
        say("No contact is blocked.")
    else:
        shown = table("platform", "handle", "since", "note")
        for row in rows:
            shown.add_row(
                text(row["platform"]),
                text(row["recipient"]),
                short_time(row["created_at"]),
                text(row["note"]),
            )
        console().print(shown)


def _set(platform: str, handle: str, *, blocked: bool, note: str | None, as_json: bool) -> None:
    platform = listed_platform(platform)
    with database() as store:
        answer = act(
            store,
            operator_here("cli"),
            "block_contact",
            platform=platform,
            recipient=handle.strip(),
            blocked=blocked,
            note=note,
        )
        recipient = answer["recipient"]
        known = _others(store, platform, recipient) if blocked else None
    if as_json:
        emit_json(answer)
    elif not blocked and not answer["was_blocked"]:
        say(f"{recipient} was not blocked on {platform}.")
    else:
        say(f"{'Blocked' if blocked else 'Unblocked'} {recipient} on {platform}.")
        if known:
            say(f"Blocked with it, as the same person: {one_line(', '.join(known), 300)}.")
        elif known is not None and "@" in recipient:
            say("No other address of this person is known: block their handles too.")


def _others(store: Store, platform: str, recipient: str) -> list[str] | None:
    """Return the other addresses of the person; None for a name on every platform."""
    if platform == EVERYTHING:
        return None
    named = f"{platform}:{recipient}"
    addresses = store.call("safari_people_show", given=named)["addresses"]
    return [
        each["address"]
        for each in addresses
        if each["address"] != named and not each["address"].startswith("contact:")
    ]


def listed_platform(given: str) -> str:
    """Return the platform as the do-not-contact list has it; raises InvalidInput."""
    named = _OTHER_NAMES.get(given.strip().lower(), given)
    return known_platform(named, (EVERYTHING, MAILBOXES, *sorted(HOSTS)))
