"""What the status costs, the whole process, where a million rows wait."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from tests.bench.figures import Figure, Quantity, counted, median
from tests.bench.shell import run, run_agent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

TARGET_SECONDS: Final = 1.0
CPU_TARGET_SECONDS: Final = 0.25
CPU_RUNS: Final = 5


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Ask for the status of the large queue."""
    environment = stage.environment(stage.crowd(sizes.crowded_rows).environment)
    seconds = [run_agent(environment, "--status") for _ in range(sizes.starts)]
    yield Figure(
        f"--status with {counted(sizes.crowded_rows)} rows",
        Quantity(median(seconds), "s"),
        at_most=TARGET_SECONDS,
    )
    yield Figure(
        "CPU of bin/status",
        Quantity(min(_cpu_seconds(environment) for _ in range(CPU_RUNS)), "s"),
        at_most=CPU_TARGET_SECONDS,
    )


def _cpu_seconds(environment: Mapping[str, str]) -> float:
    before = os.times()
    run(environment, "bin/status")
    after = os.times()
    user = after.children_user - before.children_user
    return user + after.children_system - before.children_system
