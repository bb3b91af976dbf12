"""Everything a test of chaos needs: a database, a world, hosts, and the comparison at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import psycopg
from psycopg.rows import dict_row

from simulator.process import SimulatorProcess
from tests.chaos.audit import Allowances, Tally, audit
from tests.chaos.gates import Gate
from tests.chaos.records import ROWS
from tests.chaos.waiting import PATIENCE_SECONDS, eventually
from tests.chaos.workers import Host

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import LiteralString

    from tests.chaos.commands import Command
    from tests.chaos.records import Row
    from tests.support.databases import Database

__all__ = ["ENDED", "FORGETFUL", "KILLED", "LATENCY_MS", "Rig"]

ENDED = frozenset({"completed", "failed", "cancelled"})
URL_NAMES = {
    "instagram-dm": "INSTAGRAM_DM",
    "twitter-dm": "TWITTER_DM",
    "threads-comments": "THREADS_COMMENTS",
    "instagram-comments": "INSTAGRAM_COMMENTS",
    "tiktok-comments": "TIKTOK_COMMENTS",
    "twitter-comments": "TWITTER_COMMENTS",
    "tiktok-dm": "TIKTOK_DM",
    "linkedin-automation": "LINKEDIN",
    "market-research": "MARKET_RESEARCH",
}
# How long Safari stays reserved for a request whose worker was killed.
KILLED: Final = {"SAFARI_ACTION_TIMEOUT_SECONDS": "1"}
# Nothing that stands in the way of a crash; a lease as short as it may be. On a crowded machine a
# service may take seconds for an answer.
QUICK = {
    "SAFARI_ACTIVE_HOURS": "00-24",
    "SAFARI_MIN_GAP_SECONDS": "0",
    "SAFARI_TURNS": "9",
    "SAFARI_ACTION_TIMEOUT_SECONDS": "15",
    "SAFARI_LEASE_SECONDS": "2",
    "SAFARI_RETRY_BASE_SECONDS": "0.05",
    "SAFARI_DAILY_LIMITS": (
        '{"instagram": {"dm": 100000, "comment": 100000},'
        ' "twitter": {"dm": 100000, "comment": 100000},'
        ' "tiktok": {"dm": 100000, "comment": 100000},'
        ' "linkedin": {"dm": 100000}, "threads": {"comment": 100000}}'
    ),
    "WORKERS": "1",
    "METRICS_PORT_BASE": "0",
    "STOP_SECONDS": "5",
}
# A service that states to have reached its own limit is not asked again until it has room.
UNLIMITED = {"per_hour": 100000, "per_day": 100000}
LATENCY_MS = 2
# A service that remembers would hide what we send twice.
FORGETFUL = {"*": {"dedup": False, "replay_seconds": 0, **UNLIMITED}}
# Running, or pending with nothing to wait for but the next look of a worker.
_UNSETTLED: LiteralString = (
    "select * from (" + ROWS + ") rows where status = 'running'"  # noqa: S608  # both are ours
    " or (status = 'pending' and (waits_for is null or waits_for = 'due'))"
)


class Rig:
    """One test's house; ``audit`` must be its last word."""

    def __init__(self, database: Database, simulator: SimulatorProcess, folder: Path) -> None:
        self.database = database
        self.simulator = simulator
        self.macs = [simulator]
        self._folder = folder
        self._hosts: list[Host] = []
        self.connection = self._connected()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for host in self._hosts:
            host.close()
        for mac in self.macs[1:]:
            mac.close()
        self.connection.close()

    # -- arranging

    def host(self, name: str = "host", **changes: str) -> Host:
        """Add a Mac with its own Safari that shares the database with the others."""
        if self._hosts:
            mac = SimulatorProcess(scenario={"services": FORGETFUL}, latency_ms=LATENCY_MS)
            self.macs.append(mac)
            mac.start()
        urls = {f"SAFARI_{stem}_URL": self.macs[-1].url(name) for name, stem in URL_NAMES.items()}
        environment = {**urls, **QUICK, **self.database.environment, **changes}
        host = Host(name, self._folder, environment)
        self._hosts.append(host)
        return host

    def gate(self, event: str) -> Gate:
        """Make a gate at which a process that records the event must wait."""
        return Gate(self.database.admin_dsn, event)

    def play(self, *rules: dict[str, Any], **more: Any) -> None:
        """Tell the services of every Mac how to behave; one that is added later has no rules."""
        for mac in self.macs:
            mac.play({"rules": list(rules), "services": FORGETFUL, **more})

    def enqueue(self, *commands: Command) -> list[str]:
        """Put commands into the queue and return their ids."""
        answer = self.database.store.call("safari_enqueue", commands=list(commands))
        return [item["id"] for item in answer]

    def reconnect(self) -> None:
        """Look through a new connection, after the server was killed."""
        self.connection.close()
        self.connection = self._connected()

    # -- looking

    def world(self) -> list[dict[str, Any]]:
        """Read what people outside saw of all Macs, oldest first."""
        lines = (line for mac in self.macs for line in mac.world())
        return sorted(lines, key=lambda line: line["at"])

    def row(self, id_: str) -> Row:
        """Read one row."""
        found = self.connection.execute(
            "select to_jsonb(q) as row from safari_command_queue q where id = %s", (id_,)
        ).fetchone()
        assert found is not None, f"{id_} is gone"
        row: Row = found["row"]
        return row

    def rows(self) -> dict[str, Row]:
        """Read all rows of commands that send, by their text."""
        found = self.connection.execute(
            "select to_jsonb(q) || jsonb_build_object('params', safari_params(q.params)) as row"
            " from safari_command_queue q where q.effect = 'once'"
        ).fetchall()
        return {each["row"]["params"]["text"]: each["row"] for each in found}

    def has_ended(self, id_: str) -> bool:
        """Return whether nothing more will come of a row."""
        return self.row(id_)["status"] in ENDED

    def events(self, id_: str) -> list[str]:
        """Read what happened to a row, oldest first."""
        rows = self.connection.execute(
            "select event from safari_command_events where command_id = %s order by id", (id_,)
        )
        return [row["event"] for row in rows]

    def count(self, status: str, reason: str | None = None) -> int:
        """Count rows."""
        row = self.connection.execute(
            "select count(*) as rows from safari_command_queue"
            " where status = %s and (%s::text is null or reason = %s)",
            (status, reason, reason),
        ).fetchone()
        return 0 if row is None else int(row["rows"])

    # -- waiting

    def wait_for_status(self, id_: str, *wanted: str) -> Row:
        """Wait until a row is in one of these states, and return it."""
        eventually(lambda: self.row(id_)["status"] in wanted, f"{id_} is {wanted}")
        return self.row(id_)

    def wait_for_event(self, id_: str, event: str) -> None:
        """Wait until it has happened to a row."""
        eventually(lambda: event in self.events(id_), f"{id_} is {event}")

    def wait_for_requests(self, count: int) -> None:
        """Wait until rules have decided so many requests, over all Macs."""
        eventually(
            lambda: sum(rule["used"] for mac in self.macs for rule in mac.usage()) >= count,
            f"{count} requests have come",
        )

    def settle(self, deadline_seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until nothing can be done any more."""
        try:
            eventually(lambda: not self._unsettled(), "the queue settles", deadline_seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self._unsettled()[:5]}") from None

    def _connected(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.database.admin_dsn, autocommit=True, row_factory=dict_row)

    def _unsettled(self) -> list[Row]:
        return self.connection.execute(_UNSETTLED).fetchall()

    # -- judging

    def audit(self, allowed: Allowances | None = None) -> Tally:
        """Compare the world with the records."""
        return audit(self.world(), self.connection, allowed)
