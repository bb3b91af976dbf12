from __future__ import annotations

import functools
import operator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg
import pytest

from actp.errors import StoreDenied, StoreError, StoreRefused, StoreUnavailable
from actp.store.migrate import migrate, schema_state
from actp.store.schema import read_schema

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import Database, Databases

FIRST = "create table if not exists steps (n int);\n"
SECOND = "insert into steps values (2);\n"
THIRD = "insert into steps values (3); "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "1_first.sql").write_text(FIRST)
    (tmp_path / "2_second.sql").write_text(SECOND)
    (tmp_path / "notes.txt").write_text("not sql")
    return tmp_path


def steps(database: Database) -> list[int]:
    with database.connect() as connection:
        return [row[0] for row in connection.execute("select n from steps order by n")]


def test_files_run_in_the_order_of_their_names_and_once(unmigrated: Database, folder: Path) -> None:
    assert list(schema_state(unmigrated.dsn, folder).pending) == ["1_first.sql", "2_second.sql"]
    assert migrate(unmigrated.dsn, folder) == ["1_first.sql", "2_second.sql"]
    assert list(schema_state(unmigrated.dsn, folder).pending) == []
    assert migrate(unmigrated.dsn, folder) == []
    assert steps(unmigrated) == [2]


def test_a_changed_file_runs_again_with_those_after_it(unmigrated: Database, folder: Path) -> None:
    migrate(unmigrated.dsn, folder)
    (folder / "1_first.sql").write_text(FIRST + "truncate steps;\n")
    assert schema_state(unmigrated.dsn, folder).pending == ("1_first.sql", "2_second.sql")
    assert migrate(unmigrated.dsn, folder) == ["1_first.sql", "2_second.sql"]
    assert steps(unmigrated) == [2]


def test_the_last_file_runs_again_alone(unmigrated: Database, folder: Path) -> None:
    migrate(unmigrated.dsn, folder)
    (folder / "2_second.sql").write_text("insert into steps values (3);\n")
    assert list(schema_state(unmigrated.dsn, folder).pending) == ["2_second.sql"]
    assert migrate(unmigrated.dsn, folder) == ["2_second.sql"]
    assert steps(unmigrated) == [2, 3]


def test_many_at_once_apply_each_file_once(unmigrated: Database, folder: Path) -> None:
    with ThreadPoolExecutor(6) as threads:
        applied = list(threads.map(lambda _: migrate(unmigrated.dsn, folder), range(6)))
    assert sorted(functools.reduce(operator.iadd, applied, [])) == ["1_first.sql", "2_second.sql"]
    assert steps(unmigrated) == [2]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("select 1;\n\nselect\n  nonsense(;\n", 4),
        ("select 1;\n\n-- why\nselect 1 / 0;\n", 4),
        ("\ndo $$\nbegin\n  perform 1;\n  raise exception 'x';\nend $$;\n", 2),
        ("create function f() returns int language plpgsql as $$\nbegin\n  retrun 1;\nend $$;", 3),
        ("select missing_column\nfrom steps;", 1),
    ],
)
def test_an_error_names_file_and_line_and_undoes_the_file_alone(
    unmigrated: Database, folder: Path, text: str, line: int
) -> None:
    (folder / "3_wrong.sql").write_text(THIRD + text)
    (folder / "4_never.sql").write_text("insert into steps values (4);")
    with pytest.raises(StoreError, match=rf"^3_wrong\.sql, line {line}: "):
        migrate(unmigrated.dsn, folder)
    assert steps(unmigrated) == [2]
    assert list(schema_state(unmigrated.dsn, folder).pending) == ["3_wrong.sql", "4_never.sql"]


def test_a_busy_table_is_not_waited_for_without_end(unmigrated: Database, folder: Path) -> None:
    migrate(unmigrated.dsn, folder)
    (folder / "3_alter.sql").write_text("alter table steps add column extra int;")
    with unmigrated.connect() as connection, connection.transaction():
        connection.execute("select * from steps")
        with pytest.raises(StoreUnavailable, match=r"3_alter\.sql, line 1") as caught:
            migrate(unmigrated.dsn, folder, lock_timeout_seconds=0.1)
    assert "stop the workers" in caught.value.remedy
    assert migrate(unmigrated.dsn, folder) == ["3_alter.sql"]


def test_a_role_that_may_not_create_tables_is_denied(
    postgres15_databases: Databases, folder: Path
) -> None:
    with postgres15_databases.empty() as name:
        dsn = postgres15_databases.server.login(name, "authenticator")
        with pytest.raises(StoreDenied):
            migrate(dsn, folder)


def test_the_record_is_closed_to_visitors(postgres15_databases: Databases, folder: Path) -> None:
    with postgres15_databases.empty() as name:
        dsn = postgres15_databases.server.owner(name)
        migrate(dsn, folder)
        assert migrate(dsn, folder) == []
        with psycopg.connect(dsn, autocommit=True) as connection:
            row = connection.execute(
                "select relrowsecurity, has_table_privilege('anon', oid, 'select'),"
                " has_table_privilege('authenticated', oid, 'insert')"
                " from pg_class where relname = 'safari_migrations'"
            ).fetchone()
        assert row == (True, False, False)


def test_a_sql_error_keeps_its_words(unmigrated: Database, folder: Path) -> None:
    (folder / "3_wrong.sql").write_text("do $$ begin raise exception 'because'; end $$;")
    with pytest.raises(StoreRefused, match="because") as caught:
        migrate(unmigrated.dsn, folder)
    assert "Nothing of this file was applied" in caught.value.remedy


@pytest.mark.parametrize("fixture", ["embedded_databases", "postgres15_databases"])
def test_migrations_apply_to_an_empty_database_and_are_idempotent(
    request: pytest.FixtureRequest, fixture: str
) -> None:
    databases: Databases = request.getfixturevalue(fixture)
    with databases.empty() as name:
        dsn = databases.server.owner(name)
        names = migrate(dsn)
        assert names == [file.name for file in read_schema().files]
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("delete from safari_migrations")
        assert migrate(dsn) == names
