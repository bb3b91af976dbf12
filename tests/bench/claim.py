"""Whether taking a row costs more where a million wait."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from actp.errors import WrongState
from tests.bench.figures import Figure, Quantity, counted, percentile
from tests.bench.load import SERVICE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.store import Store
    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

TARGET: Final = 1.3
FEW_ROWS: Final = 1000
LEASE_SECONDS: Final = 30.0


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Claim one row and hand it back, in the small and in the large queue in turn."""
    few = _Claimer(stage.crowd(FEW_ROWS).store)
    many = _Claimer(stage.crowd(sizes.crowded_rows).store)
    seconds: dict[_Claimer, list[float]] = {few: [], many: []}
    for number in range(-len(SERVICE_NAMES), sizes.claims):
        for claimer, measured in seconds.items():
            took = claimer.claim(SERVICE_NAMES[number % len(SERVICE_NAMES)])
            if number >= 0:  # those before make the plans
                measured.append(took)
    yield Figure(
        f"claim, p50, of {counted(sizes.crowded_rows)} rows",
        Quantity(1000 * percentile(seconds[many], 0.5), "ms"),
        Quantity(1000 * percentile(seconds[few], 0.5), "ms", f"of {FEW_ROWS} rows"),
        at_most=TARGET,
    )


class _Claimer:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._boot_id = str(uuid4())
        store.call(
            "safari_register",
            boot_id=self._boot_id,
            host_key="bench",
            worker="bench/0",
            services=list(SERVICE_NAMES),
        )

    def claim(self, service: str) -> float:
        """Return the seconds that claiming one row takes; it is handed back afterwards."""
        began = perf_counter()
        answer = self._store.call(
            "safari_claim",
            boot_id=self._boot_id,
            wants={service: 1},
            held=0,
            lease_seconds=LEASE_SECONDS,
        )
        took = perf_counter() - began
        if len(answer["commands"]) != 1:
            raise WrongState(f"nothing was claimed for {service}: {answer}", remedy="")
        (row,) = answer["commands"]
        back = {"id": row["id"], "attempt": 0, "lease": row["lease"], "verdict": "wait"}
        self._store.call("safari_ledger", boot_id=self._boot_id, finishes=[back], begins=[])
        return took
