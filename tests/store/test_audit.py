"""The audit of commands: it is only added to until its rows are past their age."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.store.life import Life

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.store.protocol import Store
    from tests.support.databases import Database

EVENTS = "select id, command_id, event, at from safari_command_events order by id"
OLD_EVENT = (
    "insert into safari_command_events (command_id, event, at)"
    " values (gen_random_uuid(), 'claimed', now() - interval '91 days')"
)


@pytest.fixture(params=["owner", "superuser"])
def somebody(request: pytest.FixtureRequest, backend: Database) -> Iterator[psycopg.Connection]:
    """A role that could do anything else to the tables."""
    dsn = backend.dsn if request.param == "owner" else backend.admin_dsn
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    "change",
    [
        "update safari_command_events set event = 'failed'",
        "delete from safari_command_events",
        "truncate safari_command_events",
    ],
)
def test_no_event_is_changed_or_removed_before_its_age(
    store: Store, somebody: psycopg.Connection, change: str
) -> None:
    Life(store).enqueue_and_send()
    before = somebody.execute(EVENTS).fetchall()
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="is an audit"):
        somebody.execute(change.encode())
    assert somebody.execute(EVENTS).fetchall() == before != []


def test_an_event_past_its_age_is_removed_but_not_changed(
    store: Store, somebody: psycopg.Connection
) -> None:
    Life(store).enqueue_and_send()
    before = somebody.execute(EVENTS).fetchall()
    somebody.execute(OLD_EVENT)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="update refused"):
        somebody.execute(
            "update safari_command_events set at = now() where at < now() - interval '1 d'"
        )
    somebody.execute("delete from safari_command_events where at < now() - interval '90 days'")
    assert somebody.execute(EVENTS).fetchall() == before
