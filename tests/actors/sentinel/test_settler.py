"""The settler asks the database for unknown outcomes only when there are some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actors.runtime.messages import Drained, Stop
from actors.sentinel.alerts import ALERTS, Undelivered
from actors.sentinel.health import HEALTH, HealthActor, Watch
from actors.sentinel.settler import SETTLER, SettlerActor, Unsettled
from tests.actors.settings_for_tests import settings_for

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.process import SimulatorProcess
    from tests.actors.house import House
    from tests.actors.latch import LatchedStore
    from tests.actors.rows import Queue
    from tests.support.databases import Database

# A round each 0.2 s.
QUICK = {"SAFARI_TIME_SCALE": "0.001"}


@pytest.fixture
def settler(
    house: House,
    latched: LatchedStore,
    database: Database,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> LatchedStore:
    settings = settings_for(database, simulator, tmp_path, **QUICK)
    actor = SettlerActor.start(house.context, store=latched, settings=settings, asks_always=False)
    house.move_in(SETTLER, actor)
    return latched


def test_nothing_is_asked_until_an_unknown_outcome_is_reported(
    house: House, settler: LatchedStore
) -> None:
    house.tell(SETTLER, Unsettled(is_any=False))
    house.settle(SETTLER)
    assert settler.calls("safari_claim_looks") == []
    house.tell(SETTLER, Unsettled(is_any=True))
    settler.await_calls("safari_claim_looks", 2)
    house.tell(SETTLER, Unsettled(is_any=False), Stop())
    assert house.supervisor.take(Drained).name == SETTLER


def test_service_checks_report_open_unknown_outcomes_and_alerts(
    house: House, queue: Queue, simulator: SimulatorProcess
) -> None:
    settler, alerts = house.stand_in(SETTLER), house.stand_in(ALERTS)
    watch = Watch("here", simulator.url, lambda _: None, notice_seconds=1)
    actor = HealthActor.start(house.context, store=queue.store, watch=watch)
    house.move_in(HEALTH, actor)
    assert not settler.take(Unsettled).is_any
    queue.insert("send_dm", "instagram", {"username": "ada", "text": "Hello"}, status="running")
    queue.execute("update safari_command_queue set started_at = now() - interval '1 hour'")
    queue.store.call(
        "safari_rescue", boot_id=queue.boot_id, host_key="this-host", services=[], expired=True
    )
    settler.take(Unsettled, lambda unsettled: unsettled.is_any)
    alerts.take(Undelivered)  # the unknown outcome is an alert as well
    queue.execute("update safari_command_attempts set looks = 3")
    settler.take(Unsettled, lambda unsettled: not unsettled.is_any)
