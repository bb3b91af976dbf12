"""``contacts``: the do-not-contact list."""

from __future__ import annotations

import click

from actp.cli.database import database
from actp.cli.group import Group
from actp.cli.options import json_option
from actp.cli.output import console, emit_json, say, table, text
from actp.cli.platforms import EVERYTHING, known_platform
from actp.cli.times import short_time
from actp.errors import InvalidInput
from actp.operators import act, operator_here
from actp.safari.addresses import HOSTS, clean_handle, linkedin_profile_url

__all__ = ["contacts", "listed_name"]


@click.group(cls=Group)
def contacts() -> None:
    """Keep the do-not-contact list, which is checked before every send."""


@contacts.command()
@click.argument("platform")
@click.argument("handle")
@click.option("--note", help="Why.")
@json_option
def block(platform: str, handle: str, note: str | None, *, as_json: bool) -> None:
    """Never write to HANDLE on PLATFORM; all stands for every platform."""
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
    platform = known_platform(platform, (EVERYTHING, *sorted(HOSTS)))
    recipient = listed_name(platform, handle)
    with database() as store:
        answer = act(
            store,
            operator_here("cli"),
            "block_contact",
            platform=platform,
            recipient=recipient,
            blocked=blocked,
            note=note,
        )
    if as_json:
        emit_json(answer)
    elif not blocked and not answer["was_blocked"]:
        say(f"{recipient} was not blocked on {platform}.")
    else:
        say(f"{'Blocked' if blocked else 'Unblocked'} {recipient} on {platform}.")


def listed_name(platform: str, handle: str) -> str:
    """Return the name as the do-not-contact list has it; raises InvalidInput."""
    if platform == "linkedin":
        return linkedin_profile_url(handle).rstrip("/").rsplit("/", 1)[-1]
    if platform == EVERYTHING and "/" in handle:
        raise InvalidInput(
            f"not a username: {handle[:60]!r}", remedy="Give a plain handle, or name one platform."
        )
    return clean_handle(platform, handle)
