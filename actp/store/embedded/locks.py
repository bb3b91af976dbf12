"""One starter at a time, who still uses a server, and lock files of dead ones."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from actp.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_TIMEOUT_SECONDS = 90.0
LOCK_RETRY_SECONDS = 0.02
PS_TIMEOUT_SECONDS = 10


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file; it is let go with the process, also by exec."""
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise StoreUnavailable(
                        f"another process holds {path} for {LOCK_TIMEOUT_SECONDS:g} s",
                        remedy="See who starts the embedded PostgreSQL: ps ax | grep postgres.",
                    ) from None
            time.sleep(LOCK_RETRY_SECONDS)
        yield


def share(folder: Path) -> int:
    """Return a descriptor that counts as one use of the folder until it is closed."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def is_last(use: int) -> bool:
    """Return whether nobody else uses the folder; the use is over either way."""
    try:
        fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def postmaster(lock_file: Path, data: Path) -> int | None:
    """Return the pid in a lock file if it is alive and serves that very data directory.

    A pid outlives its process: it may be given to anything after a reboot, or stay behind as
    a zombie that nobody reaps.
    """
    pid = _pid_in(lock_file)
    return pid if pid is not None and serves(pid, data) else None


def serves(pid: int, data: Path) -> bool:
    """Return whether the process lives and runs a server on the data directory."""
    listing = subprocess.run(
        ["ps", "-ww", "-o", "stat=,command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PS_TIMEOUT_SECONDS,
    ).stdout.strip()
    return bool(listing) and not listing.startswith("Z") and str(data) in listing


def drop_stale(data: Path, socket_lock: Path) -> None:
    """Make lock files harmless that PostgreSQL itself would not dare to overrule."""
    pid_file = data / "postmaster.pid"
    if _pid_in(pid_file) is not None and postmaster(pid_file, data) is None:
        # Its line 7 names the shared memory by which PostgreSQL notices surviving backends:
        # keep the file, and name a process that is certainly dead.
        lines = pid_file.read_text().splitlines(keepends=True)
        pid_file.write_text("".join([f"{_dead_pid()}\n", *lines[1:]]))
    if _pid_in(socket_lock) is not None and postmaster(socket_lock, data) is None:
        socket_lock.unlink(missing_ok=True)


def _pid_in(lock_file: Path) -> int | None:
    try:
        return abs(int(lock_file.read_text().split(maxsplit=1)[0]))
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _dead_pid() -> int:
    pid = os.posix_spawnp("true", ["true"], {"PATH": os.defpath})
    os.waitpid(pid, 0)
    return pid
