"""A look costs a send at most two requests, counted where the services take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.safari.catalogue import HTTP_SERVICES
from simulator.process import SimulatorProcess
from tests.support.looking import commands_of, looked, transport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SENDING = [service.name for service in HTTP_SERVICES if service.effect == "once"]
MOST_REQUESTS = 2


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as simulator:
        yield simulator


@pytest.mark.parametrize("service", SENDING)
def test_a_look_costs_two_requests_once_the_login_is_known(
    running: SimulatorProcess, tmp_path: Path, service: str
) -> None:
    running.reset()
    # Another tab is in front, as on a Mac that is in use.
    running.safari(front="https://www.google.com/")
    with transport(service, running, tmp_path) as opened:
        for number, command in enumerate(commands_of(service)):
            before = len(running.requests(service))
            found = looked(opened, command)
            asked = running.requests(service)[before:]
            if number:
                assert len(asked) <= MOST_REQUESTS, asked
            assert opened.send(found, opened.prepare(found)).verdict == "sent"
