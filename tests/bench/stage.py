"""What every figure stands on: one PostgreSQL, simulated services, our settings and no others."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Final

from actp.policy import policies, shared_settings
from actp.settings import (
    DEFAULT_DAILY_LIMITS,
    PROJECT_ROOT,
    SERVICE_SETTINGS,
    Settings,
    load_settings,
)
from actp.settings.names import ALIASES, KNOWN
from actp.store.embedded.cluster import Cluster
from simulator.process import SimulatorProcess
from tests.bench.cpu import server_pid
from tests.support.databases import Databases, postgres_database
from tests.support.servers import Server, short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.databases import Database

__all__ = ["LATENCY_MS", "WORKERS", "Stage", "open_stage"]

LATENCY_MS: Final = 2.0
WORKERS: Final = int(Settings.model_fields["workers"].default)
PLENTY: Final = 1_000_000
# Workers and rivals, each with a pool, beside the measuring process.
MAX_CONNECTIONS: Final = "150"

PACE: Final = {
    "SAFARI_ACTIVE_HOURS": "00-24",
    "SAFARI_TIME_ZONE": "Etc/UTC",
    "SAFARI_MIN_GAP_SECONDS": "0",
    "SAFARI_TURNS": "9",
    "SAFARI_DAILY_LIMITS": json.dumps(
        {platform: dict.fromkeys(kinds, PLENTY) for platform, kinds in DEFAULT_DAILY_LIMITS.items()}
    ),
    "WORKERS": str(WORKERS),
    "METRICS_PORT_BASE": "0",
    "AGENTS_SCHEDULE": "false",
    "SAFARI_LOOK": "false",
    "ACTP_ENV_FILE": "",
}


class Stage:
    """Gives each figure its own database on the one server, which keeps its safe defaults."""

    def __init__(self, folder: Path, server: Server, open_things: ExitStack) -> None:
        self.folder = folder
        self.server = server
        self._databases = open_things.enter_context(closing(Databases(server)))
        self._open_things = open_things
        self._crowds: dict[int, Database] = {}
        self._homes = 0

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Yield a fresh database with our functions, limits and hours in it."""
        with postgres_database(self._databases, "embedded") as database:
            configure(database, self.environment(database.environment))
            yield database

    @contextmanager
    def empty_database(self) -> Iterator[str]:
        """Yield the address of a database with nothing in it."""
        with self._databases.empty() as name:
            yield self.server.owner(name)

    def crowd(self, rows: int) -> Database:
        """Return the database with so many pending rows; it is made once."""
        if rows not in self._crowds:
            database = self._open_things.enter_context(self.database())
            statement = (PROJECT_ROOT / "tests/bench/crowd.sql").read_text()
            with database.connect() as connection:
                # Triggers would take a minute for what they would write here anyway.
                connection.execute("set session_replication_role = replica")
                connection.execute(statement.encode(), {"rows": rows})
                connection.execute("vacuum (analyze) safari_command_queue")
                connection.execute("checkpoint")
            self._crowds[rows] = database
        return self._crowds[rows]

    @contextmanager
    def simulator(self, latency_ms: float = LATENCY_MS) -> Iterator[SimulatorProcess]:
        """Yield nine simulated services on free ports."""
        with SimulatorProcess(latency_ms=latency_ms) as simulator:
            yield simulator

    @property
    def server_pid(self) -> int:
        """Return the process of the server, the parent of its backends."""
        return server_pid(self.server.admin("postgres"))

    def environment(
        self, more: Mapping[str, str], simulator: SimulatorProcess | None = None
    ) -> dict[str, str]:
        """Return the environment of one of our processes on its own host."""
        self._homes += 1
        home = self.folder / f"home{self._homes}"
        # A person's own settings must not reach the benchmark: it would send to a real queue.
        # Processes keep their bytecode, as they do where nothing says otherwise.
        left_out = {*KNOWN, *ALIASES, "PYTHONDONTWRITEBYTECODE"}
        own = {name: value for name, value in os.environ.items() if name not in left_out}
        urls = {
            f"{stem}_URL": simulator.url(name)
            for name, stem in SERVICE_SETTINGS.items()
            if simulator is not None
        }
        here = {
            "PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), *_inherited_path()]),
            "ACTP_HOME": str(home),
            "ACTP_LOCK_DIR": str(home / "locks"),
        }
        return {**own, **PACE, **here, **urls, **more}


def configure(database: Database, environment: Mapping[str, str]) -> None:
    """Put limits, hours and pace into a database before a worker does."""
    settings = load_settings(environment)
    database.store.call(
        "safari_configure", policies=list(policies(settings)), settings=shared_settings(settings)
    )


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Start the server with fsync and synchronous commits on; stop it at the end."""
    with short_folder() as folder:
        cluster = Cluster(folder, {"max_connections": MAX_CONNECTIONS})
        cluster.ensure_running()
        try:
            with ExitStack() as open_things:
                yield Stage(folder, Server(cluster.dsn, cluster.dsn), open_things)
        finally:
            cluster.stop()


def _inherited_path() -> list[str]:
    return [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
