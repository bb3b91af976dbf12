"""``procrastinate_worker fill MODE COUNT`` or ``procrastinate_worker work``.

Mode ``lock`` gives each job the lock of its service, ``free`` gives none.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any, Final

import procrastinate
from procrastinate.jobs import Job

from tests.bench.load import BATCH_SIZE, deliveries
from tests.bench.rivals.gate import Clients, await_word

__all__ = ["main"]

CONCURRENCY: Final = 50
CONNECTIONS: Final = 10


async def main(arguments: list[str]) -> None:
    """Fill the queue, or work until ended."""
    connector = procrastinate.PsycopgConnector(
        conninfo=os.environ["DATABASE_URL"], max_size=CONNECTIONS
    )
    app = procrastinate.App(connector=connector)
    async with app.open_async():
        if arguments[0] == "fill":
            await _fill(app, arguments[1], int(arguments[2]))
        else:
            await _work(app)


async def _fill(app: procrastinate.App, mode: str, count: int) -> None:
    await app.schema_manager.apply_schema_async()
    jobs = [
        Job(
            task_name="deliver",
            queue=delivery["service"],
            lock=delivery["service"] if mode == "lock" else None,
            queueing_lock=None,
            task_kwargs=delivery,
        )
        for delivery in deliveries(count, "drain")
    ]
    for start in range(0, count, BATCH_SIZE):
        await app.job_manager.batch_defer_jobs_async(jobs[start : start + BATCH_SIZE])


async def _work(app: procrastinate.App) -> None:
    async with Clients.opened() as clients:

        @app.task(name="deliver")
        async def deliver(**delivery: Any) -> None:
            await clients.post(**delivery)

        await await_word()
        await app.run_worker_async(concurrency=CONCURRENCY, install_signal_handlers=False)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
