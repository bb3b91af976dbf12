"""The publisher actor among others: one on a host, patient with the database, gone when told."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from actors.runtime.messages import Drained, Start, Stop
from actors.sentinel.publisher import LOCK_ADDRESS, PUBLISHER, publisher_spec
from actp.clients.blotato.client import Blotato
from actp.errors import StoreUnavailable
from actp.locks import PortLock
from tests.actors.latch import LatchedStore
from tests.actors.settings_for_tests import settings_for
from tests.chaos.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actp.settings import Settings
    from simulator.process import SimulatorProcess
    from tests.actors.house import House
    from tests.support.databases import Database

TASK = """
insert into actp_workflow_tasks (task_type, input_data) values ('blotato_multi_publish', %s)
"""


@pytest.fixture
def settings(database: Database, simulator: SimulatorProcess, tmp_path: Path) -> Settings:
    url = f"{simulator.url('blotato')}/v2"
    more = {"BLOTATO_API_KEY": "k", "BLOTATO_API_URL": url, "BLOTATO_POLL_SECONDS": "0.05"}
    return settings_for(database, simulator, tmp_path, **more)


@pytest.fixture
def latched(database: Database) -> Iterator[LatchedStore]:
    store = LatchedStore(database.store)
    yield store
    store.mend()
    store.open()


@pytest.fixture
def publishing(house: House, latched: LatchedStore, settings: Settings) -> Iterator[House]:
    with closing(Blotato(settings)) as blotato:
        spec = publisher_spec(settings, house.context, latched, blotato)
        house.move_in(spec.name, spec.start())
        yield house


def add(database: Database) -> None:
    given = {"platforms": ["twitter", "threads"], "text": "hello"}
    with database.connect() as admin:
        admin.execute(TASK, (json.dumps(given),))


def is_done(database: Database) -> bool:
    with database.connect() as admin:
        row = admin.execute("select bool_and(status = 'succeeded') from actp_workflow_tasks")
        return row.fetchone() == (True,)


def test_it_publishes_and_ends_when_told(
    publishing: House, database: Database, simulator: SimulatorProcess
) -> None:
    add(database)
    publishing.tell(PUBLISHER, Start())
    eventually(lambda: is_done(database), "it is done")
    assert [post["platform"] for post in simulator.effects()] == ["twitter", "threads"]
    publishing.tell(PUBLISHER, Stop())
    assert publishing.supervisor.take(Drained).name == PUBLISHER


def test_it_goes_on_when_the_database_is_back(
    publishing: House, latched: LatchedStore, database: Database, simulator: SimulatorProcess
) -> None:
    latched.await_answers("agent_publish_claim", 1)
    latched.break_with(StoreUnavailable("gone"))
    add(database)
    publishing.tell(PUBLISHER, Start())
    failed = len(latched.calls("agent_publish_claim"))
    latched.await_calls("agent_publish_claim", failed + 1)
    latched.mend()
    eventually(lambda: is_done(database), "it is done")
    assert len(simulator.effects()) == 2


def test_its_mailbox_answers_while_a_post_is_on_its_way(
    publishing: House, latched: LatchedStore, database: Database
) -> None:
    latched.shut("agent_publish_begin")
    add(database)
    publishing.tell(PUBLISHER, Start())
    latched.await_calls("agent_publish_begin", 1)
    publishing.settle(PUBLISHER)
    publishing.tell(PUBLISHER, Stop())
    publishing.settle(PUBLISHER)
    assert publishing.supervisor.all_of(Drained) == []
    latched.open()
    assert publishing.supervisor.take(Drained).name == PUBLISHER


def test_while_another_process_of_the_host_publishes_it_does_not(
    house: House, latched: LatchedStore, settings: Settings
) -> None:
    with ExitStack() as stack:
        lock = stack.enter_context(PortLock(settings.actp_lock_dir, LOCK_ADDRESS))
        assert lock.acquire()
        blotato = stack.enter_context(closing(Blotato(settings)))
        spec = publisher_spec(settings, house.context, latched, blotato)
        house.move_in(spec.name, spec.start())
        house.settle(PUBLISHER)
        assert latched.calls() == []
        lock.release()
        house.tell(PUBLISHER, Start())
        latched.await_calls("agent_publish_claim", 1)
