"""What the look before a send costs, with services that answer in 50 ms."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from actp.safari.catalogue import HTTP_SERVICES
from tests.bench.figures import Figure, Quantity, median
from tests.support.looking import commands_of, looked, transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

SERVICE_MS: Final = 50.0
TARGET_SECONDS: Final = 0.3


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Look before a few sends of each service; the first also asks who is logged in."""
    del sizes
    slowest = 0.0
    with stage.simulator(latency_ms=SERVICE_MS) as simulator:
        simulator.safari(front="https://www.google.com/")
        for service in HTTP_SERVICES:
            if service.effect != "once":
                continue
            seconds = []
            with transport(service.name, simulator, stage.folder) as opened:
                for command in commands_of(service.name):
                    begun = monotonic()
                    found = looked(opened, command)
                    seconds.append(monotonic() - begun)
                    opened.send(found, opened.prepare(found))
            slowest = max(slowest, median(seconds[1:]))
    yield Figure(
        f"a look before a send, services answering in {SERVICE_MS:g} ms (the slowest of eight)",
        Quantity(slowest, "s"),
        at_most=TARGET_SECONDS,
    )
