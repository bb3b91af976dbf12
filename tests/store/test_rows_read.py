"""What a call reads of the tables does not grow with what has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.databases import postgres_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from tests.support.databases import Database, Databases

ENDED_ROWS = 20_000
FEW_ROWS = 400  # above the 50 of a listing, far below the rows that have ended
BOOT = str(uuid4())
READ = (
    "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::integer from pg_stat_xact_user_tables"
    " where relname in ('safari_command_queue', 'safari_command_attempts', 'safari_command_events')"
)
FILL = """
insert into safari_command_queue
  (action, platform, params, service, effect, status, reason, completed_at, created_at)
select case i %% 2 when 0 then 'send_dm' else 'comment' end, 'twitter', '{}', 'twitter-dm', 'once',
       case when i %% 20 = 0 then 'failed' else 'completed' end,
       case when i %% 20 = 0 then 'permanent' end,
       now() - make_interval(mins => 2000 + i), now() - interval '100 days'
  from generate_series(1, %s) i
"""
ATTEMPTS = """
insert into safari_command_attempts
  (command_id, attempt, boot_id, lease_number, service, recipient, text_hash, outcome)
select id, 1, gen_random_uuid(), 1, service, 'ada', id::text, 'sent' from safari_command_queue
"""


@pytest.fixture(scope="module")
def filled(embedded_databases: Databases) -> Iterator[Database]:
    """A database with many ended rows and statistics that know them."""
    with postgres_database(embedded_databases, "embedded") as database:
        with database.connect() as connection:
            connection.execute(FILL, (ENDED_ROWS,))
            connection.execute(ATTEMPTS)
            connection.execute("vacuum analyze")
            connection.execute("update safari_policies set active_from = 0, active_to = 24")
            connection.execute(
                "select safari_register(%s, 'host', 'host/1', '[\"twitter-dm\"]')", (BOOT,)
            )
        yield database


@pytest.fixture
def session(filled: Database) -> Iterator[psycopg.Connection[Any]]:
    """One transaction that leaves nothing behind."""
    with filled.connect() as connection:
        connection.execute("begin")
        yield connection
        connection.execute("rollback")


def read_by(session: psycopg.Connection[Any], call: str, *parameters: Any) -> int:
    """Return how many rows of the large tables a call has read."""
    before = session.execute(READ.encode()).fetchone()
    session.execute(f"select {call}".encode(), parameters)
    after = session.execute(READ.encode()).fetchone()
    assert before is not None
    assert after is not None
    return int(after[0]) - int(before[0])


@pytest.mark.parametrize(
    "call",
    [
        "safari_history()",
        "safari_history(status => 'unknown')",
        "safari_history(status => 'cancelled')",
        "safari_history(status => 'running')",
        "safari_history(platform => 'nowhere')",
        "safari_history(action => 'navigate')",
        "safari_history(status => 'failed', platform => 'nowhere')",
        "safari_retry_failed()",
        "safari_retry_failed(true)",
        "safari_gauges()",
        "safari_status()",
        "safari_claim_looks('{\"twitter-dm\": 0}', 60)",
        "safari_outlook('[\"twitter-dm\"]')",
    ],
)
def test_a_report_reads_no_more_than_it_shows(session: psycopg.Connection[Any], call: str) -> None:
    assert read_by(session, call) < FEW_ROWS


def test_the_way_of_a_command_reads_its_own_rows(session: psycopg.Connection[Any]) -> None:
    commands = [
        {"action": "send_dm", "platform": "twitter", "params": {"username": "a", "text": str(i)}}
        for i in range(10)
    ]
    assert read_by(session, "safari_enqueue(%s)", Jsonb(commands)) < FEW_ROWS
    claim = f"safari_claim('{BOOT}', '{{\"twitter-dm\": 2}}', 0, 30)"
    assert read_by(session, claim) < FEW_ROWS
    rows = session.execute(
        "select id::text, lease_number, service from safari_command_queue where status = 'running'"
    ).fetchall()
    assert len(rows) == 2
    begins = [
        {"id": row[0], "lease": row[1], "service": row[2], "recipient": "ada", "person": "ada"}
        | {"text_hash": "new"}
        for row in rows
    ]
    assert read_by(session, "safari_ledger(%s, '[]', %s)", BOOT, Jsonb(begins)) < FEW_ROWS
    finishes = [
        {"id": row[0], "lease": row[1], "attempt": 1, "verdict": "sent", "result": {}}
        for row in rows
    ]
    assert read_by(session, "safari_ledger(%s, %s, '[]')", BOOT, Jsonb(finishes)) < FEW_ROWS
    held = Jsonb([{"id": row[0], "lease": row[1]} for row in rows])
    assert read_by(session, "safari_beat(%s, %s, '{}', 30, 'host', '[]')", BOOT, held) < FEW_ROWS


def test_a_claim_does_not_walk_the_line(database: Database) -> None:
    line = [
        {"action": "send_dm", "platform": "twitter", "params": {"username": "a", "text": str(i)}}
        for i in range(2 * FEW_ROWS)
    ]
    with database.connect() as connection:
        connection.execute("select safari_enqueue(%s)", (Jsonb(line),))
        connection.execute("update safari_policies set active_from = 0, active_to = 24")
        connection.execute(
            "select safari_register(%s, 'host', 'host/1', '[\"twitter-dm\"]')", (BOOT,)
        )
        # Statistics of a line in which no row names an account.
        connection.execute("vacuum analyze")
    with database.connect() as session:
        session.execute("begin")
        claim = f"safari_claim('{BOOT}', '{{\"twitter-dm\": 1}}', 0, 30)"
        assert read_by(session, claim) < FEW_ROWS


def test_a_result_updates_its_attempt_in_place(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("begin")
        connection.execute(
            "insert into safari_command_attempts"
            " (command_id, attempt, boot_id, lease_number, service, recipient, text_hash)"
            " select gen_random_uuid(), 1, gen_random_uuid(), 1, 'twitter-dm', 'ada', i::text"
            " from generate_series(1, 30) i"
        )
        connection.execute(
            "update safari_command_attempts set outcome = 'sent', finished_at = clock_timestamp(),"
            " http_status = 200"
        )
        changed = connection.execute(
            "select n_tup_upd, n_tup_hot_upd from pg_stat_xact_user_tables"
            " where relname = 'safari_command_attempts'"
        ).fetchone()
        connection.execute("rollback")
    assert changed is not None
    assert changed[0] == 30
    assert changed[1] >= 5  # what room the page leaves; with an index on the outcome it is none
