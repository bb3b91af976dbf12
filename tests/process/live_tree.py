"""A whole tree as in life, with its own database and a bot, for the tests of a module."""

from __future__ import annotations

from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actp.errors import WrongState
from actp.settings import load_settings
from actp.store.embedded.cluster import Cluster
from actp.store.postgres import PostgresStore
from actp.tree import Tree
from simulator.process import free_port_base
from tests.actors.rows import eventually
from tests.actors.settings_for_tests import environment_for
from tests.chaos.rig import QUICK, Rig
from tests.process.test_tree import answers, standing
from tests.process.workers import START_SECONDS
from tests.support.databases import Database
from tests.support.servers import short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.supervision import Process
    from simulator.process import SimulatorProcess

TOKEN = "123456:a-secret-for-no-log"  # noqa: S105  # of a simulated bot


@dataclass(frozen=True, slots=True)
class LiveTree:
    """The tree, and the rig that puts commands in and compares the world with the records."""

    tree: Tree
    environment: dict[str, str]
    store: PostgresStore
    rig: Rig

    def programs(self) -> dict[str, Process]:
        """Every program that has a process, by name."""
        return {it.name: it for it in self.tree.supervisor.processes() if it.pid}

    def all_run(self) -> bool:
        """Whether everything has been up for as long as supervisord asks of it."""
        return all(it["statename"] == "RUNNING" for it in self.tree.processes())

    def has_database(self) -> bool:
        return answers(self.store)

    def settle(self) -> None:
        """Wait until nothing can be done any more, over a new connection."""
        self.rig.reconnect()
        self.rig.settle()


@contextmanager
def nothing_left(environment: dict[str, str]) -> Iterator[None]:
    """End also a tree whose supervisord a failed test has not brought back."""
    try:
        yield
    finally:
        with suppress(WrongState):
            Tree(load_settings(environment)).stop()


@contextmanager
def live_tree(simulator: SimulatorProcess) -> Iterator[LiveTree]:
    """Bring up a tree with three workers and take it down again; nothing of it is left."""
    with short_folder() as folder:
        with closing(PostgresStore("")) as nowhere:
            environment = environment_for(
                Database("embedded", "", "", nowhere),
                simulator,
                folder,
                WORKERS="3",
                # Longer than any program of a crowded machine needs to reach a database again.
                SAFARI_LEASE_SECONDS="10",
                HEALTH_SECONDS="2",
                METRICS_PORT_BASE=str(free_port_base()),
                SAFARI_DAILY_LIMITS=QUICK["SAFARI_DAILY_LIMITS"],
                TELEGRAM_BOT_TOKEN=TOKEN,
                TELEGRAM_CHAT_ID="42",
                TELEGRAM_API_URL=simulator.url("telegram"),
            )
        with nothing_left(environment), standing(environment) as tree:
            dsn = Cluster(tree.settings.actp_home).dsn
            with closing(PostgresStore(dsn)) as store:
                eventually(lambda: answers(store), "the database is up", START_SECONDS)
                with Rig(Database("embedded", dsn, dsn, store), simulator, folder) as rig:
                    yield LiveTree(tree, environment, store, rig)
        assert TOKEN not in "".join(path.read_text() for path in tree.log_folder.iterdir())
