"""Checks that a database has a schema that this copy can work on."""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from actp.errors import SchemaMissing, StoreError
from actp.store.schema import schema_version
from actp.store.sqlstate import error_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actp.errors import ActpError
    from actp.store.protocol import Json, Listener, Store

__all__ = ["CheckedStore", "check_version", "hides_rows"]

# A database may be migrated, restored or exchanged while a process runs.
CHECK_SECONDS: Final = 600.0
MOST_NAMED: Final = 3

_log = logging.getLogger(__name__)


class CheckedStore:
    """A store that looks at the schema version before its first call and every ten minutes.

    Raises SchemaMissing where the schema is older than this copy, or newer than it can work on; a
    newer one that it can work on is logged.
    """

    def __init__(self, store: Store) -> None:
        self.inner = store
        self._checked_at: float | None = None

    def call(self, function: str, /, **arguments: Json) -> Any:
        """See Store."""
        if self._checked_at is None or monotonic() - self._checked_at > CHECK_SECONDS:
            if (note := check_version(self.inner)) and self._checked_at is None:
                _log.warning(note)
            self._checked_at = monotonic()
        try:
            return self.inner.call(function, **arguments)
        except StoreError as error:
            error.function = function
            raise

    def listener(self) -> Listener | None:
        """See Store."""
        return self.inner.listener()

    def close(self) -> None:
        """See Store."""
        self.inner.close()


def check_version(store: Store) -> str | None:
    """Return a remark about a newer database, None where the versions are the same.

    Raises SchemaMissing where this copy cannot work on the database, and StoreDenied where the
    tables look empty to its role.
    """
    here = schema_version()
    try:
        found = store.call("safari_schema")
    except SchemaMissing:
        raise SchemaMissing(
            f"the database has no schema version; this release needs {here}"
            " (release 0.1.0 and databases without tables have none)"
        ) from None
    if found is not None and found.get("hidden"):
        raise hides_rows(found["hidden"])
    if found is None or found["version"] < here:
        version = 0 if found is None else found["version"]
        raise SchemaMissing(
            f"the schema version of the database is {version}, this release needs {here}"
        )
    if found["version"] == here:
        return None
    newer = (
        f"the database is newer than this release: schema version {found['version']} of release"
        f" {found['release']}, this copy has {here}"
    )
    if found["oldest_code"] > here:
        raise SchemaMissing(
            f"{newer}, which cannot work on it", remedy="Update this copy: git pull, bin/restart."
        )
    return f"{newer}; it continues, and changes nothing in the schema"


def hides_rows(tables: Sequence[str]) -> ActpError:
    """Return the error for tables that row-level security empties for the role that asks."""
    more = len(tables) - MOST_NAMED
    named = ", ".join(tables[:MOST_NAMED]) + (f" and {more} more tables" if more > 0 else "")
    return error_of("42501", f"row-level security hides the rows of {named} from this role")
