"""Backup and restore of the embedded database, with PostgreSQL's own programs."""

from __future__ import annotations

import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from actp.errors import InvalidInput, StoreError, WrongState
from actp.marks import known_event, remember_event
from actp.store.embedded.backup import dump, hold_what_others_sent, load
from actp.store.embedded.binaries import ENVIRONMENT
from actp.store.embedded.store import EmbeddedStore
from actp.store.migrate import ADVISORY_LOCK
from tests.support.servers import short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROW = """insert into safari_command_queue (action, platform, params)
 values ('send_dm', 'twitter', '{"username": "a", "text": "b"}')"""

# As a later release adds them: both rest on tables of the backup.
LATER = """create table safari_later (service text references safari_services);
create function safari_later(policy safari_policies) returns integer language sql as 'select 1'"""


@pytest.fixture(scope="module")
def store() -> Iterator[EmbeddedStore]:
    with short_folder() as folder, closing(EmbeddedStore(folder / "home")) as store:
        yield store


def count(store: EmbeddedStore) -> int:
    with psycopg.connect(store.cluster.dsn, autocommit=True) as connection:
        row = connection.execute("select count(*) from safari_command_queue").fetchone()
    assert row is not None
    return int(row[0])


def insert(store: EmbeddedStore) -> None:
    with psycopg.connect(store.cluster.dsn, autocommit=True) as connection:
        connection.execute(ROW)


def behind(store: EmbeddedStore, number: int) -> None:
    """Set the sequence of the audit, as a copy without sequences leaves it."""
    with psycopg.connect(store.cluster.dsn, autocommit=True) as connection:
        connection.execute("select setval('safari_command_events_id_seq', %s)", (number,))


def test_a_restored_database_holds_what_may_have_been_sent(
    store: EmbeddedStore, tmp_path: Path
) -> None:
    insert(store)
    before = count(store)
    behind(store, 1)
    dump(store.cluster, tmp_path / "copy")
    behind(store, 1000)
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    insert(store)
    seen = store.call("safari_watermark", known=known_event(tmp_path))
    assert seen["restored"] is False
    remember_event(tmp_path, seen["database"], seen["event"])

    with psycopg.connect(store.cluster.dsn, autocommit=True) as other:
        other.execute(LATER)
        load(store.cluster, tmp_path / "copy")
        with pytest.raises(psycopg.OperationalError):
            other.execute("select 1")
    assert count(store) == before
    insert(store)  # with the next number, although the sequence lay behind
    before += 1
    with psycopg.connect(store.cluster.dsn, autocommit=True) as connection:
        later = "select to_regclass('safari_later'), to_regproc('safari_later')"
        assert connection.execute(later).fetchone() == (None, None)
        databases = connection.execute("select datname from pg_database order by 1").fetchall()
    assert databases == [("postgres",), ("template0",), ("template1",)]
    found = store.call("safari_watermark", known=known_event(tmp_path))
    assert (found["restored"], found["held"]) == (True, before)
    remember_event(tmp_path, found["database"], found["event"])
    assert store.call("safari_watermark", known=known_event(tmp_path))["restored"] is False
    status = store.call("safari_status")
    assert status["backlog_held"] == before
    assert [alert["kind"] for alert in status["alerts"]] == ["database_restored"]


def test_what_another_host_may_have_sent_is_held(store: EmbeddedStore, tmp_path: Path) -> None:
    insert(store)
    known = store.call("safari_watermark", known=known_event(tmp_path))["database"]
    assert hold_what_others_sent(store.cluster, known) == 0
    assert hold_what_others_sent(store.cluster, None) == 1
    alerts = store.call("safari_status")["alerts"]
    assert "another host" in str([alert["detail"] for alert in alerts])


def test_another_database_is_no_restored_one(store: EmbeddedStore, tmp_path: Path) -> None:
    remember_event(tmp_path, "another", 10**9)
    assert store.call("safari_watermark", known=known_event(tmp_path))["restored"] is False


def test_backup_replaces_no_file_and_failed_restore_changes_nothing(
    store: EmbeddedStore, tmp_path: Path
) -> None:
    (tmp_path / "copy").write_text("mine")
    with pytest.raises(InvalidInput, match="exists"):
        dump(store.cluster, tmp_path / "copy")
    before = count(store)
    with pytest.raises(StoreError, match="pg_restore failed"):
        load(store.cluster, tmp_path / "copy")
    with pytest.raises(InvalidInput, match="No such file"):
        load(store.cluster, tmp_path / "nothing")
    assert (tmp_path / "copy").read_text() == "mine"
    assert count(store) == before


def test_a_copy_without_our_rows_changes_nothing(store: EmbeddedStore, tmp_path: Path) -> None:
    before = count(store)
    bare = tmp_path / "bare"
    dsn = make_conninfo(store.cluster.dsn)
    program = str(store.cluster.programs / "pg_dump")
    for more in (
        ["--dbname", dsn, "--table=public.safari_services", "--schema-only"],
        ["--dbname", make_conninfo(dsn, dbname="template1")],
    ):
        command = [program, "--format=custom", f"--file={bare}", *more]
        subprocess.run(command, check=True, env=ENVIRONMENT, timeout=60)
        with pytest.raises(InvalidInput, match="no database with our rows") as refused:
            load(store.cluster, bare)
        assert "Nothing was changed" in refused.value.remedy
    assert count(store) == before


def test_a_second_restore_at_once_is_refused(store: EmbeddedStore, tmp_path: Path) -> None:
    dump(store.cluster, tmp_path / "copy")
    beside = make_conninfo(store.cluster.dsn, dbname="template1")
    with psycopg.connect(beside, autocommit=True) as other:
        other.execute("select pg_advisory_lock(%s)", (ADVISORY_LOCK,))
        with pytest.raises(WrongState, match="another restore is running"):
            load(store.cluster, tmp_path / "copy")
