"""How long from bin/up to the first command delivered."""

from __future__ import annotations

from contextlib import suppress
from time import time
from typing import TYPE_CHECKING, Final

from actp.errors import ActpError
from tests.bench.figures import Figure, Quantity, median
from tests.bench.processes import await_true
from tests.bench.shell import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from simulator.process import SimulatorProcess
    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

TARGET_SECONDS: Final = 3.0
DELIVERY_TIMEOUT_SECONDS: Final = 30.0


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Start the tree and enqueue a DM, as a person would; first in an empty home, then again."""
    cold, warm = [], []
    with stage.simulator() as simulator:
        for number in range(sizes.starts):
            environment = stage.environment({}, simulator)
            cold.append(_first_delivery(environment, simulator, f"cold{number}"))
            warm.append(_first_delivery(environment, simulator, f"warm{number}"))
    for name, seconds in (("in an empty home", cold), ("again", warm)):
        yield Figure(
            f"bin/up {name} to the first command delivered",
            Quantity(median(seconds), "s"),
            at_most=TARGET_SECONDS,
        )


def _first_delivery(
    environment: Mapping[str, str], simulator: SimulatorProcess, text: str
) -> float:
    began = time()
    try:
        run(environment, "bin/up")
        run(environment, "bin/enqueue", "dm", "twitter", f"p_{text}", text)
        await_true(
            lambda: text in _arrivals(simulator), "nothing was delivered", DELIVERY_TIMEOUT_SECONDS
        )
        return _arrivals(simulator)[text] - began
    finally:
        with suppress(ActpError):  # it may not have come up
            run(environment, "bin/down")


def _arrivals(simulator: SimulatorProcess) -> dict[str, float]:
    return {line["text"]: line["at"] for line in simulator.world()}
