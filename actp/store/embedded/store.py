"""The store on the embedded server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actp.store.embedded.cluster import Cluster, Use
from actp.store.migrate import migrate
from actp.store.postgres import PostgresStore

if TYPE_CHECKING:
    from pathlib import Path


class EmbeddedStore(PostgresStore):
    """A PostgresStore that starts its server if it does not run, with our functions in it."""

    def __init__(self, home: Path, *, application_name: str = "actp") -> None:
        self.cluster = Cluster(home)
        self._use: Use | None = self.cluster.enter(migrate)
        super().__init__(self.cluster.dsn, application_name=application_name)

    def close(self) -> None:
        """Give the connections back; the last to close stops a server that a store started."""
        super().close()
        if self._use is not None:
            use, self._use = self._use, None
            self.cluster.leave(use)
