"""Every listing of the command line, over rows with whatever PostgreSQL allows."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from actp.store.tables import our_tables
from tests.support.odd_rows import insert_odd_rows
from tests.support.raw_rows import edit_raw_rows, insert_raw_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.databases import Database
    from tests.unit.cli.conftest import Cli

SEED = 20261126
COMMANDS, ROWS = 150, 6
# The queue gets other odd rows; one of schema versions says that the database is too new.
NOT_FILLED = frozenset({"safari_command_queue", "safari_schema_versions"})
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
# On all that a filter matches, the last one on what the others leave.
ON_ALL = (
    "queue reschedule --status pending --at 2030-01-01T00:00:00Z",
    "queue retry --status failed",
    "queue cancel --text hello",
    "queue cancel --status open",
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
        assert edit_raw_rows(connection, random, COMMANDS // 2) > COMMANDS // 8
        # Contacts first, others refer to them.
        tables = sorted(
            (name for name in our_tables() if name not in NOT_FILLED),
            key=lambda name: not name.startswith("crm_contacts"),
        )
        made = {name: insert_odd_rows(connection, random, name, ROWS) for name in tables}
    assert sum(made.values()) > 3 * len(made), made
    return queue


def calls(odd: Database, tmp_path: Path) -> Iterator[tuple[list[str], set[int]]]:
    """Yield arguments, and the codes that they may end with."""
    for listing in LISTINGS:
        yield listing.split(), {0}
        if "--csv" not in listing:
            yield [*listing.split(), "--json"], {0}
    yield ["report", "--out", str(tmp_path / "report.html")], {0}
    with odd.connect() as connection:
        for command, query in BY_ID:
            for (id_,) in connection.execute(query.encode()).fetchall():
                if id_ is not None and not id_.startswith("-"):
                    # An id of blanks, or the beginning of several, is a question asked wrongly.
                    yield [*command.split(), "--", id_], {0, 2, 65, 66}
    for action in ON_ALL:
        yield [*action.split(), "--yes"], {0}


def test_no_command_fails(odd: Database, run: Cli, tmp_path: Path) -> None:
    failures = []
    for arguments, allowed in calls(odd, tmp_path):
        result = run(*arguments)
        if result.code not in allowed:
            failures.append(([word[:80] for word in arguments], result.code, result.err[-600:]))
    assert not failures, "\n".join(map(repr, failures))
