"""What the whole tree holds and uses while idle, and how long a scrape takes."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from time import monotonic, perf_counter, sleep
from typing import TYPE_CHECKING, Final

import httpx
import psutil

from actp.errors import WrongState
from actp.settings import load_settings
from actp.tree import Tree
from metrics.serve import targets_folder
from simulator.process import free_port_base
from tests.bench.figures import Figure, Quantity, percentile
from tests.bench.processes import await_true
from tests.bench.shell import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["SETTLING_SECONDS", "measure", "standing"]

MEMORY_TARGET_MB: Final = 150.0
CPU_TARGET_PERCENT: Final = 3.0
SCRAPE_TARGET_MS: Final = 50.0
START_TIMEOUT_SECONDS: Final = 60.0
SCRAPE_TIMEOUT_SECONDS: Final = 5.0
# Registering, the first checks of the services and the first tick of the schedule are over then.
SETTLING_SECONDS: Final = 20.0
BYTES_PER_MB: Final = 1_000_000


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Let the tree stand over an empty queue, then look at its processes and scrape each."""
    with stage.simulator() as simulator, stage.database() as database:
        base = {"METRICS_PORT_BASE": str(free_port_base())}
        environment = stage.environment({**database.environment, **base}, simulator)
        with standing(environment) as tree:
            sleep(SETTLING_SECONDS)
            processes = _processes(tree)
            busy_percent = _busy_percent(processes, sizes.idle_seconds)
            held_mb = {
                name: _held_bytes(process) / BYTES_PER_MB for name, process in processes.items()
            }
            scrapes_ms = {
                program: _scrape(url, sizes.scrapes) for program, url in _pages(tree).items()
            }
    for name, megabytes in held_mb.items():
        yield Figure(f"memory of {name}, idle, PSS", Quantity(megabytes, "MB"))
    yield Figure(
        "memory of the tree without its database, idle, PSS",
        Quantity(sum(held_mb.values()), "MB"),
        at_most=MEMORY_TARGET_MB,
    )
    yield Figure(
        "CPU of the tree without its database, idle",
        Quantity(busy_percent, "% of one core"),
        at_most=CPU_TARGET_PERCENT,
    )
    for program, milliseconds in scrapes_ms.items():
        typical = Quantity(percentile(milliseconds, 0.5), "ms")
        yield Figure(
            f"scrape of {program}, p99",
            Quantity(percentile(milliseconds, 0.99), "ms", f"p50 {typical}"),
            at_most=SCRAPE_TARGET_MS,
        )


@contextmanager
def standing(environment: Mapping[str, str]) -> Iterator[Tree]:
    """Bring a tree up and take it down again."""
    tree = Tree(load_settings(environment))
    try:
        run(environment, "bin/up")
        await_true(
            lambda: _programs(tree) == _pages(tree).keys(),
            "not every program shows its metrics",
            START_TIMEOUT_SECONDS,
        )
        yield tree
    finally:
        with suppress(WrongState):  # it may not have come up
            tree.stop()


def _programs(tree: Tree) -> set[str]:
    """Return who shows a page; the exporter has a separate one in a process with others."""
    return {process["name"] for process in tree.processes()} - {"postgres"} | {"exporter"}


def _pages(tree: Tree) -> dict[str, str]:
    """Return where each program is scraped, as Prometheus discovers it."""
    return {
        path.stem: f"http://{_target(path)}/metrics"
        for path in sorted(targets_folder(tree.settings.actp_home).glob("*.json"))
    }


def _target(path: Path) -> str:
    ((target,),) = (group["targets"] for group in json.loads(path.read_text()))
    return str(target)


def _processes(tree: Tree) -> dict[str, psutil.Process]:
    pids = {process["name"]: process["pid"] for process in tree.processes() if process["pid"]}
    pids = {"supervisord": tree.supervisor.pid(), **pids}
    return {name: psutil.Process(pid) for name, pid in pids.items()}


def _held_bytes(process: psutil.Process) -> int:
    """Return the memory of a process, its share of what it has in common with others."""
    memory = process.memory_full_info()
    return int(getattr(memory, "pss", memory.uss))  # macOS knows no PSS


def _busy_percent(processes: Mapping[str, psutil.Process], seconds: float) -> float:
    """Return how much of one core they use together; one that ends meanwhile is an error."""
    before, began = _cpu_seconds(processes), monotonic()
    sleep(seconds)
    return 100 * (_cpu_seconds(processes) - before) / (monotonic() - began)


def _cpu_seconds(processes: Mapping[str, psutil.Process]) -> float:
    times = (process.cpu_times() for process in processes.values())
    return float(sum(each.user + each.system for each in times))


def _scrape(url: str, times: int) -> list[float]:
    """Return the milliseconds that each of so many scrapes took."""
    milliseconds = []
    with httpx.Client(timeout=SCRAPE_TIMEOUT_SECONDS, trust_env=False) as client:
        for _ in range(times):
            began = perf_counter()
            client.get(url).raise_for_status()
            milliseconds.append(1000 * (perf_counter() - began))
    return milliseconds
