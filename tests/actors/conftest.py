from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.process import SimulatorProcess
from tests.actors.house import House
from tests.actors.latch import LatchedStore
from tests.actors.rows import Queue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import Database


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.close()


@pytest.fixture
def queue(database: Database) -> Queue:
    queue = Queue(database)
    queue.register("instagram-dm")
    return queue


@pytest.fixture
def latched(queue: Queue) -> Iterator[LatchedStore]:
    store = LatchedStore(queue.store)
    yield store
    store.mend()
    store.open()


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator: SimulatorProcess) -> SimulatorProcess:
    running_simulator.reset()
    return running_simulator
