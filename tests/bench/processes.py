"""Processes that are measured: started together, told to begin together, ended for certain."""

from __future__ import annotations

import select
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from time import monotonic, sleep
from typing import IO, TYPE_CHECKING, Final

from actp.errors import TimedOut
from actp.settings import PROJECT_ROOT
from tests.bench.load import SERVICE_NAMES, commands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from actp.store import Store

__all__ = ["await_true", "gated", "log_tail", "resident_mib", "workers"]

READY_TIMEOUT_SECONDS: Final = 30.0
STOP_TIMEOUT_SECONDS: Final = 20.0
PS_TIMEOUT_SECONDS: Final = 10
LOOK_SECONDS: Final = 0.05
KIB_PER_MIB: Final = 1024

Process = subprocess.Popen[str]


@contextmanager
def workers(
    count: int, environment: Mapping[str, str], store: Store, log: Path
) -> Iterator[list[Process]]:
    """Yield worker processes that have each delivered something for each of their services."""
    with _running(
        [["-m", "actors", str(share)] for share in range(count)], environment, log
    ) as processes:
        warm_up = commands(len(SERVICE_NAMES), "warm")
        ids = {item["id"] for item in store.call("safari_enqueue", commands=warm_up)}

        def is_warm() -> bool:
            _check_alive(processes, log)
            rows = store.call("safari_history", row_limit=len(SERVICE_NAMES))
            return ids <= {row["id"] for row in rows if row["status"] == "completed"}

        await_true(is_warm, "the workers delivered nothing", READY_TIMEOUT_SECONDS)
        yield processes


@contextmanager
def gated(
    arguments: Sequence[list[str]], environment: Mapping[str, str], log: Path
) -> Iterator[tuple[list[Process], Callable[[], None]]]:
    """Yield processes that have said they are ready, and the call that lets them begin."""
    with _running(arguments, environment, log) as processes:
        for process in processes:
            if _line(process.stdout, READY_TIMEOUT_SECONDS) != "ready\n":
                raise TimedOut(f"a rival is not ready: {log_tail(log)}", remedy="Run it by hand.")

        def begin() -> None:
            for process in processes:
                print("go", file=process.stdin, flush=True)

        yield processes, begin


def await_true(condition: Callable[[], bool], complaint: str, timeout_seconds: float) -> None:
    """Look until the condition holds; raises TimedOut with the complaint."""
    deadline = monotonic() + timeout_seconds
    while not condition():
        if monotonic() > deadline:
            raise TimedOut(f"{complaint} within {timeout_seconds:g} s", remedy="Is it overloaded?")
        sleep(LOOK_SECONDS)


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    said = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)],
        check=True,
        capture_output=True,
        text=True,
        timeout=PS_TIMEOUT_SECONDS,
    )
    return int(said.stdout) / KIB_PER_MIB


@contextmanager
def _running(
    arguments: Sequence[list[str]], environment: Mapping[str, str], log: Path
) -> Iterator[list[Process]]:
    with ExitStack() as cleaning, log.open("a") as said:
        processes = []
        for command in arguments:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=PROJECT_ROOT,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if "actors" not in command else said,
                stderr=said,
                text=True,
            )
            cleaning.callback(_end, process)
            processes.append(process)
        # All are told before any is waited for.
        cleaning.callback(_tell_to_end, processes)
        yield processes


def _tell_to_end(processes: Sequence[Process]) -> None:
    for process in processes:
        process.terminate()


def _end(process: Process) -> None:
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _line(pipe: IO[str] | None, timeout_seconds: float) -> str:
    if pipe is None or not select.select([pipe], [], [], timeout_seconds)[0]:
        return ""
    return pipe.readline()


def _check_alive(processes: Sequence[Process], log: Path) -> None:
    if any(process.poll() is not None for process in processes):
        raise TimedOut(f"a worker ended: {log_tail(log)}", remedy="Run python -m actors by hand.")


def log_tail(log: Path) -> str:
    """Return the last lines of a log."""
    return " ".join(log.read_text(errors="replace").splitlines()[-3:])[-400:]
