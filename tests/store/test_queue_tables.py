"""Tables of the queue that another program made first fit, or are refused with a remedy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest

from actp.errors import SchemaMissing
from actp.status_words import wait_words
from actp.store.migrate import migrate
from actp.store.schema import BEFORE_EACH, MIGRATIONS
from actp.store.tables import our_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import Database, Databases

CHECK = BEFORE_EACH[0].read_bytes()
TABLES = (
    "safari_command_queue",
    "safari_campaign_runs",
    "safari_service_health",
    "safari_rate_limits",
)
# Columns as the queue's first makers wrote them.
QUEUE: dict[str, str] = {
    "id": "uuid primary key", "action": "text not null", "platform": "text",
    "params": "jsonb default '{}'", "priority": "integer default 5",
    "status": "text default 'pending'", "result": "text", "error": "text",
    "created_at": "timestamptz default now()", "updated_at": "timestamptz",
}  # fmt: skip
STATUSES = "'pending', 'running', 'completed', 'failed'"
SHAPES: dict[str, tuple[dict[str, str], str]] = {
    "limited texts": ({"action": "varchar(40)", "status": "varchar(10) default 'pending'"}, ""),
    "times without a zone": ({"created_at": "timestamp", "updated_at": "timestamp"}, ""),
    "columns of theirs": ({"tenant": "text", "cost": "integer generated always as (1) stored"}, ""),
    "status of a type": ({"status": "theirs default 'pending'"}, "status is theirs"),
    "platform of a type": ({"platform": "theirs"}, "platform is theirs"),
    "params as text": ({"params": "text default '{}'"}, "params is text"),
    "params as json": ({"params": "json"}, "params is json"),
    "priority as text": ({"priority": "text"}, "priority is text"),
    "counted ids": ({"id": "bigserial primary key"}, "id is bigint"),
    "no times": ({"updated_at": ""}, "updated_at is missing"),
    "holds of theirs": ({"hold": "boolean"}, "hold is boolean"),
    "generated": ({"error": "text generated always as (action) stored"}, "error is generated"),
    "too few statuses": (
        {"status": f"text check (status in ({STATUSES}))"},
        "safari_command_queue_status_check refuses the status cancelled",
    ),
}


def made(changes: dict[str, str]) -> bytes:
    columns = {name: kind for name, kind in (QUEUE | changes).items() if kind}
    told = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return (
        "create type theirs as enum ('pending', 'twitter');"
        f" create table safari_command_queue ({told});"
    ).encode()


@pytest.fixture(scope="module")
def owner(postgres15_databases: Databases) -> Iterator[psycopg.Connection]:
    with (
        postgres15_databases.empty() as name,
        psycopg.connect(postgres15_databases.server.owner(name), autocommit=True) as connection,
    ):
        yield connection


@pytest.mark.parametrize("shape", SHAPES)
def test_a_table_fits_or_is_refused_with_its_remedy(owner: psycopg.Connection, shape: str) -> None:
    changes, fault = SHAPES[shape]
    with owner.transaction(force_rollback=True):
        owner.execute(made(changes))
        if fault:
            with (
                pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as refusal,
                owner.transaction(),
            ):
                owner.execute(CHECK)
            assert f"do not fit: {said(fault)}" in str(refusal.value)
            owner.execute((refusal.value.diag.message_hint or "").encode())
        owner.execute(CHECK)


def said(fault: str) -> str:
    return fault if fault.startswith("safari_") else f"safari_command_queue.{fault}"


@pytest.mark.parametrize(
    "made_as",
    [
        "view safari_command_queue as select 1 as id",
        "materialized view safari_command_queue as select 1 as id",
        "table safari_workers (id bigint)",
        "view safari_settings as select 1 as key",
        "type safari_alerts as (id bigint)",
    ],
)
def test_a_name_that_is_taken_is_given_back(
    owner: psycopg.Connection, made_as: LiteralString
) -> None:
    with owner.transaction(force_rollback=True):
        owner.execute(f"create {made_as}")
        with (
            pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as refusal,
            owner.transaction(),
        ):
            owner.execute(CHECK)
        owner.execute((refusal.value.diag.message_hint or "").encode())
        owner.execute(CHECK)


def test_a_migration_says_it_before_it_changes_anything(
    unmigrated: Database,
) -> None:
    with unmigrated.connect() as connection:
        connection.execute(made({"status": "theirs default 'pending'"}))
        with pytest.raises(SchemaMissing, match="status is theirs") as refusal:
            migrate(unmigrated.dsn)
        assert "alter column status type text" in refusal.value.remedy
        tables = connection.execute(
            "select relname from pg_class where relkind = 'r' and relname ~ '^(safari|crm|actp)_'"
        )
        assert tables.fetchall() == [("safari_command_queue",)]


def test_every_column_of_these_tables_is_looked_at(database: Database) -> None:
    with database.connect() as connection:
        connection.execute(CHECK)
        columns = connection.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_name = any (%s)",
            (list(TABLES),),
        ).fetchall()
    listed = re.findall(
        r"\('(\w+)', '\w+', (?:'(?:''|[^'])*'|null), ((?:'[\w ]+'\s*)+)\)", CHECK.decode()
    )
    named = {(table, name) for table, names in listed for name in re.findall(r"\w+", names)}
    assert set(columns) == named
    others = {name for name in our_tables() if name.startswith("safari_")} - {
        *TABLES,
        "safari_migrations",
    }
    assert set(re.findall(r"[ '](safari_\w+)(?=[ '])", CHECK.decode())) >= others


def test_long_errors_are_kept_and_statuses_that_no_worker_knows_are_named(
    database: Database,
) -> None:
    with database.connect() as connection:
        assert database.store.call("safari_unknown_statuses") == []
        connection.execute("alter table safari_command_queue alter column error type varchar(9)")
        connection.execute((MIGRATIONS / "20261127234600_queue_texts.sql").read_bytes())
        connection.execute(
            "insert into safari_command_queue (action, status, error)"
            " values ('sync', 'failed', 'longer than nine')"
        )
        connection.execute(
            "alter table safari_command_queue drop constraint safari_command_queue_status_check"
        )
        row = connection.execute(
            "insert into safari_command_queue (action, platform, status)"
            " values ('sync', 'twitter', 'queued') returning id::text"
        ).fetchone()
    assert row
    assert database.store.call("safari_unknown_statuses") == [{"status": "queued", "rows": 1}]
    waits = database.store.call("safari_show", id=row[0])["command"]["waits"]
    assert wait_words(waits) == (
        "no worker takes a command with the status queued; set it to pending"
    )


def test_a_table_of_another_role_is_named(unmigrated: Database) -> None:
    with unmigrated.connect() as owner, owner.transaction(force_rollback=True):
        owner.execute(made({}))
        owner.execute("create role plain; set local role plain")
        with (
            pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as refusal,
            owner.transaction(),
        ):
            owner.execute(CHECK)
        assert "safari_command_queue belongs to the role" in str(refusal.value)
        owner.execute("reset role")
        owner.execute((refusal.value.diag.message_hint or "").encode())
        owner.execute("set local role plain")
        owner.execute(CHECK)


def test_a_function_of_another_program_is_named_before_anything_changes(
    unmigrated: Database,
) -> None:
    with unmigrated.connect() as connection:
        connection.execute(
            "create function safari_now() returns integer language sql as 'select 1';"
            " create procedure safari_status(a text) language sql as 'select 1';"
            " create function safari_of_theirs() returns integer language sql as 'select 1'"
        )
        with pytest.raises(SchemaMissing, match=r"safari_now\(\), public.safari_status") as refusal:
            migrate(unmigrated.dsn)
        assert "of_theirs" not in str(refusal.value)
        found = connection.execute("select to_regclass('safari_migrations')").fetchone()
        assert found == (None,)
        renames = [line for line in refusal.value.remedy.splitlines() if line.startswith("alter")]
        connection.execute("".join(renames).encode())
        left = "select to_regproc('safari_now'), to_regproc('safari_now_before') is not null"
        assert connection.execute(left).fetchone() == (None, True)


def test_sequences_behind_their_rows_are_moved_by_a_migration(database: Database) -> None:
    insert: LiteralString = (
        "insert into safari_command_queue (action, platform) values ('sync', 'twitter')"
    )
    latest: LiteralString = "select max(id) from safari_command_events"
    with database.connect() as connection:
        connection.execute(insert)
        connection.execute(
            "select setval(pg_get_serial_sequence('safari_command_events', 'id'), max(id), false)"
            " from safari_command_events"
        )
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(insert)
        before = connection.execute(latest).fetchone()
        connection.execute(
            "select setval(pg_get_serial_sequence('safari_command_events', 'id'), 1, false)"
        )
        assert migrate(database.dsn) == []
        connection.execute(insert)
        after = connection.execute(latest).fetchone()
    assert before
    assert after == (before[0] + 1,)
