"""The agents' tables as another program makes them: with other types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actp.store.columns import columns_of
from actp.store.schema import read_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

# The files that make the tables which are shared; what later files add, no other program makes.
SHARED = ("20261101002000_crm_tables.sql", "20261101002010_domain_tables.sql")


def rival_tables(kinds: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the shared tables by their columns; ``kinds`` replaces wanted types."""
    files = [file.text for file in read_schema().files if file.name in SHARED]
    return {
        table: {name: kinds.get(kind, kind) for name, kind in columns.items()}
        for table, columns in columns_of(files).items()
    }


def ddl(tables: Mapping[str, Mapping[str, str]]) -> str:
    """Return the SQL that makes them; a separate uuid is their key."""
    return "".join(
        f"create table {table} ("
        + ", ".join(
            f"{name} {kind}"
            + (" primary key default gen_random_uuid()" if (name, kind) == ("id", "uuid") else "")
            for name, kind in columns.items()
        )
        + ");\n"
        for table, columns in tables.items()
    )
