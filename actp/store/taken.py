"""What keeps a database from being migrated: its encoding, hidden rows, names that are taken."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg

from actp.errors import SchemaMissing
from actp.store.connection import translated
from actp.store.version import hides_rows

if TYPE_CHECKING:
    from actp.store.connection import DeadlineConnection
    from actp.store.schema import Schema

__all__ = ["refuse_taken", "refuse_unfit"]

# What is wrong with how a database stores and compares text. In Turkish the small I has no dot, so
# one person would have two names.
TEXTS: Final[LiteralString] = """case
  when current_setting('server_encoding') <> 'UTF8' then format(
    'the encoding of the database is %s, and names and messages need UTF8',
    current_setting('server_encoding'))
  when lower('Ü') <> 'ü' and not exists (
    select from pg_catalog.pg_collation c where c.collname = 'und-x-icu') then
    'the locale of the database knows ASCII alone, and the server has no ICU: names do not match'
  when lower('I') <> 'i' then
    'the locale of the database changes the letter I, so that names do not match' end"""
UTF8: Final = (
    "Make another one, and set DATABASE_URL to it: create database NAME template template0"
    " encoding 'UTF8' locale 'C.UTF-8'; (or 'en_US.UTF-8', or where the server has ICU 'C')"
)
_FUNCTION = re.compile(r"create or replace function public\.(\w+)", re.IGNORECASE)


def refuse_taken(connection: psycopg.Connection, schema: Schema) -> None:
    """Refuse a database without our schema in which there are functions of our names.

    They would be replaced, or refuse to be. Raises SchemaMissing with the SQL that renames them.
    """
    ours = {name for file in schema.files for name in _FUNCTION.findall(file.text)}
    taken = connection.execute(
        "select format('public.%%I(%%s)', p.proname, pg_get_function_identity_arguments(p.oid)),"
        " quote_ident(p.proname || '_before') from pg_proc p"
        " where p.pronamespace = 'public'::regnamespace and p.proname = any (%s) order by 1",
        (sorted(ours),),
    ).fetchall()
    if taken:
        names = ", ".join(signature for signature, _ in taken)
        renames = "\n".join(
            f"alter routine {signature} rename to {name};" for signature, name in taken
        )
        raise SchemaMissing(
            f"another program has functions of our names: {names}",
            remedy=f"In SQL:\n{renames}\nThen bin/db migrate. Nothing was changed.",
        )


def refuse_unfit(connection: DeadlineConnection) -> None:
    """Close a connection to a database that cannot be worked on, and raise SchemaMissing.

    Raises StoreDenied where our rows are hidden from its role: every file would be pending.
    """
    try:
        fault = _answer(connection, TEXTS)
        hidden = _answer(connection, "to_regproc('public.safari_hidden_tables') is not null")
        hidden = _answer(connection, "public.safari_hidden_tables()") if hidden else None
    except psycopg.Error as error:
        connection.close()
        raise translated(error) from error
    if fault or hidden:
        connection.close()
    if fault:
        raise SchemaMissing(fault, remedy=UTF8)
    if hidden:
        raise hides_rows(hidden)


def _answer(connection: DeadlineConnection, expression: LiteralString) -> Any:
    row = connection.execute(f"select {expression}").fetchone()
    return row and row[0]
