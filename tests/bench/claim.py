"""What taking a row costs: where a million wait, and where a transaction keeps the dead ones."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import psycopg

from actp.errors import WrongState
from tests.bench.figures import Figure, Quantity, counted, percentile
from tests.bench.load import SERVICE_NAMES, commands, in_batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.store import Store
    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure", "measure_held"]

TARGET: Final = 1.3
P50_TARGET_MS: Final = 0.6
P99_TARGET_MS: Final = 2.0
HELD_TARGET_MS: Final = 2.0
FEW_ROWS: Final = 1000
LEASE_SECONDS: Final = 30.0
ROWS_A_CLAIM: Final = 16


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Claim one row and hand it back, in the small and in the large queue in turn."""
    few = _Claimer(stage.crowd(FEW_ROWS).store)
    many = _Claimer(stage.crowd(sizes.crowded_rows).store)
    seconds: dict[_Claimer, list[float]] = {few: [], many: []}
    for number in range(-len(SERVICE_NAMES), sizes.claims):
        for claimer, measured in seconds.items():
            took = claimer.claim_and_hand_back(SERVICE_NAMES[number % len(SERVICE_NAMES)])
            if number >= 0:  # those before make the plans
                measured.append(took)
    rows = counted(sizes.crowded_rows)
    for share, target in ((0.5, P50_TARGET_MS), (0.99, P99_TARGET_MS)):
        yield Figure(
            f"claim of one of {rows} rows, p{100 * share:.0f}",
            Quantity(1000 * percentile(seconds[many], share), "ms"),
            at_most=target,
        )
    yield Figure(
        f"claim, p50, of {rows} rows",
        Quantity(1000 * percentile(seconds[many], 0.5), "ms"),
        Quantity(1000 * percentile(seconds[few], 0.5), "ms", f"of {FEW_ROWS} rows"),
        at_most=TARGET,
    )


def measure_held(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Claim one row after many commands were done under a transaction that was left open."""
    with stage.database() as database, psycopg.connect(database.dsn) as forgotten:
        forgotten.execute("set transaction isolation level repeatable read")
        forgotten.execute("select count(*) from safari_command_queue")
        claimer = _Claimer(database.store)
        for batch in in_batches(commands(sizes.held_commands, "held")):
            database.store.call("safari_enqueue", commands=batch)
            claimer.work_off()
        database.store.call("safari_enqueue", commands=commands(2 * sizes.claims, "last"))
        took = [
            claimer.claim_and_hand_back(SERVICE_NAMES[number % len(SERVICE_NAMES)])
            for number in range(sizes.claims)
        ]
        (found,) = database.store.call("safari_old_transactions", age_seconds=0)
        if found["pid"] != forgotten.info.backend_pid:
            raise WrongState("the transaction is not named", remedy="See safari_old_transactions.")
    yield Figure(
        f"claim of one row, p50, after {counted(sizes.held_commands)} commands under an open"
        " transaction",
        Quantity(1000 * percentile(took, 0.5), "ms"),
        at_most=HELD_TARGET_MS,
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

    def claim_and_hand_back(self, service: str) -> float:
        """Return the seconds that claiming one row takes; it is handed back afterwards."""
        began = perf_counter()
        rows = self._claim({service: 1})
        took = perf_counter() - began
        if len(rows) != 1:
            raise WrongState(f"nothing was claimed for {service}", remedy="")
        back = {"id": rows[0]["id"], "attempt": 0, "lease": rows[0]["lease"], "verdict": "wait"}
        self._ledger([back], [])
        return took

    def work_off(self) -> None:
        """Claim, begin and finish whatever is due."""
        wants = dict.fromkeys(SERVICE_NAMES, ROWS_A_CLAIM)
        while rows := self._claim(wants):
            begins = [
                {
                    "id": row["id"],
                    "lease": row["lease"],
                    "service": row["service"],
                    "recipient": row["id"],
                    "text_hash": row["id"],
                }
                for row in rows
            ]
            self._ledger([], begins)
            self._ledger(
                [
                    {
                        "id": row["id"],
                        "lease": row["lease"],
                        "attempt": 1,
                        "verdict": "sent",
                        "result": {"success": True},
                    }
                    for row in rows
                ],
                [],
            )

    def _claim(self, wants: dict[str, int]) -> list[dict[str, Any]]:
        answer = self._store.call(
            "safari_claim",
            boot_id=self._boot_id,
            wants=wants,
            held=0,
            lease_seconds=LEASE_SECONDS,
        )
        rows: list[dict[str, Any]] = answer["commands"]
        return rows

    def _ledger(self, finishes: list[dict[str, Any]], begins: list[dict[str, Any]]) -> None:
        self._store.call("safari_ledger", boot_id=self._boot_id, finishes=finishes, begins=begins)
