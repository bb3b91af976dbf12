"""Who may use what: the service role alone, whatever Supabase grants by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import psycopg

    from tests.support.databases import Database

OURS = """
select p.oid::regprocedure::text as name from pg_proc p
 where p.pronamespace = 'public'::regnamespace and p.proname ~ '^(safari|agent)_'
"""


@pytest.mark.parametrize("role", ["anon", "authenticated", "public"])
def test_nobody_else_may_call_a_function_of_ours(
    backend: Database, admin: psycopg.Connection, role: str
) -> None:
    known = admin.execute("select rolname from pg_roles").fetchall()
    if role != "public" and (role,) not in known:
        assert backend.kind == "embedded", "only a Supabase has these roles"
        return
    ours = [name for (name,) in admin.execute(OURS.encode()).fetchall()]
    assert len(ours) > 100
    may = "select has_function_privilege(%s, %s, 'execute')"
    assert [name for name in ours if admin.execute(may, (role, name)).fetchone() == (True,)] == []


def test_every_table_of_ours_has_row_level_security(admin: psycopg.Connection) -> None:
    without = admin.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind = 'r' and not relrowsecurity"
        " and relname ~ '^(safari|agent|actp|crm|youtube|linkedin)_'"
    ).fetchall()
    assert without == []


RIGHTS = """
select c.relname::text || ' ' || p from pg_class c, unnest(%s::text[]) p
 where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
   and c.relname ~ %s and has_table_privilege(%s, c.oid, p)
"""


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_visitors_keep_no_right_that_row_level_security_does_not_cover(
    backend: Database, admin: psycopg.Connection, role: str
) -> None:
    if backend.kind == "embedded":
        pytest.skip("it has no visitors")
    everything = ["select", "insert", "update", "delete", "truncate", "references", "trigger"]
    names = "^(safari|agent|actp|crm|youtube|linkedin)_"
    assert admin.execute(RIGHTS.encode(), (everything, "^(safari|agent)_", role)).fetchall() == []
    assert admin.execute(RIGHTS.encode(), (everything[4:], names, role)).fetchall() == []
    sequences = admin.execute(
        "select s.sequencename from pg_sequences s where s.schemaname = 'public'"
        " and has_sequence_privilege(%s, s.sequencename::text, 'usage, select, update')",
        (role,),
    ).fetchall()
    assert sequences == []


def test_a_table_that_a_policy_opens_stays_open(
    backend: Database, admin: psycopg.Connection
) -> None:
    if backend.kind == "embedded":
        pytest.skip("it has no visitors")
    with admin.transaction(force_rollback=True):
        admin.execute(
            "grant select, truncate on safari_people to authenticated;"
            " create policy theirs on safari_people for select to authenticated using (true);"
            " select safari_protect()"
        )
        row = admin.execute(
            "select has_table_privilege('authenticated', 'safari_people', 'select'),"
            " has_table_privilege('authenticated', 'safari_people', 'truncate')"
        ).fetchone()
    assert row == (True, False)
