"""``pgqueuer_worker fill MODE COUNT`` or ``pgqueuer_worker MODE NUMBER PROCESSES``.

Modes: ``limit`` lets PgQueuer itself hold each service to one job at a time, ``lock`` does it
with a lock in the process, ``free`` does not.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import uvloop
from pgqueuer.core.qm import QueueManager
from pgqueuer.queries import Queries
from psycopg.conninfo import conninfo_to_dict

from tests.bench.load import deliveries, in_batches
from tests.bench.rivals.gate import Clients, await_word, share

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from pgqueuer.models import Job

__all__ = ["connected", "main"]

BATCH_SIZE: Final = 10
# Without a bound it takes the whole queue at once and spends itself on bookkeeping.
MOST_TASKS: Final = 50


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Queries]:
    """Yield its queries over asyncpg.

    Its psycopg driver listens and asks on one connection, and each question then waits for up to a
    second: that would be no fair comparison.
    """
    # Named late, so that only this rival falls out where it is not installed.
    asyncpg: Any = import_module("asyncpg")
    place = conninfo_to_dict(dsn)
    connection = await asyncpg.connect(
        host=place["host"], port=place["port"], user=place["user"], database=place["dbname"]
    )
    try:
        yield Queries.from_asyncpg_connection(connection)
    finally:
        await connection.close()


async def main(arguments: list[str]) -> None:
    """Fill the queue, or work until ended."""
    async with connected(os.environ["DATABASE_URL"]) as queries:
        if arguments[0] == "fill":
            await _fill(queries, int(arguments[2]))
        else:
            await _work(queries, arguments)


async def _fill(queries: Queries, count: int) -> None:
    await queries.install()
    for batch in in_batches(deliveries(count, "drain")):
        names = [delivery["service"] for delivery in batch]
        payloads: list[bytes | None] = [json.dumps(delivery).encode() for delivery in batch]
        await queries.enqueue(names, payloads, [0] * len(batch))


async def _work(queries: Queries, arguments: list[str]) -> None:
    mode, services, _ = share(arguments)
    async with Clients.opened() as clients:
        manager = QueueManager(queries)
        for service in services:
            _register(manager, service, clients, mode)
        await await_word()
        await manager.run(
            batch_size=BATCH_SIZE,
            max_concurrent_tasks=None if mode == "limit" else MOST_TASKS,
            # What has been counted would be moved away under our eyes.
            log_aggregation_interval=timedelta(0),
        )


def _register(manager: QueueManager, service: str, clients: Clients, mode: str) -> None:
    turn: AbstractAsyncContextManager[Any] = asyncio.Lock() if mode == "lock" else nullcontext()

    @manager.entrypoint(service, concurrency_limit=1 if mode == "limit" else 0)
    async def deliver(job: Job) -> None:
        async with turn:
            await clients.post(**json.loads(job.payload or b"{}"))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1:]))
