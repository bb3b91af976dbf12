"""``sample-data``: made-up contacts and posts to try out the agents."""

from __future__ import annotations

import click

from actp.cli.options import json_option
from actp.cli.output import counted, emit_json, say
from actp.domains.paging import batches
from actp.domains.prospect.tasks import score_these
from actp.domains.sample.people import account
from actp.domains.sample.writing import DEFAULT_CONTACTS, MOST_CONTACTS, make, open_videos, remove
from actp.domains.tools import Tools
from actp.settings import load_settings

__all__ = ["sample_data"]


@click.command("sample-data")
@click.option(
    "--contacts",
    type=click.IntRange(1, MOST_CONTACTS),
    default=DEFAULT_CONTACTS,
    show_default=True,
    metavar="N",
    help="Number of contacts.",
)
@click.option("--remove", "is_removing", is_flag=True, help="Remove all of it again.")
@json_option
def sample_data(*, contacts: int, is_removing: bool, as_json: bool) -> None:
    """Add made-up contacts, conversations, posts and figures; idempotent.

    Rows of yours are never touched. It is meant for a database from which nothing is sent:
    the names are made up, but a platform could assign one of them to a person.
    """
    with Tools(load_settings()) as tools:
        tables = remove(tools.store) if is_removing else make(tools.store, contacts)
        videos = open_videos(tools.store) if is_removing else 0
        if tables.get("crm_contacts") and not is_removing:
            # So that the first report draws a funnel.
            tables["actp_prospect_scores"] = _scored(tools, contacts)
    if as_json:
        emit_json({"removed" if is_removing else "written": tables})
        return
    done = "removed" if is_removing else "written"
    for table, rows in sorted(tables.items()):
        say(f"{table}: {counted(rows, 'row')} {done}")
    if videos:
        say(f"{counted(videos, 'video')} still to be rendered, perhaps of made-up subjects:")
        say("  remotion_content_producer.py --queue")


def _scored(tools: Tools, contacts: int) -> int:
    ids = (account(number).id for number in range(contacts))
    return sum(score_these(tools, batch) for batch in batches(ids))
