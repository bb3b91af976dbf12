"""A database that hung for longer than a lease is back: nobody's work is taken from him."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.chaos.commands import SENDERS, command_for
from tests.chaos.waiting import eventually
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.rig import Rig

SLOW = {"service": "*", "behaviour": "slow", "seconds": 0.6}
COMMANDS = 42


class Outage(NamedTuple):
    """Seconds: a lease, how long the server hangs, how much later one host reaches it again."""

    lease: float
    hanging: float
    late: float


SMALL = Outage(2, 2.5, 2)
# A call hangs for twenty seconds, and the longest pause between two tries is four.
LARGE = (Outage(2, 4, 4), Outage(10, 13, 4), Outage(2, 25, 4), Outage(10, 60, 4))


@contextmanager
def _hanging(rig: Rig) -> Iterator[None]:
    """Stop every process of the server in its tracks; what it is asked meanwhile, it does later."""
    row = rig.connection.execute("show data_directory").fetchone()
    assert row is not None
    pid = Path(row["data_directory"], "postmaster.pid").read_text().split()[0]
    server = psutil.Process(int(pid))
    processes = [server, *server.children()]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@pytest.fixture
def proxy(rig: Rig) -> Iterator[Proxy]:
    server = conninfo_to_dict(rig.database.dsn)
    with Proxy(Path(str(server["host"]), f".s.PGSQL.{server.get('port', 5432)}")) as proxy:
        yield proxy


def _may_rescue(rig: Rig) -> int:
    row = rig.connection.execute(
        "select count(*) as workers from safari_workers"
        " where now() between may_rescue_from and may_rescue_until"
    ).fetchone()
    return 0 if row is None else int(row["workers"])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("outage", [SMALL, *LARGE], ids=str)
def test_nobody_is_overtaken_however_late_he_comes_back(
    rig: Rig, proxy: Proxy, suite: str, outage: Outage
) -> None:
    if suite != "large" and outage != SMALL:
        pytest.skip("the long suite runs with --chaos")
    changes = {"SAFARI_LEASE_SECONDS": f"{outage.lease:g}"}
    detour = make_conninfo(rig.database.dsn, host="127.0.0.1", port=proxy.port, sslmode="disable")
    workers = [rig.host(name, **changes).start() for name in ("near", "next")]
    workers.append(rig.host("far", DATABASE_URL=detour, **changes).start())
    eventually(lambda: _may_rescue(rig) == len(workers), "each may rescue from the others")
    rig.play(SLOW)
    ids = rig.enqueue(*(command_for(SENDERS[n % len(SENDERS)]) for n in range(COMMANDS)))
    rig.wait_for_requests(len(SENDERS))
    pause = threading.Event()
    proxy.swallow()
    with _hanging(rig):
        pause.wait(outage.hanging)
    pause.wait(outage.late)
    proxy.forward()
    proxy.cut()
    rig.settle()
    tally = rig.audit()
    assert (tally.completed, tally.unknown, tally.failed) == (COMMANDS, 0, 0)
    assert not any("lease_lost" in worker.log for worker in workers)
    assert [id_ for id_ in ids if "unknown" in rig.events(id_)] == []
