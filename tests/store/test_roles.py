"""The lesser roles, visitors, and the doctor's rehearsal, on a Supabase project in miniature."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.types.json import Jsonb

from actp.store.tables import our_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import Database

COMMAND = (
    "insert into safari_command_queue (action, platform, params)"
    """ values ('send_dm', 'twitter', '{"username": "a", "text": "b"}')"""
)
CALL = """[{"action": "send_dm", "platform": "twitter",
 "params": {"username": "a", "text": "b"}}]"""
CALLER = (
    *("safari_enqueue", "safari_enqueue_check", "safari_find", "safari_show"),
    *("safari_status", "safari_limits"),
)


@contextmanager
def as_role(backend: Database, role: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(backend.admin_dsn, autocommit=True) as connection:
        connection.execute(f"set role {role}".encode())
        yield connection


@pytest.mark.parametrize(
    "statement",
    [
        "select * from safari_command_queue",
        "update safari_command_queue set status = 'pending'",
        "delete from safari_command_queue",
        "insert into safari_command_queue (action, attempt) values ('sync', 1)",
        "insert into safari_command_queue (action, hold) values ('sync', 'campaign')",
        "update safari_rate_limits set used = 0",
        "select safari_status()",
        "truncate safari_command_queue",
    ],
)
def test_a_producer_inserts_commands_and_nothing_else(backend: Database, statement: str) -> None:
    with as_role(backend, "actp_producer") as connection:
        connection.execute(COMMAND)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
    assert backend.store.call("safari_status")["queue"][0]["pending"] == 1


@pytest.mark.parametrize(
    "statement",
    [
        COMMAND,
        "select * from safari_command_queue",
        "select safari_claim(gen_random_uuid(), '{}', 0, 30)",
        "select safari_configure('[]', '{}')",
        "select safari_pause('all')",
    ],
)
def test_a_caller_enqueues_and_looks_and_nothing_else(backend: Database, statement: str) -> None:
    with as_role(backend, "actp_caller") as connection:
        made = connection.execute("select safari_enqueue(%s)", (CALL,)).fetchone()
        assert made is not None
        id_ = made[0][0]["id"]
        connection.execute("select safari_find(%s), safari_show(%s)", (id_[:8], id_))
        connection.execute("select safari_status(), safari_limits()")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


def test_a_caller_may_call_what_is_listed_and_no_other_function(backend: Database) -> None:
    with as_role(backend, "actp_caller") as connection:
        row = connection.execute(
            "select array_agg(distinct p.proname::text) from pg_proc p"
            " where p.pronamespace = 'public'::regnamespace and p.proname ~ '^(safari|agent)_'"
            " and has_function_privilege(p.oid, 'execute')"
        ).fetchone()
    assert row is not None
    assert set(row[0]) == {*CALLER, "safari_ask", "safari_now", "safari_schema"}


def test_rows_that_visitors_insert_while_the_table_is_open_are_held(backend: Database) -> None:
    if backend.kind == "embedded":
        pytest.skip("it has no visitors")
    visitors = ("anon", "authenticated")
    with backend.connect() as connection:
        connection.execute("alter table safari_command_queue disable row level security")
        connection.execute("grant insert on safari_command_queue to anon, authenticated")
    for role in visitors:
        with as_role(backend, role) as connection:
            connection.execute(COMMAND)
    status = backend.store.call("safari_status")
    assert (status["backlog_held"], status["queue"][0]["ready"]) == (len(visitors), 0)


def test_views_and_policies_that_stay_open_are_named(backend: Database) -> None:
    if backend.kind == "embedded":
        pytest.skip("it has no visitors")
    with backend.connect() as connection:
        connection.execute(
            "create view peek as select * from safari_command_queue;"
            " grant select on peek to anon;"
            " create view closed with (security_invoker = true) as select * from crm_contacts;"
            " grant select on closed to anon;"
            " create policy everybody on crm_contacts for select using (true)"
        )
    assert backend.store.call("safari_exposed", tables=our_tables()) == [
        {"kind": "policy", "name": "everybody", "table": "crm_contacts"},
        {"kind": "view", "name": "peek", "table": "safari_command_queue"},
    ]


@pytest.mark.parametrize(
    ("opening", "kind"),
    [
        ("create materialized view x as select * from crm_contacts", "materialized view"),
        (
            """create view y as select * from crm_contacts;
            revoke all on y from anon, authenticated; create view x as select * from y""",
            "view",
        ),
        ("create view x as select (select count(*) from crm_contacts) as n", "view"),
        (
            """create function x() returns setof crm_contacts language sql security definer
            as 'select * from crm_contacts'""",
            "function",
        ),
        ("create policy x on crm_contacts using (1 = 1)", "policy"),
        ("create policy x on crm_contacts for insert with check (true or false)", "policy"),
        (
            "create policy x on crm_contacts for update using (id is null) with check (true)",
            "policy",
        ),
        ("create policy x on crm_contacts for select to authenticated using (true)", "policy"),
        ("create policy x on crm_contacts using (auth.role() = 'authenticated')", "policy"),
    ],
)
def test_every_way_around_row_level_security_is_named(
    backend: Database, opening: str, kind: str
) -> None:
    if backend.kind != "supabase":
        pytest.skip("visitors come over REST")
    with backend.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute(
            "create schema auth; create function auth.role() returns text language sql"
            " as 'select current_user::text'"
        )
        connection.execute(opening.encode())
        row = connection.execute("select safari_exposed(%s)", (Jsonb(our_tables()),)).fetchone()
    assert row is not None
    assert [(found["kind"], found["table"]) for found in row[0]] == [(kind, "crm_contacts")]


@pytest.mark.parametrize(
    "harmless",
    [
        "create view x with (security_invoker) as select * from crm_contacts",
        "create view x as select * from crm_contacts; revoke all on x from anon, authenticated",
        "create policy x on crm_contacts for select to service_role using (true)",
        "create policy x on crm_contacts for select using (current_user = 'me')",
    ],
)
def test_what_lets_no_visitor_in_is_not_named(backend: Database, harmless: str) -> None:
    if backend.kind != "supabase":
        pytest.skip("visitors come over REST")
    with backend.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute(harmless.encode())
        row = connection.execute("select safari_exposed(%s)", (Jsonb(our_tables()),)).fetchone()
    assert row == ([],)


def test_tables_are_secured_over_rest_too(backend: Database) -> None:
    with backend.connect() as connection:
        connection.execute("alter table crm_contacts disable row level security")
    secured = backend.store.call("safari_secure", tables=[*our_tables(), "pg_class"])
    assert [item["table"] for item in secured] == ["crm_contacts"]
    assert backend.store.call("safari_unsecured", tables=our_tables()) == []


def test_the_rehearsal_goes_through_and_leaves_nothing(backend: Database) -> None:
    before = backend.store.call("safari_limits")
    assert backend.store.call("safari_rehearse") == {"step": "finish", "error": None}
    assert backend.store.call("safari_limits") == before
    assert backend.store.call("safari_history") == []
    assert backend.store.call("safari_status")["workers"] == []


@pytest.mark.parametrize(
    ("fault", "step"),
    [
        ("drop function safari_gate_of(text, text, text) cascade", "gate"),
        ("drop function safari_ledger(uuid, jsonb, jsonb)", "begin"),
        ("alter table safari_workers rename to gone", "register"),
        ("alter table safari_command_events add constraint no check (event <> 'begun')", "begin"),
    ],
)
def test_the_rehearsal_names_the_step_that_fails(database: Database, fault: str, step: str) -> None:
    with database.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute(fault.encode())
        row = connection.execute("select safari_rehearse()").fetchone()
    assert row is not None
    assert row[0]["step"] == step
    assert row[0]["error"]


def test_a_zone_that_the_server_does_not_know_is_refused(database: Database) -> None:
    from actp.errors import InvalidInput

    with pytest.raises(InvalidInput, match="Mars/Base"):
        database.store.call(
            "safari_configure",
            policies=[{"platform": "twitter", "kind": "dm", "time_zone": "Mars/Base"}],
            settings={},
        )
