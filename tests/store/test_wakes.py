"""Who wakes the workers: a row set back by hand does, what they do themselves does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.store.listener import NOTIFY_CHANNEL
from tests.store.life import Life

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from tests.support.databases import Database

WITHIN_SECONDS = 10.0
MARK = "mark"


@pytest.fixture
def life(database: Database) -> Life:
    return Life(database.store)


@pytest.fixture
def ear(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        connection.execute(f"listen {NOTIFY_CHANNEL}".encode())
        yield connection


def calls(ear: psycopg.Connection) -> int:
    """Return how many notifications came since the last time."""
    return len(called(ear))


def called(ear: psycopg.Connection) -> list[set[str]]:
    """Return the names in each notification since the last time; a mark ends the wait."""
    ear.execute("select pg_notify(%s, %s)", (NOTIFY_CHANNEL, MARK))
    before: list[set[str]] = []
    for heard in ear.notifies(timeout=WITHIN_SECONDS):
        if heard.payload == MARK:
            return before
        before.append(set(filter(None, heard.payload.split(","))))
    raise AssertionError("not even the mark was heard")


def set_pending(ear: psycopg.Connection, command: str) -> None:
    ear.execute("update safari_command_queue set status = 'pending' where id = %s", (command,))


@pytest.mark.parametrize("verdict", ["rejected", "sent"])
def test_row_set_pending_by_hand_wakes_the_workers(
    verdict: str, life: Life, ear: psycopg.Connection
) -> None:
    command = life.enqueue()
    life.end(command, verdict)
    calls(ear)
    set_pending(ear, command)
    assert calls(ear) == 1


def test_a_claimed_row_that_is_set_pending_by_hand_wakes_the_workers(
    life: Life, ear: psycopg.Connection
) -> None:
    command = life.enqueue()
    life.claim()
    calls(ear)
    set_pending(ear, command)
    assert calls(ear) == 1
    set_pending(ear, command)
    assert calls(ear) == 0, "it was pending already"


def test_what_a_worker_does_with_its_own_rows_wakes_nobody(
    life: Life, ear: psycopg.Connection
) -> None:
    first, second = life.enqueue(), life.enqueue(username="grace")
    calls(ear)
    life.claim()
    life.begin(first)
    life.finish(first, "retry")
    life.begin(second)
    life.finish(second, "sent")
    assert calls(ear) == 0


def test_new_rows_call_the_services_that_own_them(life: Life, ear: psycopg.Connection) -> None:
    ear.execute(
        "insert into safari_command_queue (action, platform, params) values"
        " ('send_dm', 'twitter', '{}'), ('comment', 'tiktok', '{}'), ('unheard of', null, '{}')"
    )
    assert called(ear) == [{"twitter-dm", "tiktok-comments", "local"}]
    command = life.enqueue()
    life.end(command, "rejected")
    called(ear)
    set_pending(ear, command)
    assert called(ear) == [{"twitter-dm"}]


def test_rows_of_other_consumers_call_nobody(life: Life, ear: psycopg.Connection) -> None:
    life.store.call("safari_configure", policies=[], settings={"foreign_actions": ["theirs"]})
    called(ear)
    ear.execute("insert into safari_command_queue (action) values ('theirs')")
    assert called(ear) == []


def test_what_concerns_every_service_calls_all_of_them(life: Life, ear: psycopg.Connection) -> None:
    life.store.call("safari_resume", platform="all")
    assert called(ear) == [set()]
