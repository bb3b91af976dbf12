"""How fast a full queue is worked off, by us and by what one would take instead."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

import psycopg

from actp.errors import ActpError, TimedOut
from tests.bench.figures import Figure, Quantity, median
from tests.bench.load import SERVICE_NAMES, commands, in_batches
from tests.bench.processes import gated, log_tail, resident_mib, workers
from tests.bench.shell import run
from tests.bench.stage import WORKERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

SAME_SHAPE_TARGET: Final = 2.5
BEST_CONCURRENCY_TARGET: Final = 1.5
BARE_TARGET: Final = 0.7
MEMORY_TARGET_MIB: Final = 80.0
OURS_LIMIT_SECONDS: Final = 60.0
BARE_LIMIT_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.2
NOTE_LENGTH: Final = 200
# Fewer have no pace.
LEAST_COMPLETIONS: Final = 10
UNIT: Final = "commands/s"

COMPLETIONS: Final = (
    "select count(*), extract(epoch from max(completed_at) - min(completed_at))::double precision"
    " from safari_command_queue where status = 'completed' and batch_id = 'drain'"
)


@dataclass(frozen=True, slots=True)
class Rival:
    """Another queue, in one of the ways of running it."""

    queue: str
    how: str
    mode: str
    processes: int
    completions: str
    target: float

    @property
    def name(self) -> str:
        """Return how it is called in the table."""
        noun = "process" if self.processes == 1 else "processes"
        return f"{self.queue}, {self.how}, {self.processes} {noun}"

    @property
    def module(self) -> str:
        """Return what is run."""
        return f"tests.bench.rivals.{self.queue}_worker"


PROCRASTINATE: Final = (
    "select count(*), extract(epoch from max(at) - min(at))::double precision"
    " from procrastinate_events where type = 'succeeded'"
)
PGQUEUER: Final = (
    "select count(*), extract(epoch from max(created) - min(created))::double precision"
    " from pgqueuer_log where status = 'successful'"
)
RIVALS: Final = (
    Rival("procrastinate", "a lock each service", "lock", 1, PROCRASTINATE, SAME_SHAPE_TARGET),
    Rival("pgqueuer", "concurrency_limit=1", "limit", 1, PGQUEUER, SAME_SHAPE_TARGET),
    *(
        Rival("pgqueuer", "asyncio.Lock", "lock", processes, PGQUEUER, SAME_SHAPE_TARGET)
        for processes in (1, WORKERS)
    ),
    Rival("procrastinate", "50 at once", "free", 1, PROCRASTINATE, BEST_CONCURRENCY_TARGET),
    *(
        Rival("pgqueuer", "50 at once", "free", processes, PGQUEUER, BEST_CONCURRENCY_TARGET)
        for processes in (1, WORKERS)
    ),
)


@dataclass(frozen=True, slots=True)
class Drained:
    """Our own drain: its pace, and what each worker process holds after it."""

    rate: float
    resident_mib: tuple[float, ...]


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Drain the same backlog in turn, some rounds over, and compare the medians."""
    count = sizes.drained_commands // len(SERVICE_NAMES) * len(SERVICE_NAMES)
    ours: list[Drained] = []
    others: dict[Rival, list[float]] = {rival: [] for rival in RIVALS}
    troubles: dict[Rival, str] = {}
    bare: list[float] = []
    for _ in range(sizes.drain_rounds):
        ours.append(drain_ours(stage, count))
        for rival in RIVALS:
            try:
                others[rival].append(drain_rival(stage, rival, count, sizes.drain_limit_seconds))
            except (ActpError, psycopg.Error) as error:
                troubles[rival] = (
                    f"{rival.name} failed: {' '.join(str(error).split())[-NOTE_LENGTH:]}"
                )
        bare.append(send_bare(stage, count))
    pace = Quantity(median(drained.rate for drained in ours), UNIT)
    for rival, rates in others.items():
        other = Quantity(median(rates), UNIT, rival.name) if rates else None
        target = rival.target if rates else None
        yield Figure("drain", pace, other, at_least=target, note=troubles.get(rival, ""))
    yield Figure(
        "drain", pace, Quantity(median(bare), UNIT, "bare httpx, no queue"), at_least=BARE_TARGET
    )
    largest = max(size for drained in ours for size in drained.resident_mib)
    yield Figure(
        "memory of the largest worker after it",
        Quantity(largest, "MiB"),
        at_most=MEMORY_TARGET_MIB,
    )


def drain_ours(stage: Stage, count: int) -> Drained:
    """Let three workers, up and waiting, work off so many commands."""
    with stage.simulator() as simulator, stage.database() as database:
        environment = stage.environment(database.environment, simulator)
        log = stage.folder / "workers.log"
        with workers(WORKERS, environment, database.store, log) as processes:
            database.store.call("safari_pause", platform="all")
            for batch in in_batches(commands(count, "drain")):
                database.store.call("safari_enqueue", commands=batch)
            _settle(database.dsn)
            database.store.call("safari_resume", platform="all")
            done, rate = _watch(database.dsn, COMPLETIONS, count, OURS_LIMIT_SECONDS)
            if done < count:
                raise TimedOut(f"only {done} of {count} were completed", remedy=f"See {log}.")
            return Drained(rate, tuple(resident_mib(process.pid) for process in processes))


def drain_rival(stage: Stage, rival: Rival, count: int, limit_seconds: float) -> float:
    """Return a rival's pace on the same backlog; a slow one shows it before the end."""
    with stage.simulator() as simulator, stage.empty_database() as dsn:
        environment = stage.environment({"DATABASE_URL": dsn}, simulator)
        run(environment, sys.executable, "-m", rival.module, "fill", rival.mode, str(count))
        _settle(dsn)
        arguments = [
            ["-m", rival.module, rival.mode, str(number), str(rival.processes)]
            for number in range(rival.processes)
        ]
        log = stage.folder / "rivals.log"
        with gated(arguments, environment, log) as (_, begin):
            begin()
            done, rate = _watch(dsn, rival.completions, count, limit_seconds)
            if done < LEAST_COMPLETIONS:
                raise TimedOut(f"only {done} were completed: {log_tail(log)}", remedy="")
            return rate


def send_bare(stage: Stage, count: int) -> float:
    """Return the pace of processes and threads that send the same requests and keep no queue."""
    with stage.simulator() as simulator:
        environment = stage.environment({}, simulator)
        arguments = [
            ["-m", "tests.bench.rivals.bare_httpx", str(count), str(number), str(WORKERS)]
            for number in range(WORKERS)
        ]
        with gated(arguments, environment, stage.folder / "rivals.log") as (processes, begin):
            begin()
            said = [process.communicate(timeout=BARE_LIMIT_SECONDS)[0] for process in processes]
    times = [tuple(map(float, line.split())) for line in said]
    return count / (max(ended for _, ended in times) - min(began for began, _ in times))


def _settle(dsn: str) -> None:
    # As autovacuum would within a minute; and no checkpoint falls into the measurement.
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")
        connection.execute("checkpoint")


def _watch(dsn: str, completions: str, count: int, limit_seconds: float) -> tuple[int, float]:
    """Return how many were completed, and how many a second from the first to the last."""
    deadline = monotonic() + limit_seconds
    with psycopg.connect(dsn, autocommit=True) as connection:
        while True:
            row = connection.execute(completions.encode()).fetchone()
            done, seconds = row or (0, None)
            if done >= count or monotonic() > deadline:
                return done, (done - 1) / seconds if seconds else 0.0
            sleep(LOOK_SECONDS)
