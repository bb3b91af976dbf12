"""Every listing of the command line, over rows with whatever PostgreSQL allows."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from actp.store.tables import our_tables
from tests.support.odd_rows import insert_odd_rows
from tests.support.raw_rows import insert_raw_rows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import Database
    from tests.unit.cli.conftest import Cli

SEED = 20261126
COMMANDS, ROWS = 150, 6
LISTINGS = (
    "status",
    "status --jobs",
    "history",
    *(f"history --status {status}" for status in ("pending", "running", "completed", "failed")),
    "history --csv",
    "history --to ada",
    "history --text hello",
    "history --since 2020-01-01 --limit 500",
    "history --platform twitter --action send_dm",
    "limits",
    "inbox",
    "inbox --snoozed",
    "review",
    "queue backlog",
    "contacts list",
    "campaign status",
    "people show twitter:ada",
    "db duplicates",
)
BY_ID = (
    ("show", "select id::text from safari_command_queue"),
    ("campaign status", "select campaign_id from safari_campaign_runs"),
    ("inbox show", "select id::text from crm_contacts"),
    ("people show", "select id::text from crm_contacts"),
)


@pytest.fixture
def odd(queue: Database) -> Database:
    """A database with such rows in every table that anybody but the workers writes."""
    random = Random(SEED)
    with queue.connect() as connection:
        assert len(insert_raw_rows(connection, random, COMMANDS)) == COMMANDS
        # Contacts first, others refer to them.
        tables = sorted(
            (name for name in our_tables() if name != "safari_command_queue"),
            key=lambda name: not name.startswith("crm_contacts"),
        )
        made = {name: insert_odd_rows(connection, random, name, ROWS) for name in tables}
    assert sum(made.values()) > 3 * len(made), made
    return queue


def test_no_listing_fails(odd: Database, run: Cli, tmp_path: Path) -> None:
    failures = []
    for listing in LISTINGS:
        for more in ([], ["--json"]):
            if "--csv" in listing and more:
                continue
            result = run(*listing.split(), *more)
            if result.code != 0:
                failures.append((listing, more, result.code, result.err[-600:]))
    result = run("report", "--out", str(tmp_path / "report.html"))
    if result.code != 0:
        failures.append(("report", [], result.code, result.err[-600:]))
    with odd.connect() as connection:
        for command, query in BY_ID:
            for (id_,) in connection.execute(query.encode()).fetchall():
                if id_ is None or id_.startswith("-"):
                    continue
                result = run(*command.split(), "--", id_)
                # An id of blanks alone, or the beginning of several, is a question asked wrongly.
                if result.code not in {0, 2, 65, 66}:
                    failures.append((command, [id_[:80]], result.code, result.err[-600:]))
    assert not failures, "\n".join(map(repr, failures))
