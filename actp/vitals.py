"""The heartbeats that programs write to the run folder for the watchdog."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from actp.errors import ActpError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["BEATS_PER_LEASE", "CURE_IS_OUTSIDE", "LastExit", "Vitals", "run_program"]

# A worker beats once in each round of its supervisor, in which leases are renewed as well.
BEATS_PER_LEASE: Final = 6
# Starting it again cures nothing: a person has to.
CURE_IS_OUTSIDE: Final = frozenset(
    {ExitCode.CONFIG, ExitCode.SCHEMA, ExitCode.DENIED, ExitCode.WRONG_STATE}
)


@dataclass(frozen=True, slots=True)
class LastExit:
    """Why a program ended by its own decision; supervisord forgets the exit code of quick ends."""

    code: int
    reason: str
    at: str

    @property
    def is_misconfiguration(self) -> bool:
        """Whether another start would end the same way."""
        return self.code in CURE_IS_OUTSIDE


@dataclass(frozen=True, slots=True)
class Vitals:
    """The two small files of one program: its last beat, and why it last ended.

    A folder of None means that nobody watches: everything is then a no-op.
    """

    folder: Path | None
    program: str

    @classmethod
    def of_this_process(cls, env: Mapping[str, str] | None = None) -> Vitals:
        """Return those of this process, by what supervisord and bin/up put into its environment."""
        env = os.environ if env is None else env
        folder, program = env.get("ACTP_RUN"), env.get("SUPERVISOR_PROCESS_NAME")
        return cls(Path(folder) if folder and program else None, program or "")

    def begin(self) -> None:
        """Say that a new process bears the name; what its predecessor said is past."""
        if self.folder is not None:
            _exit_path(self.folder, self.program).unlink(missing_ok=True)
            self.beat()

    def beat(self) -> None:
        """Say that the work goes on.

        The clock is the one that all processes of a host share and that stands still in sleep.
        """
        if self.folder is not None:
            _overwrite(
                _beat_path(self.folder, self.program), f"{os.getpid():>10} {monotonic():>16.3f}"
            )

    def ended(self, code: int, reason: str) -> None:
        """Say why the process is about to end."""
        if self.folder is not None:
            said = {"code": int(code), "reason": reason, "at": datetime.now(UTC).isoformat()}
            _replace(_exit_path(self.folder, self.program), json.dumps(said))

    def beat_age_seconds(self, pid: int) -> float | None:
        """Return how long ago the process with this number beat; None when it never has."""
        if self.folder is None:
            return None
        try:
            by, at = _beat_path(self.folder, self.program).read_text(encoding="ascii").split()
            return monotonic() - float(at) if int(by) == pid else None
        except (OSError, ValueError):
            return None

    def last_exit(self) -> LastExit | None:
        """Return why the program last ended, unless it did not say or runs again."""
        if self.folder is None:
            return None
        try:
            said: dict[str, Any] = json.loads(_exit_path(self.folder, self.program).read_text())
            return LastExit(int(said["code"]), str(said["reason"]), str(said["at"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def run_program(work: Callable[[Vitals], int]) -> int:
    """Run a program of the tree to its exit code; one that ends by one of our errors says why."""
    # What beats may be asked by SIGUSR1 where it stands; else that would end it.
    faulthandler.register(signal.SIGUSR1)
    vitals = Vitals.of_this_process()
    vitals.begin()
    try:
        return work(vitals)
    except ActpError as error:
        vitals.ended(error.exit_code, str(error))
        sys.stderr.write(f"{error}\n{error.remedy}\n")
        return error.exit_code


def _beat_path(folder: Path, program: str) -> Path:
    return folder / f"{program}.beat"


def _exit_path(folder: Path, program: str) -> Path:
    return folder / f"{program}.exit.json"


def _overwrite(path: Path, text: str) -> None:
    """Write a text of constant length over the last one: it needs no room on the disk."""
    with suppress(OSError):
        file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(file, text.encode(), 0)
        finally:
            os.close(file)


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError:
        # A full disk must not end the work; it shows as a beat that grows old.
        draft.unlink(missing_ok=True)
