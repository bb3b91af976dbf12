"""The columns of tables, as the SQL that makes them says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from actp.store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["COMMENT", "columns_of"]

COMMENT: Final = re.compile(r"--[^\n]*")
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


def columns_of(sources: Iterable[str], *, queue: bool = False) -> dict[str, dict[str, str]]:
    """Return the columns that these SQL files make, by table: PostgreSQL's names of their types.

    Of the agents' tables, or of those of the queue.
    """
    wanted: dict[str, dict[str, str]] = {}
    for source in sources:
        for statement in statements(source):
            match = _TABLE.match(COMMENT.sub("", statement.text))
            if match and match[1].startswith("safari_") is queue:
                columns = wanted.setdefault(match[1], {})
                for name, kind, array in _COLUMN.findall(match[2]):
                    columns.setdefault(name, _named(kind.lower()) + array)
    return wanted


def _named(kind: str) -> str:
    names = {"timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone"}
    return names.get(kind, kind)
