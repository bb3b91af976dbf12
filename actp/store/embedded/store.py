"""The store on the embedded server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from actp.store.embedded.cluster import CONNECT_TIMEOUT_SECONDS, Cluster
from actp.store.migrate import migrate
from actp.store.postgres import PostgresStore

if TYPE_CHECKING:
    from pathlib import Path


class EmbeddedStore(PostgresStore):
    """A PostgresStore that starts its server if it does not run, with our functions in it."""

    def __init__(self, home: Path, *, application_name: str = "actp") -> None:
        self.cluster = Cluster(home)
        self._started_here = self.cluster.ensure_running()
        if self._started_here:
            migrate(self.cluster.dsn)
        super().__init__(self.cluster.dsn, application_name=application_name)

    def close(self) -> None:
        """Give the connections back and stop a server started here that nobody else uses."""
        super().close()
        if self._started_here:
            self._started_here = False
            if not self._others_are_connected():
                self.cluster.stop()

    def _others_are_connected(self) -> bool:
        try:
            with psycopg.connect(
                self.cluster.dsn, connect_timeout=CONNECT_TIMEOUT_SECONDS
            ) as connection:
                row = connection.execute(
                    "select exists (select from pg_stat_activity"
                    " where backend_type = 'client backend' and pid <> pg_backend_pid())"
                ).fetchone()
        except psycopg.OperationalError:
            return False
        return row is not None and bool(row[0])
