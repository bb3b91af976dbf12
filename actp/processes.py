"""Runs one program to its end: bounded in time and output, with all its children."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Finished", "run_bounded"]

MAX_OUTPUT_BYTES: Final = 256 * 1024
READ_BYTES: Final = 64 * 1024
POLL_SECONDS: Final = 0.1
TERM_GRACE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended; the output is the last of what it wrote."""

    returncode: int
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)
    timed_out: bool
    stopped: bool = False


def run_bounded(
    arguments: Sequence[str],
    *,
    environ: Mapping[str, str],
    timeout_seconds: float,
    pass_fds: Sequence[int] = (),
    is_stopping: Callable[[], bool] = lambda: False,
) -> Finished:
    """Run a program in its own process group and return how it ended.

    Past the timeout, or once ``is_stopping``, the whole group is ended. Raises OSError where it
    cannot be started.
    """
    deadline = time.monotonic() + timeout_seconds
    process = subprocess.Popen(
        list(arguments),
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        pass_fds=pass_fds,
    )

    def is_over() -> bool:
        return is_stopping() or time.monotonic() >= deadline

    with process:
        try:
            stdout, stderr, cut_short = _read(process, is_over)
        finally:
            _end_group(process)
    stopped = cut_short and is_stopping()
    return Finished(process.returncode, stdout, stderr, cut_short and not stopped, stopped)


def _read(
    process: subprocess.Popen[bytes], is_over: Callable[[], bool]
) -> tuple[bytes, bytes, bool]:
    pipes: dict[IO[bytes], bytearray] = {}
    with selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                pipes[pipe] = bytearray()
                selector.register(pipe, selectors.EVENT_READ, pipe)
        cut_short = False
        while selector.get_map():
            # Children that outlive the program may keep its pipes open; its end is the end.
            has_ended = process.poll() is not None
            ready = selector.select(0.0 if has_ended else POLL_SECONDS)
            for key, _ in ready:
                if not _take(key.data, pipes[key.data]):
                    selector.unregister(key.data)
            if has_ended and not ready:
                break
            if is_over():
                cut_short = True
                break
    # It may have closed its pipes and gone on.
    while not cut_short and process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
        cut_short = process.poll() is None and is_over()
    stdout, stderr = (bytes(data) for data in pipes.values())
    return stdout, stderr, cut_short


def _take(pipe: IO[bytes], kept: bytearray) -> bool:
    try:
        data = os.read(pipe.fileno(), READ_BYTES)
    except BlockingIOError:
        return True
    kept += data
    del kept[:-MAX_OUTPUT_BYTES]
    return bool(data)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(TERM_GRACE_SECONDS)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
