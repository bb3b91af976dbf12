"""The tables of this project."""

from __future__ import annotations

import re

from actp.store.schema import MIGRATIONS

__all__ = ["our_tables"]

_TABLE = re.compile(
    r"^\s*create table (?:if not exists )?public\.(\w+)", re.IGNORECASE | re.MULTILINE
)


def our_tables() -> list[str]:
    """Return every table that the migrations name."""
    sources = (path.read_text(encoding="utf-8") for path in MIGRATIONS.glob("*.sql"))
    return sorted({name for source in sources for name in _TABLE.findall(source)})
