"""CPU time of processes, and of a PostgreSQL server with all its backends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CpuMeter", "server_pid"]


def server_pid(dsn: str) -> int:
    """Return the process id of the postmaster behind an address on this machine."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute("show data_directory").fetchone()
    folder = Path(row[0] if row else "")
    return int((folder / "postmaster.pid").read_text().split()[0])


@dataclass(frozen=True, slots=True)
class CpuMeter:
    """Reads the CPU seconds that some processes, and the children of a server, have used."""

    pids: tuple[int, ...]
    server: int

    def workers_seconds(self) -> float:
        """Return what the processes have used so far."""
        return sum(_used(psutil.Process(pid)) for pid in self.pids)

    def server_seconds(self) -> float:
        """Return what the server has used so far, backends that have ended included."""
        postmaster = psutil.Process(self.server)
        ended = postmaster.cpu_times()
        ended_seconds = float(ended.children_user + ended.children_system)
        return _used(postmaster) + ended_seconds + _used_by(postmaster.children())


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _used_by(processes: Iterable[psutil.Process]) -> float:
    seconds = 0.0
    for process in processes:
        try:
            seconds += _used(process)
        except psutil.NoSuchProcess:  # its time is in that of the postmaster's ended children
            continue
    return seconds
