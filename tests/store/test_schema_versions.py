"""The schema version of a database, and copies of other releases beside it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from actp import __version__
from actp.errors import StoreError
from actp.store.migrate import SchemaState, migrate, schema_state
from actp.store.schema import MIGRATIONS, Migration, freeze, read_schema

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import Database, Databases

FIRST_RELEASE = {line.name for line in read_schema().released if line.release == "0.1.0"}
FUNCTIONS = (
    "select array_agg(p.oid::regprocedure || md5(pg_get_functiondef(p.oid))"
    " order by p.oid::regprocedure::text)"
    " from pg_proc p"
    " where p.pronamespace = 'public'::regnamespace and p.proname ~ '^(safari|agent)_'"
)
TRIGGERS = (
    "select array_agg(pg_get_triggerdef(t.oid) order by t.tgrelid::regclass::text, t.tgname)"
    " from pg_trigger t where not t.tgisinternal"
)


def state_of(dsn: str) -> tuple[object, ...]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return tuple(connection.execute(q).fetchone() for q in (FUNCTIONS, TRIGGERS))


@pytest.fixture
def release_1(tmp_path: Path) -> Path:
    """The files of release 0.1.0 alone, without a record: as its own copy reads them."""
    for name in FIRST_RELEASE:
        shutil.copy(MIGRATIONS / name, tmp_path)
    return tmp_path


def test_functions_are_those_of_their_folder(database: Database) -> None:
    before = state_of(database.dsn)
    with database.connect() as connection:
        for path in sorted(MIGRATIONS.glob("functions/*.sql")):
            connection.execute(path.read_bytes())
        connection.execute("select safari_protect()")  # as every migration of functions ends
    after = state_of(database.dsn)
    assert [len(part[0]) for part in after] == [len(part[0]) for part in before]  # type: ignore[index]
    assert after == before


ROWS = """
insert into safari_command_queue (action, platform, params)
  values ('send_dm', 'twitter', '{"username": "ada", "text": "Hi"}');
insert into crm_contacts (platform, username, tags) values ('twitter', 'ada', '{vip}');
insert into crm_messages (platform, username, body, direction)
  values ('twitter', 'ada', 'Hello', 'inbound');
insert into actp_niche_resonance (platform, niche, content_type, top_hook_patterns)
  values ('tiktok', 'ai_automation', 'educational', '{hook}');
"""
# As the CLI makes it.
CLI_RECORD = """
create schema supabase_migrations;
create table supabase_migrations.schema_migrations (
  version text primary key, statements text[], name text);
"""
APPLIED = "insert into supabase_migrations.schema_migrations (version) values (%s)"
KEPT = """
select (select count(*) from safari_command_queue where status = 'pending'),
       (select tags from crm_contacts where username = 'ada'), (select count(*) from crm_messages),
       (select top_hook_patterns from actp_niche_resonance)
"""


@pytest.mark.parametrize(
    ("release", "fixture"),
    [
        ("0.1.0", "embedded_databases"),
        ("0.1.0", "postgres15_databases"),
        ("0.2.0", "embedded_databases"),
        ("0.3.0", "embedded_databases"),
        ("0.4.0", "embedded_databases"),
    ],
)
def test_a_database_of_an_earlier_release_becomes_the_same_as_a_new_one(
    request: pytest.FixtureRequest, tmp_path: Path, release: str, fixture: str
) -> None:
    databases: Databases = request.getfixturevalue(fixture)
    schema = read_schema()
    theirs = [line for line in schema.released if line.release <= release]
    for line in theirs:
        shutil.copy(MIGRATIONS / line.name, tmp_path)
    (tmp_path / "released.txt").write_text("".join(f"{' '.join(line)}\n" for line in theirs))
    with databases.empty() as old, databases.empty() as new:
        old_dsn, new_dsn = databases.server.owner(old), databases.server.owner(new)
        migrate(old_dsn, tmp_path)
        version = len({line.release for line in theirs})
        assert schema_state(old_dsn).database_version == version
        with psycopg.connect(old_dsn, autocommit=True) as connection:
            connection.execute(ROWS.encode())
            rows = connection.execute(KEPT.encode()).fetchone()
        # A new file that stands before a released one brings those after it along.
        pending = schema_state(old_dsn).pending
        assert {file.name for file in schema.unreleased} <= set(pending)
        assert migrate(old_dsn) == [*pending]
        assert migrate(old_dsn) == []
        with psycopg.connect(new_dsn, autocommit=True) as connection:
            # Where names are looked up is the database's own affair.
            connection.execute(
                sql.SQL("alter database {} set search_path = elsewhere").format(sql.Identifier(new))
            )
        migrate(new_dsn)
        with psycopg.connect(new_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("alter database {} reset all").format(sql.Identifier(new)))
        assert columns(old_dsn) == columns(new_dsn)
        assert definitions(old_dsn) == definitions(new_dsn)
        with psycopg.connect(old_dsn, autocommit=True) as connection:
            assert connection.execute(KEPT.encode()).fetchone() == rows


def test_the_database_knows_its_version(database: Database) -> None:
    schema = read_schema()
    assert database.store.call("safari_schema") == {
        "version": schema.version,
        "release": __version__,
        "oldest_code": 1,
    }
    assert schema_state(database.dsn) == SchemaState(schema.version, schema.version, ())


def test_a_newer_database_is_left_alone(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("insert into safari_schema_versions values (99, '9.9.0', 1)")
        connection.execute("delete from safari_migrations where name ~ 'functions|report'")
    before = state_of(database.dsn)
    state = schema_state(database.dsn)
    assert (state.database_version, state.is_newer, state.pending) == (99, True, ())
    assert migrate(database.dsn) == []
    assert state_of(database.dsn) == before


def test_a_copy_that_names_no_version_cannot_change_the_database(
    database: Database,
) -> None:
    # Release 0.1.0 applies a file and records it in one transaction, as this does.
    before = state_of(database.dsn)
    with (
        database.connect() as connection,
        pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="newer than this release"),
    ):
        connection.execute(
            "create or replace function safari_today() returns date language sql as"
            " 'select current_date';"
            "insert into safari_migrations (name, sha256) values ('20261101000400_gate.sql', 'x')"
            " on conflict (name) do update set sha256 = excluded.sha256"
        )
    assert state_of(database.dsn) == before


def test_a_bundle_of_an_older_release_is_refused_by_hand_too(database: Database) -> None:
    schema = read_schema()
    # Between two releases it is made of the functions that changed, else it is the released file.
    bundle = schema.bundle or next(
        file for file in reversed(schema.files) if file.name.endswith("_functions.sql")
    )
    with database.connect() as connection:
        connection.execute("insert into safari_schema_versions values (99, '9.9.0', 1)")
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="is newer"):
            connection.execute(bundle.text.encode())


def test_files_that_the_supabase_cli_applied_count_as_applied(
    embedded_databases: Databases, tmp_path: Path
) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    freeze(folder)
    files = read_schema(folder).files
    with embedded_databases.empty() as name:
        dsn = embedded_databases.server.owner(name)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(CLI_RECORD)
            for file in files:
                connection.execute(file.text.encode())
                connection.execute(APPLIED, (file.name.partition("_")[0],))
            assert schema_state(dsn, folder).pending == ()
            assert migrate(dsn, folder) == []
            connection.execute("drop schema public cascade; create schema public")
        assert schema_state(dsn, folder).pending == tuple(file.name for file in files)


def test_a_file_after_one_that_was_missing_runs_again(
    embedded_databases: Databases, tmp_path: Path
) -> None:
    texts = {
        "20260101000000_first.sql": "create table safari_command_attempts (id int)",
        "20260102000000_second.sql": "create table safari_second (id int)",
        "20260103000000_third.sql": "select 1 / 0",
    }
    with (tmp_path / "released.txt").open("w") as record:
        for name, text in texts.items():
            (tmp_path / name).write_text(text)
            record.write(f"{name} {Migration(name, text).sha256} 0.1.0\n")
    first, second, third = texts
    with embedded_databases.empty() as name:
        dsn = embedded_databases.server.owner(name)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(CLI_RECORD)
            connection.execute(texts[first].encode())
            connection.cursor().executemany(APPLIED, [(file[:14],) for file in (first, third)])
        assert schema_state(dsn, tmp_path).pending == (second, third)
        with pytest.raises(StoreError, match=third):
            migrate(dsn, tmp_path)
        # The second may have undone what the third did, although the CLI has recorded that one.
        assert schema_state(dsn, tmp_path).pending == (third,)


def columns(dsn: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(
            "select table_name, column_name, data_type, is_nullable, column_default"
            " from information_schema.columns where table_schema = 'public' order by 1, 2"
        ).fetchall()


def definitions(dsn: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(
            "select pg_get_functiondef(p.oid) from pg_proc p where p.pronamespace ="
            " 'public'::regnamespace and p.proname ~ '^(safari|agent)_' order by 1"
        ).fetchall()
