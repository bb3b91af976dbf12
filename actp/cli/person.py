"""``people show``, ``join`` and ``part``: the addresses of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actp.cli.database import database
from actp.cli.options import json_option
from actp.cli.output import console, emit_json, say, table, text
from actp.errors import InvalidInput
from actp.operators import act, operator_here

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["join", "part", "show"]


@click.command()
@click.argument("who")
@json_option
def show(who: str, *, as_json: bool) -> None:
    """Show every address of a person, and why it is theirs.

    WHO is platform:handle, a profile's address, a mailbox, or a contact's handle or the beginning
    of its ID.
    """
    with database() as store:
        try:
            person = store.call("safari_people_show", given=who)
        except InvalidInput:
            contact = store.call("agent_inbox_find", who=who)
            person = store.call("safari_people_show", given=contact)
    emit_json(person) if as_json else _show(person)


@click.command()
@click.argument("one")
@click.argument("other")
@json_option
def join(one: str, other: str, *, as_json: bool) -> None:
    """Treat two addresses as one person from now on."""
    with database() as store:
        person = act(store, operator_here("cli"), "people_join", one=one, other=other)
    emit_json(person) if as_json else _show(person)


@click.command()
@click.argument("one")
@click.argument("other")
@click.option("--note", help="Why.")
@json_option
def part(one: str, other: str, note: str | None, *, as_json: bool) -> None:
    """Keep two addresses apart from now on, whatever the CRM says."""
    with database() as store:
        person = act(store, operator_here("cli"), "people_part", one=one, other=other, note=note)
    if as_json:
        emit_json(person)
        return
    _show(person)
    if not person["is_parted"]:
        say("Another address above still joins them: separate that one too.")


def _show(person: Mapping[str, Any]) -> None:
    shown = table("address", "from", "note")
    for each in person["addresses"]:
        sources = ", ".join(f"{link['address']} ({link['via']})" for link in each["from"])
        notes = [each["veto"], "do not contact" if each["is_blocked"] else None]
        shown.add_row(text(each["address"]), text(sources), text(", ".join(filter(None, notes))))
    console().print(shown)
    if not any(each["address"].startswith("contact:") for each in person["addresses"]):
        say("No contact has this address: bin/people import adds contacts.")
    for pair in person["parted"]:
        say(f"Kept apart: {pair['address']} and {pair['other']}.")
