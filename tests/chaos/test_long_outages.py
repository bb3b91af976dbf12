"""A database that hung for longer than a lease is back: nobody's work is taken from him."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.chaos.commands import SENDERS, command_for
from tests.chaos.waiting import eventually
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.rig import Rig

# Three hosts at once; linkedin would refuse the second at its door.
SERVICES = tuple(name for name in SENDERS if name != "linkedin-automation")
SLOW = {"service": "*", "behaviour": "slow", "seconds": 0.6}
# Seconds: a lease, how long the server hangs, how much later one host reaches it again.
SMALL = (2.0, 2.5, 2.0)
LARGE = ((2.0, 4.0, 4.0), (10.0, 13.0, 4.0), (2.0, 25.0, 4.0), (10.0, 60.0, 4.0))
COMMANDS = 42
TAKEN = frozenset({"rescued", "unknown"})


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


def _may_judge_others(rig: Rig, lease: float) -> bool:
    row = rig.connection.execute(
        "select count(*) as workers from safari_workers"
        " where started_at < now() - make_interval(secs => %s)",
        (lease * 1.4,),
    ).fetchone()
    return row is not None and row["workers"] == 3


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("lease", "outage", "late"), [SMALL, *LARGE])
def test_nobody_is_overtaken_however_late_he_comes_back(  # noqa: PLR0913  # three are times
    rig: Rig, proxy: Proxy, dose: str, lease: float, outage: float, late: float
) -> None:
    if dose != "large" and (lease, outage, late) != SMALL:
        pytest.skip("the large dose runs with --chaos")
    changes = {"SAFARI_LEASE_SECONDS": f"{lease:g}"}
    detour = make_conninfo(rig.database.dsn, host="127.0.0.1", port=proxy.port, sslmode="disable")
    workers = [rig.host(name, **changes).start() for name in ("near", "next")]
    workers.append(rig.host("far", DATABASE_URL=detour, **changes).start())
    eventually(lambda: _may_judge_others(rig, lease), "all have beaten for a lease")
    rig.play(SLOW)
    ids = rig.enqueue(*(command_for(SERVICES[n % len(SERVICES)]) for n in range(COMMANDS)))
    rig.simulator.wait_for(seconds=20, used=len(SERVICES))
    pause = threading.Event()
    proxy.swallow()
    with _hanging(rig):
        pause.wait(outage)
    pause.wait(late)
    proxy.forward()
    proxy.cut()
    rig.settle()
    tally = rig.audit()
    assert (tally.completed, tally.unknown, tally.failed) == (COMMANDS, 0, 0)
    assert not any("lease_lost" in worker.log for worker in workers)
    # A claim whose answer was swallowed is nobody's, and is found again; nothing else is.
    taken = {id_: set(rig.events(id_)) & TAKEN for id_ in ids}
    print(tally, taken)
    assert not any("unknown" in events for events in taken.values())
