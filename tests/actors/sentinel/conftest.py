"""A desk with alerts on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.actors.sentinel.chat_desk import Desk
from tests.support.phone import Phone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.process import SimulatorProcess
    from tests.support.databases import Database


@pytest.fixture
def desk(database: Database, simulator: SimulatorProcess) -> Iterator[Desk]:
    with database.connect() as admin:
        desk = Desk(database, simulator, admin)
        yield desk
        desk.close()


@pytest.fixture
def phone(simulator: SimulatorProcess) -> Phone:
    return Phone(simulator)
