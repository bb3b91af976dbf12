"""The agents' tables, which other programs share and the queue does not need."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from actp.errors import SchemaMissing, StoreError
from actp.store.columns import COMMENT, columns_of
from actp.store.schema import read_schema

if TYPE_CHECKING:
    from typing import LiteralString

    from actp.store.protocol import Store
    from actp.store.schema import Schema
    from actp.store.statements import Statement

__all__ = [
    "ONLY_MADE",
    "AgentsTables",
    "Misfit",
    "explained",
    "is_optional",
    "look",
    "names_in",
    "wanted_columns",
]

# Of the tables that were absent, agent_close closes those that could be made.
ONLY_MADE: Final[LiteralString] = """\
set_config('actp.absent', coalesce((
        select string_agg(name, ',')
          from unnest(string_to_array(current_setting('actp.absent', true), ',')) name
         where to_regclass('public.' || name) is not null), ''), false)"""
_NAME: Final = re.compile(r"\b(safari_\w+|(?:agent|crm|actp|youtube|linkedin)_\w+)")
_TAKES_AGENTS_ROW: Final = re.compile(
    r"\s*create(?: or replace)? function\s+public\.\w+\s*\([^()]*"
    r"\bpublic\.(?:crm|actp|youtube|linkedin)_\w+",
    re.IGNORECASE,
)
# What PostgreSQL says of a generated column that a function writes.
_COMPUTED: Final = re.compile(r'column "(\w+)".*\(SQLSTATE 428C9\)', re.DOTALL)


class Misfit(NamedTuple):
    """A column of an agent's table whose type does not fit, or that is missing."""

    table: str
    column: str
    found: str | None
    wanted: str
    is_read: bool  # a view reads it as the wanted type

    def __str__(self) -> str:
        """Return ``table.column is jsonb, wanted text[]``."""
        return f"{self.table}.{self.column} is {self.found or 'missing'}, wanted {self.wanted}"

    @property
    def remedy(self) -> str:
        """Return the SQL that makes room for the column as it is wanted; nothing is lost."""
        add = f"add column {self.column} {self.wanted}"
        if self.column == "id":
            add += " unique default gen_random_uuid()"
        if self.found is None:
            return f"alter table public.{self.table} {add};"
        rename = f"rename column {self.column} to {self.column}_before"
        return f"alter table public.{self.table} {rename}; alter table public.{self.table} {add};"


class AgentsTables(NamedTuple):
    """What keeps agents from working on tables that other programs made."""

    missing_keys: tuple[str, ...]  # table (columns)
    misfits: tuple[Misfit, ...]
    fitted: tuple[Misfit, ...] = ()  # other types, which views read as the wanted ones


def look(store: Store) -> AgentsTables:
    """Compare the agents' tables with what the agents need; works over REST too."""
    rows = store.call("agent_misfits", wanted=wanted_columns(), with_read=True)
    found = tuple(Misfit(**row) for row in rows)
    return AgentsTables(
        tuple(
            f"{key['table']} ({', '.join(key['columns'])})"
            for key in store.call("agent_missing_keys")
        ),
        tuple(misfit for misfit in found if not misfit.is_read),
        tuple(misfit for misfit in found if misfit.is_read),
    )


def explained(error: StoreError, store: Store) -> StoreError:
    """Return the error of an agent's function, or a better one where its own tables do not fit."""
    try:
        found = look(store)
        used = set(store.call("agent_tables_of", function_name=error.function or ""))
    except StoreError:
        return error
    if computed := _COMPUTED.search(str(error)):
        column = computed[1]
        tables = sorted(name for name in used if column in wanted_columns().get(name, ()))
        remedies = "\n".join(
            f"alter table public.{name} alter column {column} drop expression;" for name in tables
        )
        return SchemaMissing(
            f"this agent is off, it writes a column that the database computes: {error}",
            remedy="The queue and the other agents work without it. In SQL, where values stay:\n"
            + remedies,
        )
    # A view reads, and writes may fail all the same.
    misfits = [misfit for misfit in found.misfits or found.fitted if misfit.table in used]
    if misfits:
        names = "; ".join(map(str, misfits))
        remedies = "\n".join(misfit.remedy for misfit in misfits)
        first = "bin/db migrate; if that does not help, in" if not found.misfits else "In"
        return SchemaMissing(
            f"this agent is off, a table of it does not fit: {names} ({error})",
            remedy=f"The queue and the other agents work without it. {first} SQL:\n{remedies}\n"
            "Then bin/db migrate.",
        )
    missing = [key for key in found.missing_keys if key.partition(" ")[0] in used]
    if missing:
        return SchemaMissing(
            f"this agent is off, duplicates prevent a key: {'; '.join(missing)}",
            remedy="bin/db duplicates lists them; remove them, then run bin/db migrate.",
        )
    return error


def is_optional(statement: Statement) -> bool:
    """Return whether a statement is about an agent's table, so that the queue runs without it."""
    text = COMMENT.sub("", statement.text)
    match = _NAME.search(text)
    return match is not None and (
        not match[1].startswith("safari_") or _TAKES_AGENTS_ROW.match(text) is not None
    )


def names_in(statement: Statement) -> set[str]:
    """Return the tables and functions that a statement names, as far as they are the agents'."""
    return set(_NAME.findall(COMMENT.sub("", statement.text)))


def wanted_columns() -> dict[str, dict[str, str]]:
    """Return the type of each column of the agents' tables, as PostgreSQL names it."""
    return _wanted(read_schema())


@lru_cache(maxsize=1)
def _wanted(schema: Schema) -> dict[str, dict[str, str]]:
    # A migration asks several times, and parsing all files takes 30 ms.
    return columns_of(file.text for file in schema.files)
