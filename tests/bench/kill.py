"""How long nothing is sent after a worker was killed: its tree starts it again."""

from __future__ import annotations

import os
import signal
from time import time
from typing import TYPE_CHECKING, Final

from simulator.process import free_port_base
from tests.bench.figures import Figure, Quantity, median
from tests.bench.load import SERVICE_NAMES, commands
from tests.bench.processes import await_true
from tests.bench.tree import SETTLING_SECONDS, standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.tree import Tree
    from simulator.process import SimulatorProcess
    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

TARGET_SECONDS: Final = 3.0
DELIVERY_TIMEOUT_SECONDS: Final = 45.0


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Kill every worker between two commands, and see when their services send again."""
    seconds = []
    with stage.simulator() as simulator, stage.database() as database:
        base = {"METRICS_PORT_BASE": str(free_port_base())}
        environment = stage.environment({**database.environment, **base}, simulator)
        with standing(environment) as tree:
            for number in range(sizes.starts + 1):
                mark = f"kill{number}x"
                killed_at = time()
                if number:  # those of the first time only warm up
                    _kill_workers(tree)
                database.store.call("safari_enqueue", commands=commands(len(SERVICE_NAMES), mark))
                await_true(
                    lambda mark=mark: _sent(simulator, mark) == len(SERVICE_NAMES),  # type: ignore[misc]
                    "not every service sends again",
                    DELIVERY_TIMEOUT_SECONDS,
                )
                if number:
                    seconds.append(_last(simulator, mark) - killed_at)
                await_true(lambda: _all_run(tree), "a worker does not stay", SETTLING_SECONDS)
    yield Figure(
        "kill -9 of every worker to the first send of all nine services",
        Quantity(median(seconds), "s"),
        at_most=TARGET_SECONDS,
    )


def _kill_workers(tree: Tree) -> None:
    for process in tree.processes():
        if process["name"].startswith("worker"):
            os.kill(process["pid"], signal.SIGKILL)


def _all_run(tree: Tree) -> bool:
    return all(it.state == "RUNNING" for it in tree.supervisor.processes() if it.pid)


def _sent(simulator: SimulatorProcess, mark: str) -> int:
    return sum(line["text"].startswith(mark) for line in simulator.world())


def _last(simulator: SimulatorProcess, mark: str) -> float:
    return max(float(line["at"]) for line in simulator.world() if line["text"].startswith(mark))
