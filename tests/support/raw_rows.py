"""Rows with whatever PostgreSQL allows in each column of the queue, as a raw INSERT may bring."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

TIMES = (
    "infinity",
    "-infinity",
    "20000-01-01",
    "0044-03-15 BC",
    "294276-12-31",
    "2026-01-01",
    None,
)
NUMBERS = (0, 1, -1, 2**31 - 1, -(2**31), None)
BIG = (0, -1, 2**63 - 1, -(2**63), None)
TEXTS = (
    "",
    " ",
    "\u00a0x\t",
    "x" * 5000,
    "'; drop table x; --",
    "\u202eabc",
    "a\x01b",
    "é" * 300,
    None,
)
ACTIONS = (
    "send_dm",
    " send_dm",
    "send_dm\n",
    "comment",
    "tweet",
    "market_research",
    "navigate",
    "",
    "unheard_of",
    "SEND_DM",
    "a:b",
)
PLATFORMS = ("twitter", "instagram\n", "\u00a0tiktok", "linkedin", "Threads", "myspace", "", None)
STATUSES = (
    *("pending", "running", "completed", "failed", "cancelled", None),
    *("Pending", " running", "FAILED\n", "", "queued"),
)
PARAMS = (
    '{"username": "ada", "text": "hello"}',
    '{"username": "ada", "text": null}',
    '{"username": "ada", "text": "hello", "' + "k" * 100_000 + '": 1}',
    '{"username": "ada", "text": "hello", "n": 0.' + "3" * 400 + "}",
    '{"username": "ada", "text": "hello", "n": ' + "9" * 400 + "}",
    '{"username": "ada", "a": ' + "[" * 1000 + "]" * 1000 + "}",
    # A text that holds JSON, with what PostgreSQL refuses in JSON itself.
    '"{\\"username\\": \\"ada\\", \\"text\\": \\"\\\\u0000\\"}"',
    '"{\\"username\\": \\"ada\\", \\"text\\": \\"\\\\ud800\\"}"',
    '[{"username": "ada", "text": "hello"}]',
    '{"username": "ada\\ud83d\\ude00", "text": ["a", {"b": null}]}',
    "null",
    "[]",
    "7",
    '"text"',
    "{}",
    "[" * 3000 + "]" * 3000,
    '{"n": ' + "1" * 5000 + "}",
    '{"n": 1e5000}',
    '{"a": ' * 60 + "1" + "}" * 60,
    '{"username": ["x"], "text": {"a": 1}}',
    '{"username": "ada", "text": "' + "y" * 1_200_000 + '"}',
    '{"platform": 5}',
    '{"username": "' + "1" * 5000 + '", "text": "x"}',
    '{"campaign_step": "dm_1"}',
    None,
)
BY_NAME: dict[str, tuple[Any, ...]] = {
    "action": ACTIONS,
    "platform": PLATFORMS,
    "status": STATUSES,
    "params": PARAMS,
    "result": PARAMS,
    "priority": (*NUMBERS, 5),
    "hold": ("x", "backlog", "campaign", "", None),
    "service": ("twitter-dm", "local", "foreign", "nonsense", None),
    "effect": ("once", "repeatable", "nonsense", None),
    "reason": ("unknown", "poison", "x", None),
    "campaign_id": (*TEXTS[:3], "c1", None),
    "batch_id": (*TEXTS, "c1"),
    "idempotency_key": (*TEXTS[:3], "k", None),
}
BY_TYPE: dict[str, tuple[Any, ...]] = {
    "timestamp with time zone": TIMES, "integer": NUMBERS, "bigint": BIG, "text": TEXTS,
    "boolean": (True, False, None), "jsonb": PARAMS,
    "uuid": ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", None),
}  # fmt: skip

# Errors by which PostgreSQL refuses a value: its writer is told.
TOLD = (
    psycopg.errors.DataError,
    psycopg.errors.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
)


def edit_raw_rows(connection: psycopg.Connection, random: Random, wanted: int) -> int:
    """Write one such value into each of ``wanted`` rows; return how many PostgreSQL accepted."""
    types = _types(connection)
    ids = [row[0] for row in connection.execute("select id from safari_command_queue").fetchall()]
    accepted = 0
    for id_ in random.sample(ids, min(wanted, len(ids))):
        name = random.choice(sorted(types))
        statement = sql.SQL("update safari_command_queue set {} = %s where id = %s")
        with suppress(*TOLD):
            connection.execute(
                statement.format(sql.Identifier(name)), (_value(random, types, name), id_)
            )
            accepted += 1
    return accepted


def insert_raw_rows(connection: psycopg.Connection, random: Random, wanted: int) -> list[str]:
    """Insert ``wanted`` rows that PostgreSQL accepts; return their ids."""
    types = _types(connection)
    found: list[str] = []
    for columns in _rows(random, types):
        try:
            row = connection.execute(_insert(columns), list(columns.values())).fetchone()
        except TOLD:
            continue
        assert row is not None
        found.append(row[0])
        if len(found) == wanted:
            break
    return found


def _rows(random: Random, types: dict[str, str]) -> Iterator[dict[str, Any]]:
    while True:
        row = {"action": random.choice(ACTIONS), "platform": random.choice(PLATFORMS)}
        for name in random.sample(sorted(types), random.randint(1, 8)):
            row[name] = _value(random, types, name)
        yield row


def _value(random: Random, types: dict[str, str], name: str) -> Any:
    return random.choice(BY_NAME.get(name) or BY_TYPE[types[name]])


def _types(connection: psycopg.Connection) -> dict[str, str]:
    return dict(
        connection.execute(
            "select column_name, data_type from information_schema.columns"
            " where table_name = 'safari_command_queue' and column_name <> 'id'"
        ).fetchall()
    )


def _insert(columns: dict[str, Any]) -> sql.Composed:
    return sql.SQL("insert into safari_command_queue ({}) values ({}) returning id::text").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(sql.Placeholder() * len(columns)),
    )
