"""How long a look at the few takes where a million commands have ended."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

from actp.settings import PROJECT_ROOT
from tests.bench.figures import Figure, Quantity, counted, median

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

TARGET_MS: Final = 15.0
TIMES: Final = 9
HISTORY_ROWS: Final = 50


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Ask for what is not settled, for a platform that is not there, and for what to retry."""
    rows = counted(sizes.crowded_rows)
    with stage.database() as database:
        with database.connect() as connection:
            connection.execute("set session_replication_role = replica")
            statement = (PROJECT_ROOT / "tests/bench/crowd_ended.sql").read_text()
            connection.execute(statement.encode(), {"rows": sizes.crowded_rows})
            connection.execute("vacuum (analyze) safari_command_queue")
            connection.execute("vacuum (analyze) safari_command_index")
            connection.execute("checkpoint")
        store = database.store
        asked: dict[str, Callable[[], object]] = {
            "history --status unknown": lambda: store.call(
                "safari_search", filter={"status": "unknown"}, row_limit=HISTORY_ROWS
            ),
            "history --platform with nothing": lambda: store.call(
                "safari_search",
                filter={"platform": "nowhere", "status": "ended"},
                row_limit=HISTORY_ROWS,
            ),
            "retry-failed": lambda: store.call("safari_retry_failed"),
        }
        for name, ask in asked.items():
            ask()
            took = median(_timed(ask) for _ in range(TIMES))
            yield Figure(f"{name}, {rows} ended", Quantity(1000 * took, "ms"), at_most=TARGET_MS)


def _timed(ask: Callable[[], object]) -> float:
    began = perf_counter()
    ask()
    return perf_counter() - began
