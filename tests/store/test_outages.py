"""What a store does when the database or the way to it fails."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from actp.errors import StoreDenied, StoreUnavailable
from actp.store.embedded.cluster import Cluster
from actp.store.migrate import migrate
from actp.store.postgres import PostgresStore
from tests.support.proxy import Proxy
from tests.support.servers import short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import Databases

CONFORMANCE = Path(__file__).parent
CALL_TIMEOUT_SECONDS = 0.8
# Others may crowd the machine.
PATIENCE_SECONDS = 20.0
PREPARED_AFTER = 7  # calls, of one statement
SESSION: LiteralString = """
create or replace function forget() returns jsonb language plpgsql as $$
begin execute 'deallocate all'; return null; end $$;
create or replace function prepared() returns jsonb language sql as
  $$ select to_jsonb(count(*)) from pg_prepared_statements $$"""
OPEN: LiteralString = "select count(*) from pg_stat_activity where application_name = 'actp'"
ACTIVE: LiteralString = OPEN + " and state = 'active'"
IDLE: LiteralString = OPEN + " and state = 'idle'"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with short_folder() as folder:
        cluster = Cluster(folder, {"fsync": "off"})
        cluster.ensure_running()
        migrate(cluster.dsn, CONFORMANCE)
        yield cluster
        cluster.stop()


@pytest.fixture
def store(cluster: Cluster) -> Iterator[PostgresStore]:
    cluster.ensure_running()
    store = PostgresStore(cluster.dsn)
    yield store
    store.close()


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[Proxy]:
    cluster.ensure_running()
    sockets = str(conninfo_to_dict(cluster.dsn)["host"])
    with Proxy(Path(sockets, ".s.PGSQL.5432")) as proxy:
        yield proxy


@pytest.fixture
def distant(cluster: Cluster, proxy: Proxy) -> Iterator[PostgresStore]:
    """A store that reaches the server through the proxy."""
    dsn = make_conninfo(cluster.dsn, host="127.0.0.1", port=proxy.port, sslmode="disable")
    store = PostgresStore(dsn, call_timeout_seconds=CALL_TIMEOUT_SECONDS)
    yield store
    store.close()


def postmaster(cluster: Cluster) -> int:
    with psycopg.connect(cluster.dsn) as connection:
        row = connection.execute("show data_directory").fetchone()
    assert row is not None
    return int(Path(row[0], "postmaster.pid").read_text().split()[0])


def wait_for(connection: psycopg.Connection, question: LiteralString, count: int) -> None:
    """Ask until the answer is the count."""
    deadline = monotonic() + PATIENCE_SECONDS
    while connection.execute(question).fetchone() != (count,):
        assert monotonic() < deadline, question


def warm(store: PostgresStore, connections: int) -> None:
    """Fill the pool: that many calls at once."""
    with ThreadPoolExecutor(connections) as threads:
        list(
            threads.map(
                lambda _: store.call("conformance_slow", p_seconds=0.05), range(connections)
            )
        )


def test_the_first_call_after_a_restart_of_the_server_succeeds(
    cluster: Cluster, store: PostgresStore
) -> None:
    warm(store, 5)
    cluster.stop()
    cluster.ensure_running()
    assert store.call("conformance_null") is None


def test_the_first_call_after_a_crash_of_the_server_succeeds(
    cluster: Cluster, store: PostgresStore
) -> None:
    key = str(uuid4())
    store.call("conformance_note", p_key=key)
    os.kill(postmaster(cluster), signal.SIGKILL)
    assert cluster.ensure_running()
    assert store.call("conformance_note", p_key=key) == {"times": 2}


def test_connections_that_an_administrator_ends_are_replaced(
    cluster: Cluster, store: PostgresStore
) -> None:
    warm(store, 3)
    with psycopg.connect(cluster.dsn, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'actp'"
        )
    assert store.call("conformance_null") is None


def test_a_session_that_stays_read_only_is_replaced(cluster: Cluster, store: PostgresStore) -> None:
    read_only: LiteralString = "alter database postgres set default_transaction_read_only = {}"
    with psycopg.connect(cluster.dsn, autocommit=True) as connection:
        connection.execute(read_only.format("on"))
        try:
            with pytest.raises(StoreUnavailable, match="read-only") as refusal:
                store.call("conformance_note", p_key=str(uuid4()))
        finally:
            connection.execute("set default_transaction_read_only = off")
            connection.execute(read_only.format("off"))
    assert "disk may be full" in refusal.value.remedy
    assert store.call("conformance_note", p_key=str(uuid4())) == {"times": 1}


def test_a_session_that_others_use_as_well_costs_nothing(
    cluster: Cluster, store: PostgresStore, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(cluster.dsn, autocommit=True) as connection:
        connection.execute(SESSION)
    for _ in range(PREPARED_AFTER):
        assert store.call("conformance_null") is None
    assert store.call("prepared") == 1
    # As a transaction pooler on any port does: the next transaction runs in another session.
    store.call("forget")
    for _ in range(PREPARED_AFTER):
        assert store.call("conformance_null") is None
    assert "transaction pooler" in caplog.text
    assert store.listener() is None, "no notification would arrive"
    assert store.call("prepared") == 0


def test_a_server_that_is_down_is_unavailable_at_once_and_back_at_once(
    cluster: Cluster, store: PostgresStore
) -> None:
    store.call("conformance_null")
    cluster.stop()
    started = monotonic()
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            store.call("conformance_null")
    assert monotonic() - started < PATIENCE_SECONDS
    cluster.ensure_running()
    assert store.call("conformance_null") is None


def test_a_refused_port_is_unavailable() -> None:
    store = PostgresStore("postgresql://app@127.0.0.1:1/postgres")
    with pytest.raises(StoreUnavailable, match="refused"):
        store.call("conformance_null")


def test_a_black_hole_costs_one_timeout_and_heals(distant: PostgresStore, proxy: Proxy) -> None:
    distant.call("conformance_null")
    proxy.swallow()
    started = monotonic()
    with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.8 s"):
        distant.call("conformance_null")
    assert CALL_TIMEOUT_SECONDS <= monotonic() - started < CALL_TIMEOUT_SECONDS + PATIENCE_SECONDS
    proxy.forward()
    assert distant.call("conformance_null") is None


def test_a_call_that_timed_out_is_not_sent_again(cluster: Cluster, distant: PostgresStore) -> None:
    distant.call("conformance_null")
    with pytest.raises(StoreUnavailable):
        distant.call("conformance_slow", p_seconds=30)
    with psycopg.connect(cluster.dsn, autocommit=True) as connection:
        row = connection.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where state = 'active' and query like '%conformance_slow%'"
            " and pid <> pg_backend_pid()"
        ).fetchone()
    assert row == (1,)


def test_after_a_timeout_no_other_old_connection_costs_one_too(
    cluster: Cluster, distant: PostgresStore, proxy: Proxy
) -> None:
    warm(distant, 3)
    with psycopg.connect(cluster.dsn, autocommit=True) as connection:
        wait_for(connection, IDLE, 3)
        proxy.swallow()
        with pytest.raises(StoreUnavailable):
            distant.call("conformance_null")
        wait_for(connection, IDLE, 0)


def test_connecting_into_a_black_hole_ends(cluster: Cluster, proxy: Proxy) -> None:
    dsn = make_conninfo(
        cluster.dsn, host="127.0.0.1", port=proxy.port, sslmode="disable", connect_timeout=2
    )
    proxy.swallow()
    started = monotonic()
    with pytest.raises(StoreUnavailable):
        PostgresStore(dsn).call("conformance_null")
    assert monotonic() - started < 2 + PATIENCE_SECONDS


def test_a_stopped_backend_costs_one_timeout(cluster: Cluster) -> None:
    store = PostgresStore(cluster.dsn, call_timeout_seconds=CALL_TIMEOUT_SECONDS)
    backend = store.call("conformance_backend")["pid"]
    os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(StoreUnavailable):
            store.call("conformance_null")
    finally:
        os.kill(backend, signal.SIGCONT)
    assert store.call("conformance_backend")["pid"] != backend
    store.close()


def test_a_connection_cut_while_idle_is_replaced(distant: PostgresStore, proxy: Proxy) -> None:
    distant.call("conformance_null")
    proxy.cut()
    assert distant.call("conformance_null") is None


def test_a_connection_cut_in_the_middle_of_a_first_call_is_unavailable(
    distant: PostgresStore, proxy: Proxy
) -> None:
    cutter = threading.Timer(0.2, proxy.cut)
    cutter.start()
    with pytest.raises(StoreUnavailable):
        distant.call("conformance_slow", p_seconds=0.35)
    cutter.join()


def test_the_server_is_told_to_end_what_is_too_slow(store: PostgresStore) -> None:
    assert store.call("conformance_setting", p_name="statement_timeout") == "15s"
    assert store.call("conformance_setting", p_name="lock_timeout") == "10s"


def test_a_wrong_password_is_denied_without_being_shown(postgres15_databases: Databases) -> None:
    dsn = make_conninfo(postgres15_databases.server.owner_dsn, password="wrong-secret")  # noqa: S106  # not one
    with pytest.raises(StoreDenied) as caught:
        PostgresStore(dsn).call("conformance_null")
    assert "wrong-secret" not in str(caught.value) + repr(caught.value.__cause__)


def test_an_unknown_role_is_denied(cluster: Cluster) -> None:
    with pytest.raises(StoreDenied, match="nobody_here"):
        PostgresStore(make_conninfo(cluster.dsn, user="nobody_here")).call("conformance_null")


def test_an_unknown_database_is_unavailable(cluster: Cluster) -> None:
    with pytest.raises(StoreUnavailable, match="nowhere"):
        PostgresStore(make_conninfo(cluster.dsn, dbname="nowhere")).call("conformance_null")


def test_more_threads_than_connections_take_turns(store: PostgresStore) -> None:
    with ThreadPoolExecutor(20) as threads:
        answers = list(
            threads.map(lambda _: store.call("conformance_slow", p_seconds=0.01), range(60))
        )
    assert len(answers) == 60


def test_a_closed_store_says_so_and_leaves_no_connection(
    cluster: Cluster, store: PostgresStore
) -> None:
    warm(store, 3)
    with ThreadPoolExecutor(1) as threads:
        with psycopg.connect(cluster.dsn, autocommit=True) as connection:
            in_flight = threads.submit(store.call, "conformance_slow", p_seconds=0.2)
            wait_for(connection, ACTIVE, 1)
        store.close()
        store.close()
        assert in_flight.result(PATIENCE_SECONDS) == {"slept": 0.2}
    with pytest.raises(StoreUnavailable, match="closed"):
        store.call("conformance_null")
    with psycopg.connect(cluster.dsn, autocommit=True) as connection:
        wait_for(connection, OPEN, 0)
