"""How fast a full queue is processed, by us and by what one would take instead."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

import psycopg

from actp.errors import ActpError, TimedOut
from tests.bench.cpu import CpuMeter
from tests.bench.figures import Figure, Quantity, median
from tests.bench.load import SERVICE_NAMES, commands, in_batches
from tests.bench.processes import gated, log_tail, resident_mib, workers
from tests.bench.shell import run
from tests.bench.stage import WORKERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["PGQUEUER", "drain_ours", "measure", "settled", "watch"]

# A rival that keeps a part of the same promises by hand; the raw ones are there to be read.
SAME_PROMISES_TARGET: Final = 1.25
RAW_TARGET: Final = 0.75
BARE_TARGET: Final = 0.5
CPU_TARGET_MS: Final = 1.4
MEMORY_TARGET_MIB: Final = 80.0
OURS_LIMIT_SECONDS: Final = 60.0
BARE_LIMIT_SECONDS: Final = 60.0
BARE_PROCESSES: Final = 3
LOOK_SECONDS: Final = 0.2
NOTE_LENGTH: Final = 200
# Fewer have no pace.
LEAST_COMPLETIONS: Final = 10
# Beside the default: what more processes cost and gain.
DIVISIONS: Final = tuple(processes for processes in (1, 2, 3) if processes != WORKERS)
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
    target: float | None = None

    @property
    def name(self) -> str:
        """Return how it is called in the table."""
        noun = "process" if self.processes == 1 else "processes"
        return f"{self.queue}, {self.how}, {self.processes} {noun}"

    @property
    def module(self) -> str:
        """Return what is run."""
        return f"tests.bench.rivals.{self.queue}_worker"


# Each way of running a rival alone and as three processes.
PROCESSES: Final = (1, 3)
PROCRASTINATE: Final = (
    "select count(*), extract(epoch from max(at) - min(at))::double precision"
    " from procrastinate_events where type = 'succeeded'"
)
PGQUEUER: Final = (
    "select count(*), extract(epoch from max(created) - min(created))::double precision"
    " from pgqueuer_log where status = 'successful'"
)
RIVALS: Final = (
    *(
        Rival(
            "pgqueuer",
            "asyncio.Lock, intent, quota and audit by hand",
            "promises",
            processes,
            PGQUEUER,
            SAME_PROMISES_TARGET,
        )
        for processes in PROCESSES
    ),
    Rival("procrastinate", "a lock each service", "lock", 1, PROCRASTINATE),
    Rival("pgqueuer", "concurrency_limit=1", "limit", 1, PGQUEUER),
    *(
        Rival("pgqueuer", "asyncio.Lock", "lock", processes, PGQUEUER, RAW_TARGET)
        for processes in PROCESSES
    ),
    Rival("procrastinate", "50 at once", "free", 1, PROCRASTINATE),
    *(Rival("pgqueuer", "50 at once", "free", processes, PGQUEUER) for processes in PROCESSES),
)


@dataclass(frozen=True, slots=True)
class Drained:
    """Our own drain: its pace, what a command costs, and what each worker holds after it."""

    rate: float
    resident_mib: tuple[float, ...]
    workers_cpu_ms: float
    server_cpu_ms: float


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Drain the same backlog in turn, some rounds over, and compare the medians."""
    count = sizes.drained_commands // len(SERVICE_NAMES) * len(SERVICE_NAMES)
    ours: list[Drained] = []
    divided: dict[int, list[Drained]] = {processes: [] for processes in DIVISIONS}
    others: dict[Rival, list[float]] = {rival: [] for rival in RIVALS}
    troubles: dict[Rival, str] = {}
    bare: list[float] = []
    for _ in range(sizes.drain_rounds):
        ours.append(drain_ours(stage, count, WORKERS))
        for processes, drained in divided.items():
            drained.append(drain_ours(stage, count, processes))
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
    yield from _costs(WORKERS, ours, CPU_TARGET_MS)
    for processes, drained in divided.items():
        rate = Quantity(median(each.rate for each in drained), UNIT)
        default = Quantity(pace.value, UNIT, f"WORKERS={WORKERS}, the default")
        yield Figure(f"drain, WORKERS={processes}", rate, default)
        yield from _costs(processes, drained, None)
    largest = max(size for drained in ours for size in drained.resident_mib)
    yield Figure(
        "memory of the largest worker after it",
        Quantity(largest, "MiB"),
        at_most=MEMORY_TARGET_MIB,
    )


def _costs(processes: int, drained: list[Drained], target_ms: float | None) -> Iterator[Figure]:
    total = median(each.workers_cpu_ms + each.server_cpu_ms for each in drained)
    parts = Quantity(median(each.server_cpu_ms for each in drained), "ms")
    yield Figure(
        f"CPU a command, WORKERS={processes}",
        Quantity(total, "ms", f"of which PostgreSQL {parts}"),
        at_most=target_ms,
    )


def drain_ours(stage: Stage, count: int, workers_count: int) -> Drained:
    """Let workers, up and waiting, work off so many commands."""
    with stage.simulator() as simulator, stage.database() as database:
        more = {**database.environment, "WORKERS": str(workers_count)}
        environment = stage.environment(more, simulator)
        log = stage.folder / "workers.log"
        with workers(workers_count, environment, database.store, log) as processes:
            database.store.call("safari_pause", platform="all")
            for batch in in_batches(commands(count, "drain")):
                database.store.call("safari_enqueue", commands=batch)
            settled(database.dsn)
            meter = CpuMeter(tuple(process.pid for process in processes), stage.server_pid)
            worked, served = meter.workers_seconds(), meter.server_seconds()
            database.store.call("safari_resume", platform="all")
            done, rate = watch(database.dsn, COMPLETIONS, count, OURS_LIMIT_SECONDS)
            if done < count:
                raise TimedOut(f"only {done} of {count} were completed", remedy=f"See {log}.")
            return Drained(
                rate,
                tuple(resident_mib(process.pid) for process in processes),
                1000 * (meter.workers_seconds() - worked) / count,
                1000 * (meter.server_seconds() - served) / count,
            )


def drain_rival(stage: Stage, rival: Rival, count: int, limit_seconds: float) -> float:
    """Return a rival's pace on the same backlog; a slow one shows it before the end."""
    with stage.simulator() as simulator, stage.empty_database() as dsn:
        environment = stage.environment({"DATABASE_URL": dsn}, simulator)
        run(environment, sys.executable, "-m", rival.module, "fill", rival.mode, str(count))
        settled(dsn)
        arguments = [
            ["-m", rival.module, rival.mode, str(number), str(rival.processes)]
            for number in range(rival.processes)
        ]
        log = stage.folder / "rivals.log"
        with gated(arguments, environment, log) as (_, begin):
            begin()
            done, rate = watch(dsn, rival.completions, count, limit_seconds)
            if done < LEAST_COMPLETIONS:
                raise TimedOut(f"only {done} were completed: {log_tail(log)}", remedy="")
            return rate


def send_bare(stage: Stage, count: int) -> float:
    """Return the pace of processes and threads that send the same requests and keep no queue."""
    with stage.simulator() as simulator:
        environment = stage.environment({}, simulator)
        arguments = [
            ["-m", "tests.bench.rivals.bare_httpx", str(count), str(number), str(BARE_PROCESSES)]
            for number in range(BARE_PROCESSES)
        ]
        with gated(arguments, environment, stage.folder / "rivals.log") as (processes, begin):
            begin()
            said = [process.communicate(timeout=BARE_LIMIT_SECONDS)[0] for process in processes]
    times = [tuple(map(float, line.split())) for line in said]
    return count / (max(ended for _, ended in times) - min(began for began, _ in times))


def settled(dsn: str) -> None:
    """Do what autovacuum would within a minute, and keep a checkpoint out of the measurement."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")
        connection.execute("checkpoint")


def watch(dsn: str, completions: str, count: int, limit_seconds: float) -> tuple[int, float]:
    """Return how many were completed, and how many a second from the first to the last."""
    deadline = monotonic() + limit_seconds
    with psycopg.connect(dsn, autocommit=True) as connection:
        while True:
            row = connection.execute(completions.encode()).fetchone()
            done, seconds = row or (0, None)
            if done >= count or monotonic() > deadline:
                return done, (done - 1) / seconds if seconds else 0.0
            sleep(LOOK_SECONDS)
