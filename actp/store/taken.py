"""Names of our functions that another program has taken."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from actp.errors import SchemaMissing

if TYPE_CHECKING:
    import psycopg

    from actp.store.schema import Schema

__all__ = ["refuse_taken"]

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
