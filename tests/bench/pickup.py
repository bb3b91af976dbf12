"""How soon after it was enqueued a single command reaches its service."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Final

from actp.errors import TimedOut
from tests.bench.figures import Figure, Quantity, percentile
from tests.bench.load import SERVICE_NAMES, command, delivery
from tests.bench.processes import await_true, gated, workers
from tests.bench.stage import WORKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    from actp.store import Store
    from simulator.process import SimulatorProcess
    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

    # Makes the command of a number, whose text it is given, ready to be put in by the call.
    Contestant: TypeAlias = Callable[[int, str], Callable[[], None]]

__all__ = ["deliver_singly", "measure", "ours"]

TARGETS: Final = {"p50": 1.1, "p99": 1.3}
# Half the time between two commands of one contestant: they take turns.
GAP_SECONDS: Final = 0.015
# A worker without NOTIFY looks again after 30 s at most.
WARM_TIMEOUT_SECONDS: Final = 45.0
WARM_LOOK_EVERY: Final = 2 * len(SERVICE_NAMES)
ARRIVAL_TIMEOUT_SECONDS: Final = 45.0


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Enqueue one command with us and one with pgqueuer in turn, and see when each arrives."""
    # It answers at once: the world's log tells when a request was acted on, not when it came.
    with (
        stage.simulator(latency_ms=0) as simulator,
        _our_workers(stage, simulator) as store,
        _pgqueuer(stage, simulator) as theirs,
    ):
        contestants = {"ours": ours(store), "theirs": theirs}
        delays = deliver_singly(simulator, contestants, sizes.pickups, GAP_SECONDS)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        yield Figure(
            f"pickup over LISTEN, {name}",
            Quantity(1000 * percentile(delays["ours"], share), "ms"),
            Quantity(1000 * percentile(delays["theirs"], share), "ms", "pgqueuer"),
            at_most=TARGETS[name],
        )


def deliver_singly(
    simulator: SimulatorProcess,
    contestants: Mapping[str, Contestant],
    count: int,
    gap_seconds: float,
) -> dict[str, list[float]]:
    """Return for each contestant the seconds from the start of enqueueing to the arrival.

    What comes before every service has got something from everybody is warm-up; the stream goes
    on without a pause.
    """
    asked: dict[str, float] = {}
    first, number = None, 0
    deadline = monotonic() + WARM_TIMEOUT_SECONDS
    while first is None or number < first + count:
        for name, prepare in contestants.items():
            text = f"{name}{number}"
            put_in = prepare(number, text)
            asked[text] = time()
            put_in()
            sleep(gap_seconds)
        number += 1
        if first is None and number % WARM_LOOK_EVERY == 0:
            if _are_warm(simulator, contestants):
                first = number
            elif monotonic() > deadline:
                raise TimedOut("a service was never reached", remedy="Is the machine overloaded?")
    await_true(
        lambda: asked.keys() <= _arrivals(simulator).keys(),
        "not everything arrived",
        ARRIVAL_TIMEOUT_SECONDS,
    )
    arrived = _arrivals(simulator)
    measured = range(first, number)
    return {
        name: [arrived[f"{name}{n}"] - asked[f"{name}{n}"] for n in measured]
        for name in contestants
    }


def ours(store: Store) -> Contestant:
    """Return us as a contestant."""

    def prepare(number: int, text: str) -> Callable[[], None]:
        rows = [command(number, text)]
        return lambda: store.call("safari_enqueue", commands=rows)

    return prepare


def _arrivals(simulator: SimulatorProcess) -> dict[str, float]:
    return {line["text"]: line["at"] for line in simulator.world()}


def _are_warm(simulator: SimulatorProcess, contestants: Mapping[str, Contestant]) -> bool:
    reached = {(line["service"], line["text"].rstrip("0123456789")) for line in simulator.world()}
    return {(service, name) for service in SERVICE_NAMES for name in contestants} <= reached


@contextmanager
def _our_workers(stage: Stage, simulator: SimulatorProcess) -> Iterator[Store]:
    with stage.database() as database:
        environment = stage.environment(database.environment, simulator)
        with workers(WORKERS, environment, database.store, stage.folder / "workers.log"):
            yield database.store


@contextmanager
def _pgqueuer(stage: Stage, simulator: SimulatorProcess) -> Iterator[Contestant]:
    from tests.bench.rivals.pgqueuer_worker import connected

    with stage.empty_database() as dsn, asyncio.Runner() as runner:
        connection = connected(dsn)
        queries = runner.run(connection.__aenter__())
        runner.run(queries.install())
        environment = stage.environment({"DATABASE_URL": dsn}, simulator)
        arguments = [["-m", "tests.bench.rivals.pgqueuer_worker", "free", "0", "1"]]

        def prepare(number: int, text: str) -> Callable[[], None]:
            job = delivery(command(number, text))
            payload = json.dumps(job).encode()

            def put_in() -> None:
                runner.run(queries.enqueue(job["service"], payload))

            return put_in

        with gated(arguments, environment, stage.folder / "rivals.log") as (_, begin):
            begin()
            yield prepare
        runner.run(connection.__aexit__(None, None, None))
