"""The agents' tables, which other programs share: what the queue can do without."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from actp.errors import SchemaMissing, StoreError
from actp.store.schema import read_schema
from actp.store.statements import statements

if TYPE_CHECKING:
    from actp.store.protocol import Store
    from actp.store.statements import Statement

__all__ = ["AgentsTables", "Misfit", "explained", "is_optional", "look", "wanted_columns"]

_NAME: Final = re.compile(r"\b(safari_\w+|(?:agent|crm|actp|youtube|linkedin)_\w+)")
_TAKES_AGENTS_ROW: Final = re.compile(
    r"\s*create(?: or replace)? function\s+public\.\w+\s*\([^()]*"
    r"\bpublic\.(?:crm|actp|youtube|linkedin)_\w+",
    re.IGNORECASE,
)
_COMMENT: Final = re.compile(r"--[^\n]*")
_TABLE: Final = re.compile(
    r"(?:create table(?: if not exists)?|alter table(?: if exists)?)\s+public\.(\w+)(.*)",
    re.IGNORECASE | re.DOTALL,
)
_TYPE: Final = (
    r"(uuid|text|integer|bigint|smallint|jsonb|boolean|date|timestamptz|timestamp"
    r"|double precision|real|numeric)(?:\s*\([\d, ]+\))?(\[\])?"
)
_COLUMN: Final = re.compile(
    rf"(?:^|[(,]|add column(?: if not exists)?)\s*(\w+)\s+{_TYPE}(?=[\s,);]|$)", re.IGNORECASE
)


class Misfit(NamedTuple):
    """A column of an agent's table whose type does not fit, or that is missing."""

    table: str
    column: str
    found: str | None
    wanted: str

    def __str__(self) -> str:
        """Return ``table.column is jsonb, wanted text[]``."""
        return f"{self.table}.{self.column} is {self.found or 'missing'}, wanted {self.wanted}"

    @property
    def remedy(self) -> str:
        """Return the SQL that makes room for the column as it is wanted; nothing is lost."""
        add = f"add column {self.column} {self.wanted}"
        if self.column == "id":
            add += " default gen_random_uuid()"
        if self.found is None:
            return f"alter table public.{self.table} {add};"
        rename = f"rename column {self.column} to {self.column}_before"
        return f"alter table public.{self.table} {rename}; alter table public.{self.table} {add};"


class AgentsTables(NamedTuple):
    """What keeps agents from working on tables that other programs made."""

    missing_keys: tuple[str, ...]  # table (columns)
    misfits: tuple[Misfit, ...]


def look(store: Store) -> AgentsTables:
    """Compare the agents' tables with what the agents need; works over REST too."""
    return AgentsTables(
        tuple(
            f"{key['table']} ({', '.join(key['columns'])})"
            for key in store.call("agent_missing_keys")
        ),
        tuple(Misfit(**row) for row in store.call("agent_misfits", wanted=wanted_columns())),
    )


def explained(error: StoreError, store: Store) -> StoreError:
    """Return the error of an agent's function, or a better one where its own tables do not fit."""
    try:
        found = look(store)
        used = set(store.call("agent_tables_of", function_name=error.function or ""))
    except StoreError:
        return error
    misfits = [misfit for misfit in found.misfits if misfit.table in used]
    if misfits:
        names = "; ".join(map(str, misfits))
        remedies = "\n".join(misfit.remedy for misfit in misfits)
        return SchemaMissing(
            f"this agent is off, a table of it does not fit: {names}",
            remedy=f"The queue and the other agents work without it. In SQL:\n{remedies}\n"
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
    """Tell whether a statement is about an agent's table, so that the queue runs without it."""
    text = _COMMENT.sub("", statement.text)
    match = _NAME.search(text)
    return match is not None and (
        not match[1].startswith("safari_") or _TAKES_AGENTS_ROW.match(text) is not None
    )


def wanted_columns() -> dict[str, dict[str, str]]:
    """Return the type of each column of the agents' tables, as PostgreSQL names it."""
    wanted: dict[str, dict[str, str]] = {}
    for file in read_schema().files:
        for statement in statements(file.text):
            match = _TABLE.match(_COMMENT.sub("", statement.text))
            if match and not match[1].startswith("safari_"):
                columns = wanted.setdefault(match[1], {})
                for name, kind, array in _COLUMN.findall(match[2]):
                    columns.setdefault(name, _named(kind.lower()) + array)
    return wanted


def _named(kind: str) -> str:
    names = {"timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone"}
    return names.get(kind, kind)
