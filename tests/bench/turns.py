"""The shape users have: one Safari, nine services, and actions that take their time."""

from __future__ import annotations

import sys
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

import httpx

from actp.safari.exchange import bearer_headers
from actp.settings import load_settings
from tests.bench.cpu import CpuMeter
from tests.bench.drain import PGQUEUER, settled, watch
from tests.bench.figures import Figure, Quantity
from tests.bench.load import SERVICE_NAMES, commands, deliveries
from tests.bench.processes import gated, workers
from tests.bench.shell import run
from tests.bench.stage import WORKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from simulator.process import SimulatorProcess
    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

# The length of an action, and which share of the time a Safari should then be busy.
TARGETS_PERCENT: Final = {50: 90.0, 200: 97.0, 1000: 99.2}
WAITING_TARGET_PERCENT: Final = 0.5
LEAST_ACTIONS: Final = 2 * len(SERVICE_NAMES)
COMPLETIONS: Final = (
    "select count(*), 1::double precision from safari_command_queue"
    " where status = 'completed' and batch_id = 'turn'"
)
IDLE_SECONDS: Final = 5.0
# Beside the actions themselves.
SPARE_SECONDS: Final = 60.0
REQUEST_TIMEOUT_SECONDS: Final = 30.0


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Let one Safari act without a pause, with us, with a bare loop and with pgqueuer."""
    for milliseconds, target in TARGETS_PERCENT.items():
        count = max(LEAST_ACTIONS, int(1000 * sizes.turn_seconds / milliseconds))
        ours, waiting_percent = _ours(stage, milliseconds, count)
        name = f"the one Safari busy, actions of {milliseconds} ms"
        yield Figure(name, Quantity(ours, "%"), at_least=target)
        for rival, percent in (
            ("a bare httpx loop", _bare(stage, milliseconds, count)),
            ("pgqueuer, one lock", _pgqueuer(stage, milliseconds, count)),
        ):
            yield Figure(name, Quantity(ours, "%"), Quantity(percent, "%", rival))
        if milliseconds == max(TARGETS_PERCENT):
            yield Figure(
                "CPU of the workers while eight services wait for the turn",
                Quantity(waiting_percent, "% of one core", "over that of a pause"),
                at_most=WAITING_TARGET_PERCENT,
            )


def _ours(stage: Stage, milliseconds: int, count: int) -> tuple[float, float]:
    """Return how busy it was, and what the workers used over what they use in a pause."""
    with stage.simulator(latency_ms=milliseconds) as simulator, stage.database() as database:
        more = {**database.environment, "SAFARI_TURNS": "1"}
        environment = stage.environment(more, simulator)
        with workers(
            WORKERS, environment, database.store, stage.folder / "workers.log"
        ) as processes:
            database.store.call("safari_pause", platform="all")
            database.store.call("safari_enqueue", commands=commands(count, "turn"))
            settled(database.dsn)
            meter = CpuMeter(tuple(process.pid for process in processes), stage.server_pid)
            idle_share = _share(meter, lambda: sleep(IDLE_SECONDS))

            def act() -> None:
                database.store.call("safari_resume", platform="all")
                watch(database.dsn, COMPLETIONS, count, _limit_seconds(milliseconds, count))

            busy_share = _share(meter, act)
        return _busy_percent(simulator, "turn", milliseconds), 100 * (busy_share - idle_share)


def _share(meter: CpuMeter, work: Callable[[], None]) -> float:
    used, began = meter.workers_seconds(), monotonic()
    work()
    return (meter.workers_seconds() - used) / (monotonic() - began)


def _bare(stage: Stage, milliseconds: int, count: int) -> float:
    with stage.simulator(latency_ms=milliseconds) as simulator:
        settings = load_settings(stage.environment({}, simulator))
        clients = {
            name: httpx.Client(
                base_url=settings.service_url(name),
                headers=bearer_headers(settings.service_token(name)),
                timeout=REQUEST_TIMEOUT_SECONDS,
                trust_env=False,
            )
            for name in SERVICE_NAMES
        }
        for job in deliveries(count, "bare"):
            clients[job["service"]].post(job["path"], json=job["body"]).raise_for_status()
        for client in clients.values():
            client.close()
        return _busy_percent(simulator, "bare", milliseconds)


def _pgqueuer(stage: Stage, milliseconds: int, count: int) -> float:
    module = "tests.bench.rivals.pgqueuer_worker"
    with (
        stage.simulator(latency_ms=milliseconds) as simulator,
        stage.empty_database() as dsn,
    ):
        environment = stage.environment({"DATABASE_URL": dsn}, simulator)
        run(environment, sys.executable, "-m", module, "fill", "one", str(count))
        settled(dsn)
        arguments = [["-m", module, "one", "0", "1"]]
        with gated(arguments, environment, stage.folder / "rivals.log") as (_, begin):
            begin()
            watch(dsn, PGQUEUER, count, _limit_seconds(milliseconds, count))
        return _busy_percent(simulator, "drain", milliseconds)


def _limit_seconds(milliseconds: int, count: int) -> float:
    return count * milliseconds / 1000 + SPARE_SECONDS


def _busy_percent(simulator: SimulatorProcess, mark: str, milliseconds: int) -> float:
    """Return the share of the time between the first and the last end that actions took."""
    ends: Sequence[float] = sorted(
        line["at"] for line in simulator.world() if line["text"].startswith(mark)
    )
    return 100 * (len(ends) - 1) * milliseconds / 1000 / (ends[-1] - ends[0])
