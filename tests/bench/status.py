"""How long --status takes, the whole process, where a million rows wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.bench.figures import Figure, Quantity, counted, median
from tests.bench.shell import run_agent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

TARGET_SECONDS: Final = 1.0


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Ask for the status of the large queue."""
    environment = stage.environment(stage.crowd(sizes.crowded_rows).environment)
    seconds = [run_agent(environment, "--status") for _ in range(sizes.starts)]
    yield Figure(
        f"--status with {counted(sizes.crowded_rows)} rows",
        Quantity(median(seconds), "s"),
        at_most=TARGET_SECONDS,
    )
