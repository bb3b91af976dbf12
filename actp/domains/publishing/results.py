"""Keeps outcomes of posts on disk until the database has stored them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from actp.errors import StoreRefused, StoreUnavailable
from actp.spool import Spool, left_behind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from actp.store import Store

__all__ = ["Results"]

_log = logging.getLogger(__name__)


class Results:
    """What came of posts, stored at once or, while the database is away, on disk.

    Nothing may be claimed before ``flush`` has gone well: a claim takes an attempt without a
    result for one of which nobody knows.
    """

    def __init__(self, store: Store, folder: Path, boot_id: str) -> None:
        self._store = store
        self._folder = folder
        self._boot_id = boot_id
        self._spool: Spool | None = None
        self._kept: dict[str, dict[str, Any]] = {}

    def settle(self, **result: Any) -> Mapping[str, Any] | None:
        """Store a result and return the task; raises StoreUnavailable once it is safe on disk."""
        try:
            row: Mapping[str, Any] | None = self._store.call(
                "agent_publish_submitted", boot_id=self._boot_id, **result
            )
        except StoreUnavailable:
            self.keep(**result)
            raise
        return row

    def keep(self, **result: Any) -> None:
        """Put a result on disk."""
        if self._spool is None:
            self._spool = Spool(self._folder, self._boot_id)
        key = "/".join(str(result[part]) for part in ("task_id", "platform", "attempt"))
        self._kept[key] = result
        self._spool.keep({key: result})

    def flush(self) -> None:
        """Store what this process and those before it left on disk; raises StoreUnavailable."""
        for key, result in [*self._kept.items()]:
            self._store_kept(self._boot_id, result)
            del self._kept[key]
            if self._spool is not None:
                self._spool.forget([key])
        if not self._folder.is_dir():
            return
        for left in left_behind(self._folder):
            for result in left.results:
                self._store_kept(left.boot_id, result)
            left.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Give the file back; what it holds is stored by the next process."""
        if self._spool is not None:
            self._spool.close()

    def _store_kept(self, boot_id: str, result: dict[str, Any]) -> None:
        try:
            self._store.call("agent_publish_submitted", boot_id=boot_id, **result)
        except StoreRefused:
            # Its attempt stays open, and is unknown to the next claim of the task.
            _log.exception("a kept result was refused", extra={"action": "spool_refused"})
