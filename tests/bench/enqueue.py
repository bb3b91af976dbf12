"""How fast commands are put in, a thousand at a time and one by one."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

from tests.bench.figures import Figure, Quantity, median
from tests.bench.load import BATCH_SIZE, commands, in_batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

TARGET_ROWS_PER_SECOND: Final = 25_000.0


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Enqueue through the function that everybody uses, triggers and audit included."""
    with stage.database() as database:
        call = database.store.call
        rates = []
        for batch in in_batches(commands(BATCH_SIZE * sizes.batches, "batch")):
            began = perf_counter()
            call("safari_enqueue", commands=batch)
            rates.append(len(batch) / (perf_counter() - began))
        singles = commands(sizes.single_enqueues, "single")
        began = perf_counter()
        for command in singles:
            call("safari_enqueue", commands=[command])
        single_rate = len(singles) / (perf_counter() - began)
    yield Figure(
        f"enqueue in batches of {BATCH_SIZE}",
        Quantity(median(rates), "rows/s"),
        at_least=TARGET_ROWS_PER_SECOND,
    )
    yield Figure("enqueue one by one", Quantity(single_rate, "rows/s"))
