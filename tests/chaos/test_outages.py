"""The database dies, is away or swallows everything; a service dies. Nothing is lost."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from actp.store.embedded.cluster import Cluster
from tests.chaos.commands import RESEARCH, SENDERS, command_for
from tests.chaos.waiting import eventually
from tests.store.life import Life
from tests.support.databases import Database, Databases, postgres_database
from tests.support.proxy import Proxy
from tests.support.servers import Server, short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import LiteralString

    from simulator.process import SimulatorProcess
    from tests.chaos.rig import Rig
    from tests.chaos.workers import Host, WorkerProcess

COMMANDS = 63
SLOW = {"service": "*", "behaviour": "slow", "seconds": 0.3}
# Longer than it takes to kill a server; it is quiet when nothing lands for longer than that.
LONG = {**SLOW, "seconds": 1.5, "times": 1}
QUIET_SECONDS = 2.0
# Long enough that results are spooled and reconnecting has failed more than once.
OUTAGE_SECONDS = 2.5
# A process that spins takes a core; one that waits, next to nothing.
MAX_CPU_SHARE = 0.4
MAX_LINES_AN_OUTAGE = 60
FOLDER: LiteralString = "show data_directory"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with short_folder() as folder:
        # What commits without waiting for the disk is lost with the server, not just now and then.
        cluster = Cluster(folder, {"fsync": "off", "wal_writer_delay": "10s"})
        cluster.ensure_running()
        yield cluster
        cluster.stop()


@pytest.fixture(scope="module")
def databases(cluster: Cluster) -> Iterator[Databases]:
    with closing(Databases(Server(cluster.dsn, cluster.dsn))) as databases:
        yield databases


@pytest.fixture
def database(cluster: Cluster, databases: Databases) -> Iterator[Database]:
    cluster.ensure_running()
    with postgres_database(databases, "embedded") as database:
        yield database


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[Proxy]:
    sockets = str(conninfo_to_dict(cluster.dsn)["host"])
    with Proxy(Path(sockets, ".s.PGSQL.5432")) as proxy:
        yield proxy


def _kill(cluster: Cluster) -> None:
    with psycopg.connect(cluster.dsn) as connection:
        row = connection.execute(FOLDER).fetchone()
    assert row is not None
    os.kill(int(Path(row[0], "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


def _load(rig: Rig) -> None:
    """Put in work for a while and wait until it is in full swing."""
    rig.play(SLOW)
    services = (*SENDERS, RESEARCH)
    rig.enqueue(*(command_for(services[each % len(services)]) for each in range(COMMANDS)))


def _wait_until_busy(rig: Rig) -> None:
    rig.simulator.wait_for(effects=12)


def _wait_until_on_the_wire(rig: Rig) -> None:
    """Wait until a long request has begun."""
    rig.play(LONG, SLOW)
    rig.wait_for_requests(1)


def test_a_killed_database_costs_no_result(cluster: Cluster, rig: Rig) -> None:
    worker = rig.host().start()
    _load(rig)
    _wait_until_busy(rig)
    _kill(cluster)
    cluster.ensure_running()
    rig.reconnect()
    rig.settle()
    assert worker.is_alive
    tally = rig.audit()
    assert (tally.completed, tally.unknown, tally.failed) == (COMMANDS, 0, 0)


def test_results_of_an_outage_survive_the_death_of_their_worker(cluster: Cluster, rig: Rig) -> None:
    host = rig.host(SAFARI_ACTION_TIMEOUT_SECONDS="5")
    worker = host.start()
    _load(rig)
    _wait_until_busy(rig)
    _wait_until_on_the_wire(rig)
    _kill(cluster)
    eventually(lambda: host.spooled_bytes, "results are on disk")
    sent = _wait_until_quiet(rig, host)
    worker.kill()
    cluster.ensure_running()
    rig.reconnect()
    host.start()
    rig.settle()
    tally = rig.audit()
    assert sent >= 12
    assert (tally.completed, tally.unknown, tally.failed) == (COMMANDS, 0, 0)
    assert not host.spooled_bytes


def _wait_until_quiet(rig: Rig, host: Host) -> int:
    """Wait until all that was on the wire has landed and its worker has spooled it."""
    pause = threading.Event()
    before, seen = (-1, -1), (0, 0)
    while seen != before:
        pause.wait(QUIET_SECONDS)
        before, seen = seen, (len(rig.simulator.world()), host.spooled_bytes)
    return seen[0]


@pytest.mark.parametrize("outage", ["refused", "black_holed"])
def test_an_absent_database_is_waited_for_without_spinning(
    cluster: Cluster, proxy: Proxy, rig: Rig, outage: str
) -> None:
    dsn = rig.database.dsn
    if outage == "black_holed":
        dsn = make_conninfo(dsn, host="127.0.0.1", port=proxy.port, sslmode="disable")
    worker = rig.host(DATABASE_URL=dsn).start()
    _load(rig)
    _wait_until_busy(rig)
    if outage == "black_holed":
        proxy.swallow()
    else:
        cluster.stop()
    share, lines = _watch(worker)
    cluster.ensure_running()
    proxy.forward()
    # What was swallowed is gone for good: its connections would hang until their deadline.
    proxy.cut()
    rig.reconnect()
    rig.settle()
    assert worker.is_alive
    tally = rig.audit()
    assert (tally.completed, tally.unknown, tally.failed) == (COMMANDS, 0, 0)
    assert share < MAX_CPU_SHARE
    assert lines < MAX_LINES_AN_OUTAGE


def _watch(worker: WorkerProcess) -> tuple[float, int]:
    """Return which share of a core it used in an outage, and how many lines it logged."""
    lines, computed, began = len(worker.log.splitlines()), worker.cpu_seconds(), monotonic()
    threading.Event().wait(OUTAGE_SECONDS)
    share = (worker.cpu_seconds() - computed) / (monotonic() - began)
    return share, len(worker.log.splitlines()) - lines


def test_a_service_that_dies_costs_no_more_than_what_was_on_its_wire(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    worker = rig.host().start()
    _load(rig)
    _wait_until_busy(rig)
    simulator.crash("twitter-dm")
    simulator.wait_for(up="twitter-dm")
    rig.settle()
    assert worker.is_alive
    tally = rig.audit()
    assert tally.completed >= COMMANDS - 1
    assert tally.failed == 0


def test_a_result_that_comes_in_behind_a_hanging_write_is_put_on_disk(rig: Rig) -> None:
    host = rig.host(SAFARI_ACTION_TIMEOUT_SECONDS="5")
    worker = host.start()
    rig.play({"service": "twitter-dm", "behaviour": "held", "times": 1})
    sent = rig.enqueue(command_for("twitter-dm"))[0]
    rig.simulator.wait_for(used=1)
    with rig.gate("begun") as gate:
        rig.enqueue(command_for("threads-comments"))
        gate.wait_until_reached()
        rig.simulator.release()
        rig.simulator.wait_for(effects=1)
        eventually(lambda: host.spooled_bytes, "the result is on disk")
        worker.kill()
        gate.break_off()
    host.start()
    rig.settle()
    assert rig.row(sent)["status"] == "completed"
    assert rig.audit().unknown == 0


def test_a_claim_that_a_crash_of_the_server_undid_sends_nothing_twice(
    cluster: Cluster, rig: Rig
) -> None:
    # Beats too rare to flush the claim with their own commit.
    worker = rig.host(SAFARI_LEASE_SECONDS="120").start()
    rig.enqueue(command_for("twitter-dm"))
    rig.settle()
    with rig.gate("begun") as gate:
        command = rig.enqueue(command_for("twitter-dm"))[0]
        gate.wait_until_reached()
        _kill(cluster)
        cluster.ensure_running()
        rig.reconnect()
        assert "claimed" not in rig.events(command), "the claim outlived the server"
        gate.reconnect()
    rig.settle()
    assert worker.is_alive
    tally = rig.audit()
    assert (tally.completed, tally.effects, tally.unknown) == (2, 2, 0)


def test_the_lease_of_a_claim_that_a_crash_undid_is_never_given_again(
    cluster: Cluster, database: Database
) -> None:
    life = Life(database.store)
    command = life.enqueue()
    undone = life.claim()[0]["lease"]
    _kill(cluster)
    cluster.ensure_running()
    assert life.state(command)[0] == "pending", "the claim outlived the server"
    assert life.begin(command, undone)["verdict"] == "lost"
    lease = life.claim()[0]["lease"]
    assert lease != undone
    assert life.begin(command, undone)["verdict"] == "lost"
    assert life.begin(command, lease)["verdict"] == "granted"
