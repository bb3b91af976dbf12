from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import make_conninfo

from actp.store.connection import connect, parameters_of
from actp.store.listener import NOTIFY_CHANNEL, PostgresListener
from actp.store.postgres import PostgresStore
from actp.store.protocol import Notification
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from tests.support.databases import Database

LONG_SECONDS = 10.0
LISTENER = "listener under test"


@pytest.fixture
def listener(database: Database) -> Iterator[PostgresListener]:
    parameters = parameters_of(database.dsn, application_name=LISTENER)
    listener = PostgresListener(partial(connect, parameters), backoff=Backoff(0.02, 0.1))
    yield listener
    listener.close()


def notify(database: Database, channel: str = NOTIFY_CHANNEL, payload: str = "") -> None:
    with database.connect() as connection:
        connection.execute("select pg_notify(%s, %s)", (channel, payload))


def end_listeners(connection: psycopg.Connection) -> None:
    connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s",
        (LISTENER,),
    )


def test_the_first_wait_is_true_for_work_may_already_be_there(listener: PostgresListener) -> None:
    assert listener.wait(LONG_SECONDS)


def test_silence_lasts_as_long_as_was_asked_for(listener: PostgresListener) -> None:
    listener.wait(LONG_SECONDS)
    started = monotonic()
    assert not listener.wait(0.15)
    assert 0.15 <= monotonic() - started < LONG_SECONDS


def test_a_notification_ends_the_wait(listener: PostgresListener, database: Database) -> None:
    listener.wait(LONG_SECONDS)
    with ThreadPoolExecutor(1) as threads:
        heard = threads.submit(listener.wait, LONG_SECONDS)
        notify(database)
        assert heard.result(LONG_SECONDS)


def test_what_was_said_between_two_waits_is_heard(
    listener: PostgresListener, database: Database
) -> None:
    listener.wait(LONG_SECONDS)
    notify(database)
    notify(database)
    assert listener.wait(LONG_SECONDS)


@pytest.mark.parametrize(
    ("payloads", "services"),
    [
        (["twitter-dm", "tiktok-dm,twitter-dm"], {"twitter-dm", "tiktok-dm"}),
        (["twitter-dm", ""], set()),
    ],
)
def test_the_names_of_services_are_collected(
    listener: PostgresListener, database: Database, payloads: list[str], services: set[str]
) -> None:
    listener.wait(LONG_SECONDS)
    with database.connect() as connection, connection.transaction():
        for payload in payloads:  # committed together, so heard together
            connection.execute("select pg_notify(%s, %s)", (NOTIFY_CHANNEL, payload))
    assert listener.wait(LONG_SECONDS) == Notification(frozenset(services))


def test_another_channel_is_not_heard(listener: PostgresListener, database: Database) -> None:
    listener.wait(LONG_SECONDS)
    notify(database, "something_else")
    assert not listener.wait(0.1)


def test_a_lost_connection_is_made_again_and_that_counts_as_news(
    listener: PostgresListener, database: Database
) -> None:
    listener.wait(LONG_SECONDS)
    with database.connect() as connection:
        end_listeners(connection)
    assert listener.wait(LONG_SECONDS)
    notify(database)
    assert listener.wait(LONG_SECONDS)


def test_without_a_database_a_wait_is_as_long_as_any_other() -> None:
    parameters = parameters_of("postgresql://app@127.0.0.1:1/postgres")
    attempts = []

    def refused() -> None:
        attempts.append(monotonic())
        connect(parameters)

    listener = PostgresListener(refused, backoff=Backoff(0.05, 0.05))  # type: ignore[arg-type]  # never returns
    started = monotonic()
    assert not listener.wait(0.5)
    assert 0.5 <= monotonic() - started < LONG_SECONDS
    assert 2 <= len(attempts) <= 12
    listener.close()


def test_closing_from_another_thread_ends_the_wait(listener: PostgresListener) -> None:
    listener.wait(LONG_SECONDS)
    with ThreadPoolExecutor(1) as threads:
        heard = threads.submit(listener.wait, LONG_SECONDS)
        closer = threading.Thread(target=listener.close)
        closer.start()
        assert not heard.result(LONG_SECONDS / 2)
        closer.join()
    assert not listener.wait(LONG_SECONDS)
    listener.close()


def test_a_transaction_pooler_has_no_listener(database: Database) -> None:
    assert PostgresStore(make_conninfo(database.dsn, port="6543")).listener() is None


def test_a_store_hands_out_a_listener(database: Database) -> None:
    listener = database.store.listener()
    assert listener is not None
    assert listener.wait(LONG_SECONDS)
    listener.close()
