"""``sample-data``: made-up people and figures, for a first look at the agents."""

from __future__ import annotations

import click

from actp.cli.database import database
from actp.cli.options import json_option
from actp.cli.output import counted, emit_json, say
from actp.domains.sample.writing import DEFAULT_CONTACTS, MOST_CONTACTS, make, open_videos, remove

__all__ = ["sample_data"]


@click.command("sample-data")
@click.option(
    "--contacts",
    type=click.IntRange(1, MOST_CONTACTS),
    default=DEFAULT_CONTACTS,
    show_default=True,
    metavar="N",
    help="How many contacts.",
)
@click.option("--remove", "is_removing", is_flag=True, help="Take it all away again.")
@json_option
def sample_data(*, contacts: int, is_removing: bool, as_json: bool) -> None:
    """Add made-up contacts, conversations, posts and figures; idempotent.

    Rows of yours are never touched. It is meant for a database from which nothing is sent:
    nobody is behind the made-up names, but a platform might once give one of them away.
    """
    with database() as store:
        tables = remove(store) if is_removing else make(store, contacts)
        videos = open_videos(store) if is_removing else 0
    if as_json:
        emit_json({"removed" if is_removing else "written": tables})
        return
    done = "removed" if is_removing else "written"
    for table, rows in sorted(tables.items()):
        say(f"{table}: {counted(rows, 'row')} {done}")
    if videos:
        say(f"{counted(videos, 'video')} still to be rendered, perhaps of made-up subjects:")
        say("  remotion_content_producer.py --queue")
