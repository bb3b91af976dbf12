"""What keeps a database from being migrated: rows that we cannot see, names that are taken."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg

from actp.errors import SchemaMissing
from actp.store.connection import translated
from actp.store.version import hides_rows

if TYPE_CHECKING:
    from actp.store.connection import DeadlineConnection
    from actp.store.schema import Schema

__all__ = ["refuse_hidden", "refuse_taken"]

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


def refuse_hidden(connection: DeadlineConnection) -> None:
    """Close a connection that cannot see our rows, and raise StoreDenied: all would be pending."""
    try:
        if not _answer(connection, "to_regproc('public.safari_hidden_tables') is not null"):
            return
        hidden = _answer(connection, "public.safari_hidden_tables()")
    except psycopg.Error as error:
        connection.close()
        raise translated(error) from error
    if hidden:
        connection.close()
        raise hides_rows(hidden)


def _answer(connection: DeadlineConnection, expression: LiteralString) -> Any:
    row = connection.execute(f"select {expression}").fetchone()
    return row and row[0]
