"""A rehearsed release of this copy's SQL, and its files applied as the Supabase CLI does."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from actp.store.agents import look
from actp.store.migrate import migrate, schema_state
from actp.store.schema import MIGRATIONS, freeze, read_schema
from actp.store.tables import our_tables
from actp.store.tolerant import for_other_programs
from actp.store.version import check_version
from tests.store.test_agents_tables import sent_and_claimed
from tests.support.databases import empty_database

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import Databases

# Everything that a file can define, by what it is and as PostgreSQL prints it.
DEFINED = """
select 'function ' || p.oid::regprocedure, pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '')
  from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prokind = 'f'
union all
select 'trigger ' || t.tgname || t.tgrelid::regclass, pg_get_triggerdef(t.oid)
  from pg_trigger t where not t.tgisinternal
union all
select 'view ' || c.oid::regclass, pg_get_viewdef(c.oid) || coalesce(c.reloptions::text, '')
  from pg_class c where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace
union all
select 'index ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid) || i.indisvalid
  from pg_index i join pg_class c on c.oid = i.indrelid and c.relnamespace = 'public'::regnamespace
union all
select 'constraint ' || n.conname || n.conrelid::regclass, pg_get_constraintdef(n.oid)
  from pg_constraint n where n.connamespace = 'public'::regnamespace
union all
select 'column ' || a.attrelid::regclass || '.' || a.attname,
       format_type(a.atttypid, a.atttypmod) || a.attnotnull
       || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid and c.relkind = 'r'
                     and c.relnamespace = 'public'::regnamespace
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where a.attnum > 0 and not a.attisdropped
union all
select 'table ' || c.oid::regclass, c.relrowsecurity || coalesce(c.relacl::text, '')
  from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
union all
select 'policy ' || p.polname || p.polrelid::regclass,
       coalesce(pg_get_expr(p.polqual, p.polrelid), '')
  from pg_policy p
"""
# The rows that files write, without times and what each database makes for itself.
WRITTEN = (
    "select to_jsonb(r) - 'id' from safari_routes r order by 1",
    "select to_jsonb(r) - 'id' - 'updated_at' from safari_services r order by 1",
    "select to_jsonb(r) - 'id' - 'updated_at' from safari_policies r order by 1",
    "select key, value from safari_settings where key <> 'database_id' order by 1",
    "select to_jsonb(r) - 'applied_at' from safari_schema_versions r order by 1",
)


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """The migrations of this copy as bin/db release leaves them."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    freeze(folder)
    return folder


def state_of(dsn: str) -> tuple[dict[str, str], list[list[tuple[object, ...]]]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return (
            dict(connection.execute(DEFINED).fetchall()),
            [connection.execute(query).fetchall() for query in WRITTEN],
        )


def push(dsn: str, folder: Path, after: str = "") -> None:
    """Apply files as ``bin/db bundle`` writes them: in order, each in a transaction, as text.

    The role looks up names elsewhere.
    """
    schema = read_schema(folder)
    for file in schema.files:
        if file.name > after:
            with psycopg.connect(dsn, options="-c search_path=elsewhere") as connection:
                connection.execute(for_other_programs(file, schema.version).encode())


@pytest.mark.parametrize("had", ["nothing", "0.1.0"])
def test_released_files_alone_leave_what_a_migration_leaves(
    embedded_databases: Databases, released: Path, tmp_path: Path, had: str
) -> None:
    first = tmp_path / "first"
    first.mkdir()
    for line in read_schema(released).released:
        if line.release == "0.1.0":
            shutil.copy(released / line.name, first)
    newest = max(path.name for path in first.iterdir())
    with embedded_databases.empty() as pushed, embedded_databases.empty() as migrated:
        by_files, by_command = map(embedded_databases.server.owner, (pushed, migrated))
        if had == "0.1.0":
            migrate(by_files, first)
            push(by_files, released, after=newest)
        else:
            push(by_files, released)
        migrate(by_command, released)
        defined, written = state_of(by_files)
        assert len(defined) > 500
        assert (defined, written) == state_of(by_command)
        assert migrate(by_command, released) == []
        # What another program applied counts as applied.
        assert schema_state(by_files, released).pending == ()
        assert migrate(by_files, released) == []
        assert state_of(by_files) == (defined, written)


def test_a_release_changes_nothing_but_its_record(released: Path) -> None:
    before, after = read_schema(), read_schema(released)
    assert after.unreleased == ()
    assert after.version == before.version
    assert [(file.name, file.sha256) for file in after.files] == [
        (file.name, file.sha256) for file in before.files
    ]
    assert freeze(released) == ()


# Ids of another type, lists and times too, and rows that keep keys from being made.
UNFIT = """
create table crm_contacts (id bigint generated always as identity primary key, platform text,
  username text, tags jsonb, last_message_at text);
insert into crm_contacts (platform, username) values ('x', 'ada'), ('x', 'ada');
create table crm_message_queue (id text, contact_id bigint, platform text, status text,
  sent_at text);
insert into crm_message_queue values ('1', 1, 'x', 'pending'), ('2', 1, 'x', 'pending');
create table actp_niche_resonance (platform text, niche text, offer_tag text, content_type text,
  top_hook_patterns jsonb, last_updated text);
insert into actp_niche_resonance values ('a', 'b', 'c', 'd'), ('a', 'b', 'c', 'd');
create view crm_people as select id, tags, last_message_at from crm_contacts;
"""


def test_tables_that_do_not_fit_do_not_stop_a_push(
    embedded_databases: Databases, released: Path
) -> None:
    with empty_database(embedded_databases, "embedded") as database:
        with database.connect() as connection:
            connection.execute(UNFIT.encode())
        push(database.dsn, released)
        sent_and_claimed(database)
        check_version(database.store)
        found = look(database.store)
        assert "crm_contacts.id is bigint, wanted uuid" in map(str, found.misfits)
        assert "actp_niche_resonance.last_updated is text" in " ".join(map(str, found.fitted))
        assert "crm_contacts (platform, username)" in found.missing_keys
        open_tables = database.store.call("safari_unsecured", tables=our_tables())
        assert set(open_tables) == {"crm_contacts", "crm_message_queue", "actp_niche_resonance"}
        # Once they fit, a migration makes what was set aside.
        with database.connect() as connection:
            for group in database.store.call("agent_duplicates"):
                connection.execute(
                    sql.SQL("delete from {} where ctid = any (%s::tid[])").format(
                        sql.Identifier(group["table"])
                    ),
                    (group["remove"],),
                )
            connection.execute("drop view crm_people")
            for misfit in (*found.misfits, *found.fitted):
                connection.execute(misfit.remedy.encode())
        assert migrate(database.dsn, released) == []
        assert look(database.store) == ((), (), ())
        assert schema_state(database.dsn, released)[2:] == ((), ())
