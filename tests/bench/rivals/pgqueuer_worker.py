"""``pgqueuer_worker fill MODE COUNT`` or ``pgqueuer_worker MODE NUMBER PROCESSES``.

Modes: ``limit`` lets PgQueuer itself hold each service to one job at a time, ``lock`` does it
with a lock in the process, ``one`` with one lock for all services, ``free`` does not. ``promises``
is ``lock`` with what a user would have to add for a part of our promises: before it sends, a job
writes an intent, takes one from the day's quota and writes an audit row in its own
transaction, and afterwards the outcome and another audit row in a second one.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import uvloop
from pgqueuer.core.qm import QueueManager
from pgqueuer.queries import Queries
from psycopg.conninfo import conninfo_to_dict

from tests.bench.load import SERVICE_NAMES, deliveries, in_batches
from tests.bench.rivals.gate import Clients, await_word, share

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from pgqueuer.models import Job

__all__ = ["connected", "main"]

BATCH_SIZE: Final = 10
# Without a bound it takes the whole queue at once and spends itself on bookkeeping.
MOST_TASKS: Final = 50
# One for each service that may be in a transaction.
POOL_SIZE: Final = 9
PROMISES_TABLES: Final = """
create table bench_intents (
  job_id bigint primary key, service text not null, outcome text,
  begun_at timestamptz not null default now(), finished_at timestamptz
);
create table bench_quota (
  service text, day date, used integer not null, daily_limit integer not null,
  primary key (service, day)
) with (fillfactor = 50);
create table bench_audit (
  id bigint generated always as identity primary key, job_id bigint not null, event text not null,
  at timestamptz not null default now()
);
"""
FILL_QUOTA: Final = "insert into bench_quota select unnest($1::text[]), current_date, 0, 1000000"


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Queries]:
    """Yield its queries over asyncpg.

    Its psycopg driver listens and asks on one connection, and each question then waits for up to a
    second: that would be no fair comparison.
    """
    # Named late, so that only this rival falls out where it is not installed.
    asyncpg: Any = import_module("asyncpg")
    connection = await asyncpg.connect(**_place(dsn))
    try:
        yield Queries.from_asyncpg_connection(connection)
    finally:
        await connection.close()


def _place(dsn: str) -> dict[str, Any]:
    place = conninfo_to_dict(dsn)
    return {
        "host": place["host"],
        "port": place["port"],
        "user": place["user"],
        "database": place["dbname"],
    }


@asynccontextmanager
async def _pool() -> AsyncIterator[Any]:
    asyncpg: Any = import_module("asyncpg")
    async with asyncpg.create_pool(
        **_place(os.environ["DATABASE_URL"]), min_size=POOL_SIZE, max_size=POOL_SIZE
    ) as pool:
        yield pool


async def main(arguments: list[str]) -> None:
    """Fill the queue, or work until ended."""
    async with connected(os.environ["DATABASE_URL"]) as queries:
        if arguments[0] == "fill":
            await _fill(queries, int(arguments[2]))
        else:
            await _work(queries, arguments)


async def _fill(queries: Queries, count: int) -> None:
    await queries.install()
    async with _pool() as pool, pool.acquire() as connection:
        await connection.execute(PROMISES_TABLES)
        await connection.execute(FILL_QUOTA, list(SERVICE_NAMES))
    for batch in in_batches(deliveries(count, "drain")):
        names = [delivery["service"] for delivery in batch]
        payloads: list[bytes | None] = [json.dumps(delivery).encode() for delivery in batch]
        await queries.enqueue(names, payloads, [0] * len(batch))


async def _work(queries: Queries, arguments: list[str]) -> None:
    mode, services, _ = share(arguments)
    async with AsyncExitStack() as stack:
        clients = await stack.enter_async_context(Clients.opened())
        pool = await stack.enter_async_context(_pool()) if mode == "promises" else None
        promises = Promises(pool) if pool is not None else None
        manager = QueueManager(queries)
        shared = asyncio.Lock()
        for service in services:
            entrypoint = manager.entrypoint(service, concurrency_limit=1 if mode == "limit" else 0)
            entrypoint(_deliver(clients, _turn(mode, shared), promises))
        await await_word()
        await manager.run(
            batch_size=BATCH_SIZE,
            max_concurrent_tasks=None if mode == "limit" else MOST_TASKS,
            # What has been counted would be moved away under our eyes.
            log_aggregation_interval=timedelta(0),
        )


class Promises:
    """Intent, quota and audit, in transactions of the job's own."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def begin(self, job: Job) -> None:
        """Write the intent, take one from the quota and record both."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "insert into bench_intents (job_id, service) values ($1, $2)",
                int(job.id),
                job.entrypoint,
            )
            taken = await connection.fetchval(
                "update bench_quota set used = used + 1"
                " where service = $1 and day = current_date and used < daily_limit returning used",
                job.entrypoint,
            )
            if taken is None:
                raise RuntimeError("no quota is left")
            await connection.execute(
                "insert into bench_audit (job_id, event) values ($1, 'begun')", int(job.id)
            )

    async def finish(self, job: Job) -> None:
        """Write the outcome and record it."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "update bench_intents set outcome = 'sent', finished_at = now() where job_id = $1",
                int(job.id),
            )
            await connection.execute(
                "insert into bench_audit (job_id, event) values ($1, 'completed')", int(job.id)
            )


def _turn(mode: str, shared: asyncio.Lock) -> AbstractAsyncContextManager[Any]:
    if mode == "one":
        return shared
    return asyncio.Lock() if mode in {"lock", "promises"} else nullcontext()


def _deliver(
    clients: Clients, turn: AbstractAsyncContextManager[Any], promises: Promises | None
) -> Callable[[Job], Awaitable[None]]:
    async def deliver(job: Job) -> None:
        async with turn:
            if promises is not None:
                await promises.begin(job)
            await clients.post(**json.loads(job.payload or b"{}"))
            if promises is not None:
                await promises.finish(job)

    return deliver


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1:]))
