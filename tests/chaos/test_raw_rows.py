"""Rows with whatever PostgreSQL allows in each column, among healthy ones, with real workers."""

from __future__ import annotations

from datetime import datetime
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.waiting import eventually
from tests.support.raw_rows import insert_raw_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.rig import Rig

SEED = 20261126
SUITES = {"small": (60, 20), "large": (1000, 100)}
DEADLINE_SECONDS = {"small": 50.0, "large": 110.0}
UNENDED = (
    "select to_jsonb(q) as row from safari_command_queue q where q.status in ('pending', 'running')"
    " and q.hold is null and q.service <> 'foreign' and not (q.due_at > now())"
    # An older controller's work is looked at after ten minutes.
    " and not (q.status = 'running' and q.lease_expires_at is null)"
    " and safari_wait_of(q) ->> 'for' is distinct from 'its account'"
)


def healthy(count: int, name: str) -> list[dict[str, Any]]:
    platforms = ("instagram", "twitter", "tiktok")
    return [
        {
            "action": "send_dm",
            "platform": platforms[n % 3],
            "params": {"username": f"{name}{n}", "text": f"{name} {n}"},
        }
        for n in range(count)
    ]


def deliver(rig: Rig, count: int, name: str, seconds: float) -> float:
    """Enqueue healthy commands, wait until all are delivered, and return how long it took."""
    began = monotonic()
    ids = rig.enqueue(*healthy(count, name))
    eventually(
        lambda: all(rig.row(id_)["status"] == "completed" for id_ in ids), "all arrive", seconds
    )
    return monotonic() - began


@pytest.mark.timeout(300)
def test_healthy_rows_are_delivered_once_among_rows_of_any_kind(
    rig: Rig, suite: str, record_property: Callable[[str, object], None]
) -> None:
    bad, good = SUITES[suite]
    rig.play()
    rig.host().start()
    alone_seconds = deliver(rig, good, "alone", DEADLINE_SECONDS[suite])
    with rig.database.connect() as connection:
        ids = insert_raw_rows(connection, Random(SEED), bad)
    among_seconds = deliver(rig, good, "among", DEADLINE_SECONDS[suite])
    record_property("seconds", f"{alone_seconds:.2f} alone, {among_seconds:.2f} among {bad}")
    eventually(
        lambda: not rig.connection.execute(UNENDED).fetchall(),
        "every other row ends or waits for a reason",
        DEADLINE_SECONDS[suite],
    )
    sent = [line["recipient"] for line in rig.simulator.world()]
    for name in ("alone", "among"):
        assert sorted(to for to in sent if to.startswith(name)) == sorted(
            f"{name}{n}" for n in range(good)
        )
    store = rig.database.store
    for id_ in ids:
        life = store.call("safari_show", id=id_)["command"]
        for column in ("created_at", "scheduled_for", "expires_at", "completed_at"):
            if life[column] is not None:
                datetime.fromisoformat(life[column])
        # One that was inserted as failed says of its end what it likes.
        assert "failed" not in rig.events(id_) or life["reason"], life
    for function in ("safari_status", "safari_gauges", "safari_history", "agent_report"):
        store.call(function)
    alerts = {alert["kind"] for alert in store.call("safari_status")["alerts"]}
    assert not alerts & {"quarantined", "claims_refused", "process_stuck", "restart_storm"}
