"""Worker processes on hosts, as supervisord would start them, to be killed by tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Host", "WorkerProcess"]

REPOSITORY = Path(__file__).resolve().parents[2]
REAP_SECONDS = 60.0


class WorkerProcess:
    """One worker and its log."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        """What it and its predecessors on this host have said."""
        return self._log.read_text(errors="replace")

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End it without a word."""
        self._process.kill()
        self._process.wait(REAP_SECONDS)

    def freeze(self) -> None:
        """Stop it in its tracks, as a sleeping machine does; returns when it stands still."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def end(self, within_seconds: float = REAP_SECONDS) -> int:
        """Wait for its end and return the exit code."""
        return self._process.wait(within_seconds)

    def terminate(self, within_seconds: float = REAP_SECONDS) -> int:
        """Ask it to stop and return its exit code."""
        self.ask_to_stop()
        return self.end(within_seconds)

    def cpu_seconds(self) -> float:
        """How much it has computed so far, where the system tells (Linux)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Host:
    """A machine: its lock folder makes it one, whatever else it shares with others."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.home = folder / name
        self.home.mkdir(parents=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(REPOSITORY),
            "ACTP_ENV_FILE": "",
            "ACTP_HOME": str(self.home),
            "ACTP_LOCK_DIR": str(self.home / "locks"),
            **environment,
        }
        self._workers: list[WorkerProcess] = []

    @property
    def spool(self) -> Path:
        """The folder of results that wait for the database."""
        return self.home / "spool"

    @property
    def spooled_bytes(self) -> int:
        """How much waits there."""
        return sum(path.stat().st_size for path in self.spool.glob("*.jsonl"))

    def start(self, share: int = 0, **changes: str) -> WorkerProcess:
        """Start the worker of a share; returns before it is ready."""
        path = self.home / f"worker-{share}.log"
        with path.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "actors", str(share)],
                cwd=REPOSITORY,
                env=self.environment | changes,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        worker = WorkerProcess(process, path)
        self._workers.append(worker)
        return worker

    def close(self) -> None:
        """Kill whatever still runs."""
        for worker in self._workers:
            worker.kill()
