"""Values of a raw row that are huge, unreadable or spelled in another way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.store.test_raw_rows import DEEP, admit, claim, insert, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from tests.support.databases import Database


@pytest.fixture
def admin(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        admit(database, connection)
        yield connection


@pytest.mark.parametrize(
    "column", ["batch_id", "metadata", "action", "platform", "error", "reason", "result"]
)
@pytest.mark.parametrize("status", ["pending", "failed"])
def test_a_row_adds_little_to_a_listing(
    database: Database, admin: psycopg.Connection, column: str, status: str
) -> None:
    huge = "z" * 3_000_000
    value = json.dumps({"a": huge}) if column in {"metadata", "result"} else huge
    id_ = insert(admin, **{column: value, "status": status})
    assert len(json.dumps(row_of(admin, id_))) < 10_000
    assert len(json.dumps(database.store.call("safari_show", id=id_))) < 20_000


@pytest.mark.parametrize("edited", [False, True])
def test_a_huge_value_that_is_stored_compressed_is_seen_as_huge(
    database: Database, admin: psycopg.Connection, *, edited: bool
) -> None:
    huge = json.dumps({"username": "ada", "text": "y" * 10_000_000})
    admin.execute("create temp table theirs (params jsonb)")
    admin.execute("insert into theirs values (%s)", (huge,))
    if edited:
        id_ = insert(admin)
        admin.execute("update safari_command_queue set params = t.params from theirs t")
    else:
        row = admin.execute(
            "insert into safari_command_queue (action, platform, params, metadata)"
            " select 'send_dm', 'twitter', params, params from theirs returning id::text"
        ).fetchone()
        assert row is not None
        id_ = row[0]
    ended = row_of(admin, id_)
    assert (ended["status"], ended["reason"]) == ("failed", "validation")
    assert len(json.dumps(ended)) < 10_000
    assert claim(database) == []


@pytest.mark.parametrize("status", ["Pending", " pending", "PENDING\n", "\u00a0pending", ""])
def test_a_status_in_another_spelling_is_the_one_it_means(
    database: Database, admin: psycopg.Connection, status: str
) -> None:
    id_ = insert(admin, status=status)
    assert [row["id"] for row in claim(database)] == [id_]


def test_metadata_that_nobody_can_decode_is_named(admin: psycopg.Connection) -> None:
    row = row_of(admin, insert(admin, metadata=DEEP))
    assert row["status"] == "pending"
    assert set(row["metadata"]) == {"unreadable"}


@pytest.mark.parametrize("action", ["send_dm ", "\u00a0send_dm", "send_dm\n", "\tsend_dm"])
@pytest.mark.parametrize("platform", ["instagram\n", "\u00a0Instagram", "instagram\t"])
def test_space_of_any_kind_does_not_change_the_route(
    admin: psycopg.Connection, action: str, platform: str
) -> None:
    row = row_of(admin, insert(admin, action=action, platform=platform))
    assert (row["service"], row["action"], row["platform"]) == (
        "instagram-dm",
        "send_dm",
        "instagram",
    )
