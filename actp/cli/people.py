"""``people``: imports contacts, and joins or separates their addresses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actp.cli.database import database
from actp.cli.group import Group
from actp.cli.options import json_option
from actp.cli.output import counted, emit_json, one_line, say
from actp.cli.person import join, part, show
from actp.domains.crm.importing import import_people
from actp.operators import operator_here

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MOST_NAMED", "SAID", "people"]

MOST_NAMED = 20
SAID = {
    "opted_out": "must not be contacted",
    "doubt": "may not want to be contacted; waits in bin/inbox",
    "customer": "a customer, gets no opener",
}


@click.group(cls=Group)
def people() -> None:
    """Manage contacts, and decide which addresses belong to one person."""


for _command in (show, join, part):
    people.add_command(_command)


@people.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Validate and count; store nothing.")
@json_option
def import_(file: Path, *, dry_run: bool, as_json: bool) -> None:
    """Import contacts from a CSV file, all or nothing.

    The first line names the columns: name, email, twitter, instagram, tiktok, linkedin, threads, or
    platform and handle; headline, bio, niche, website, tags; unsubscribed, do_not_contact, status
    and notes, which can forbid contact. For known people, only missing values are added.
    """
    with database() as store:
        result = import_people(store, file, operator=operator_here("cli"), dry_run=dry_run)
    if as_json:
        emit_json(result)
    else:
        _show(result)


def _show(result: Mapping[str, Any]) -> None:
    verb = "would be added" if result["dry_run"] else "added"
    say(
        f"{counted(result['lines'], 'line')}: {result['added']:,} {verb}, {result['updated']:,}"
        f" completed, {result['unchanged']:,} known, {len(result['skipped']):,} skipped."
    )
    for each in result["skipped"][:MOST_NAMED]:
        say(f"  line {each['line']}: {one_line(each['reason'])}")
    if (more := len(result["skipped"]) - MOST_NAMED) > 0:
        say(f"  and {more:,} more; --json names all of them")
    if forbidden := result["forbidden"]:
        say(f"Lines that forbid contact, or may ({len(forbidden):,}):")
        for each in forbidden[:MOST_NAMED]:
            say(f"  line {each['line']}: {one_line(each['name'], 60)}: {SAID[each['said']]}")
        if (more := len(forbidden) - MOST_NAMED) > 0:
            say(f"  and {more:,} more; --json names all of them")
    if result["ignored"]:
        say(f"Columns that were not used: {one_line(', '.join(result['ignored']), 200)}.")
