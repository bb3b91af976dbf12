"""Rows with whatever PostgreSQL allows in each column of a table that other programs write too."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from tests.support.raw_rows import BY_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

__all__ = ["insert_odd_rows"]

MOST_TRIES: Final = 60
NUMBERS = ("0", "-1", "1e100", "NaN", "Infinity", "-Infinity", "12345678901234567890.5", None)
VALUES: dict[str, tuple[Any, ...]] = {
    **BY_TYPE,
    "text": (*BY_TYPE["text"], "twitter", "pending", "[bold]x[/bold] [/]", "<script>", "\x1b[2Jx"),
    "date": ("infinity", "-infinity", "0044-03-15 BC", "5874897-12-31", "2026-01-01", None),
    "timestamp without time zone": BY_TYPE["timestamp with time zone"],
    "double precision": NUMBERS,
    "numeric": NUMBERS,
    "real": ("0", "NaN", "Infinity", "-1", None),
    "smallint": (0, -1, 32767, None),
    "ARRAY": ("{}", "{NULL}", '{"a","\x01"}', "{1,2}", None),
}
NEEDED = (
    "select column_name, data_type, is_nullable = 'NO' and column_default is null"
    " from information_schema.columns where table_schema = 'public' and table_name = %s"
    " and is_generated = 'NEVER' and is_identity = 'NO'"
)


def insert_odd_rows(connection: psycopg.Connection, random: Random, table: str, wanted: int) -> int:
    """Insert up to ``wanted`` rows that PostgreSQL accepts; return how many."""
    columns = connection.execute(NEEDED, (table,)).fetchall()
    made = 0
    for row in islice(_rows(random, columns), MOST_TRIES):
        if made == wanted:
            break
        try:
            connection.execute(_insert(table, row), list(row.values()))
        except psycopg.DatabaseError:
            continue  # its writer is told
        made += 1
    return made


def _rows(random: Random, columns: list[tuple[str, str, bool]]) -> Iterator[dict[str, Any]]:
    while True:
        needed = [column for column in columns if column[2]]
        others = [column for column in columns if not column[2]]
        chosen = needed + random.sample(others, random.randint(0, min(6, len(others))))
        yield {name: random.choice(VALUES.get(kind, (None,))) for name, kind, _ in chosen}


def _insert(table: str, row: dict[str, Any]) -> sql.Composed:
    if not row:
        return sql.SQL("insert into {} default values").format(sql.Identifier(table))
    return sql.SQL("insert into {} ({}) values ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
    )
