"""A worker as its own process, with its log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from psycopg.conninfo import conninfo_to_dict

from tests.actors.rows import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

ROOT = Path(__file__).parents[2]
START_SECONDS = 40.0
END_SECONDS = 40.0
SECRET_WORDS = ("TOKEN", "KEY")


class WorkerProcess:
    """``python -m actors 0``, or another program; its log must never hold a secret."""

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        name: str = "worker",
        program: Sequence[str] = ("actors", "0"),
    ) -> None:
        self._environment = {"WORKERS": "1", "LOG_LEVEL": "DEBUG", **environment}
        self._log_path = folder / f"{name}.log"
        with self._log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *program],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(END_SECONDS)
        assert [word for word in self._secrets() if word in self.log] == []

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    def await_log(self, text: str, times: int = 1) -> None:
        eventually(
            lambda: self.log.count(text) >= times,
            f"the log says {text!r} {times} times",
            START_SECONDS,
        )

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Return the exit code; waits for the end, and shows where one stands that does not."""
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(END_SECONDS)
        self.signal(signal.SIGUSR1)
        self.await_log("most recent call first")
        raise AssertionError(f"it does not end:\n{self.log}")

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.end()

    def _secrets(self) -> list[str]:
        secrets = [
            value
            for name, value in self._environment.items()
            if any(word in name for word in SECRET_WORDS)
        ]
        password = conninfo_to_dict(self._environment.get("DATABASE_URL", "")).get("password")
        return [secret for secret in (*secrets, str(password or "")) if secret]
