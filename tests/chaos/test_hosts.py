"""Several hosts on one queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.commands import RESEARCH, SENDERS, command_for
from tests.chaos.waiting import eventually

if TYPE_CHECKING:
    from tests.chaos.rig import Rig

SERVICES = (*SENDERS, RESEARCH)
# Nobody dies here, and a worker that the machine keeps waiting must not lose its work to another.
LEASE = {"SAFARI_LEASE_SECONDS": "30"}
LIMIT = 20


@pytest.mark.parametrize("hosts", [2, 8])
def test_hosts_that_share_a_queue_send_each_command_once(rig: Rig, hosts: int) -> None:
    for number in range(hosts):
        rig.host(f"host-{number}", SAFARI_TIME_SCALE="0.01", **LEASE).start()
    ids = rig.enqueue(*(command_for(SERVICES[each % len(SERVICES)]) for each in range(160)))
    rig.settle()
    tally = rig.audit()
    assert (tally.completed, tally.unknown, tally.failed) == (len(ids), 0, 0)


def test_hosts_that_share_a_limit_keep_it_to_the_last_message(rig: Rig) -> None:
    limits = f'{{"instagram": {{"dm": {LIMIT}}}}}'
    hosts = [rig.host(f"host-{number}", SAFARI_DAILY_LIMITS=limits, **LEASE) for number in range(4)]
    rig.play({"service": "instagram-dm", "behaviour": "slow", "seconds": 0.02})
    # The service's own limit of an hour would hold before that of the day.
    rig.connection.execute("update safari_policies set hourly_limit = %s", (10 * LIMIT,))
    for host in hosts:
        host.start()
    eventually(lambda: _live_workers(rig) == len(hosts), "all hosts are there")
    rig.enqueue(*(command_for("instagram-dm") for _ in range(2 * LIMIT)))
    rig.settle()
    tally = rig.audit()
    assert (tally.completed, tally.effects, tally.waiting) == (LIMIT, LIMIT, LIMIT)
    reasons = rig.connection.execute(
        "select g.reason, count(*) as rows"
        " from safari_command_queue q, safari_service_gate(q.service) g"
        " where q.status = 'pending' group by g.reason"
    ).fetchall()
    assert reasons == [{"reason": "quota", "rows": LIMIT}]
    eventually(lambda: _quota_alerts(rig), "somebody is told")
    assert _quota_alerts(rig) == 1


def _live_workers(rig: Rig) -> int:
    row = rig.connection.execute("select count(*) as workers from safari_workers").fetchone()
    return 0 if row is None else int(row["workers"])


def _quota_alerts(rig: Rig) -> int:
    row = rig.connection.execute(
        "select count(*) as alerts from safari_alerts where kind = 'quota_reached'"
    ).fetchone()
    return 0 if row is None else int(row["alerts"])
