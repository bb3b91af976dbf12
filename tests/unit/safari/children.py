"""Real processes that take locks and turns, and can be killed while they hold them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
DEADLINE_SECONDS = 40.0


@contextmanager
def start(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a script that prints ``ready`` at its end and then waits to be killed."""
    source = f"{script}\nprint('ready', flush=True)\ninput()"
    process = subprocess.Popen(
        [sys.executable, "-c", source, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            kill(process)


@contextmanager
def child(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a script and yield once it is ready."""
    with start(script, *arguments) as process:
        await_ready(process)
        yield process


def await_ready(process: subprocess.Popen[str]) -> None:
    """Wait until a script has come to its end; fails if it raised instead."""
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def kill(process: subprocess.Popen[str]) -> None:
    """End a process as kill -9 does."""
    process.kill()
    process.wait(DEADLINE_SECONDS)
