"""A connection pooler between a store and its database, on a port that says nothing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from actp.store.postgres import PostgresStore
from tests.support.pooler import Pooler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import Database

CALLS = 7  # more than a statement is run before it is prepared
LEFT_IN_SESSION: LiteralString = (
    "select current_setting('statement_timeout'), current_setting('lock_timeout'),"
    " (select count(*) from pg_prepared_statements), (select count(*) from pg_listening_channels())"
)


def socket_of(database: Database) -> Path:
    parts = conninfo_to_dict(database.dsn)
    return Path(str(parts["host"])) / f".s.PGSQL.{parts.get('port', 5432)}"


@pytest.fixture
def pooler(database: Database, request: pytest.FixtureRequest) -> Iterator[Pooler]:
    with Pooler(socket_of(database), by_transaction=request.param) as pooler:
        yield pooler


@pytest.fixture
def dsn(database: Database, pooler: Pooler) -> str:
    return make_conninfo(
        database.dsn, host="127.0.0.1", port=pooler.port, sslmode="disable", gssencmode="disable"
    )


@pytest.fixture
def store(dsn: str) -> Iterator[PostgresStore]:
    with closing(PostgresStore(dsn)) as store:
        yield store


@pytest.mark.parametrize("pooler", [True], indirect=True)
def test_a_transaction_pooler_is_noticed_on_any_port(
    store: PostgresStore, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(CALLS):
        assert store.call("safari_now")
    assert store.listener() is None
    assert "transaction pooler" in caplog.text
    store.close()
    with psycopg.connect(dsn, autocommit=True) as other:
        assert other.execute(LEFT_IN_SESSION).fetchone() == ("0", "0", 0, 0)


@pytest.mark.parametrize("pooler", [False], indirect=True)
def test_a_session_pooler_carries_notifications(
    store: PostgresStore, caplog: pytest.LogCaptureFixture
) -> None:
    listener = store.listener()
    assert listener is not None
    listener.close()
    assert "pooler" not in caplog.text
