from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.process import SimulatorProcess
from tests.actors.rows import Queue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import Database


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator: SimulatorProcess) -> SimulatorProcess:
    running_simulator.reset()
    return running_simulator


@pytest.fixture
def queue(database: Database) -> Queue:
    return Queue(database)


@pytest.fixture(scope="session")
def suite(request: pytest.FixtureRequest) -> str:
    """``large`` where --chaos asks for it, else ``small``."""
    return "large" if request.config.getoption("--chaos") else "small"
