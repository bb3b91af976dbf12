"""A rig for each test; the first Mac and the server live for the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.process import SimulatorProcess
from tests.chaos.rig import FORGETFUL, LATENCY_MS, Rig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.databases import Database


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(scenario={"services": FORGETFUL}, latency_ms=LATENCY_MS) as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator: SimulatorProcess) -> SimulatorProcess:
    running_simulator.reset()
    return running_simulator


@pytest.fixture
def rig(database: Database, simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Rig]:
    with Rig(database, simulator, tmp_path) as rig:
        yield rig


@pytest.fixture(scope="session")
def suite(request: pytest.FixtureRequest) -> str:
    """``large`` where --chaos asks for it, else ``small``."""
    return "large" if request.config.getoption("--chaos") else "small"
