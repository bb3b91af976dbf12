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
