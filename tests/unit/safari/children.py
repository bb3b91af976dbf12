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
DEADLINE_SECONDS = 20.0


@contextmanager
def child(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a script that prints ``ready`` and then waits for its standard input to end."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"{script}\nprint('ready', flush=True)\ninput()",
            *map(str, arguments),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()
            process.wait(DEADLINE_SECONDS)


def kill(process: subprocess.Popen[str]) -> None:
    """End a process as kill -9 does."""
    process.kill()
    process.wait(DEADLINE_SECONDS)
