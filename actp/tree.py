"""The supervised tree of a host: starting it, asking for it, ending it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

import psutil

from actp.errors import ActpError, TimedOut, WrongState
from actp.locks import make_private_folder
from actp.macos import keep_awake
from actp.orphans import end_orphans, forget_orphans
from actp.settings import PROJECT_ROOT
from actp.store import open_store
from actp.store.direct import direct_dsn
from actp.store.embedded.cluster import Cluster
from actp.store.migrate import migrate
from actp.supervision import Supervisor, TreeStopping
from metrics.serve import forget_targets

if TYPE_CHECKING:
    from collections.abc import Collection

    from actp.settings import Settings

__all__ = ["Tree", "switched_off"]

CONFIGURATION: Final = PROJECT_ROOT / "supervisor.conf"
START_TIMEOUT_SECONDS: Final = 15.0
# Over the time that the workers have: the database ends after them.
STOP_MARGIN_SECONDS: Final = 45.0
LOOK_SECONDS: Final = 0.05
# A socket's path has 104 bytes on macOS, and supervisord binds one with its pid at the end first.
MAX_SOCKET_PATH: Final = 92
KILLED_TIMEOUT_SECONDS: Final = 5.0
# Between the end of a worker's own time to stop and its being killed.
KILL_MARGIN_SECONDS: Final = 10
# Logs and signs of life are for the owner alone; supervisord sets one only where it is a daemon.
UMASK: Final = 0o077


@dataclass(frozen=True, slots=True)
class Tree:
    """supervisord with the processes of supervisor.conf, known by its run folder."""

    settings: Settings

    @property
    def run_folder(self) -> Path:
        """Return where socket and pid file lie: under ACTP_HOME unless its path is too long."""
        folder = self.settings.actp_home / "run"
        if len(str(folder / "supervisor.sock")) <= MAX_SOCKET_PATH:
            return folder
        digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"actp-{digest}"

    @property
    def log_folder(self) -> Path:
        """Return where every program of the tree writes its log."""
        return self.settings.actp_home / "logs"

    @property
    def supervisor(self) -> Supervisor:
        """Return the way to ask supervisord."""
        return Supervisor(self.run_folder / "supervisor.sock")

    def prepare(self) -> None:
        """Bring the database up to date; raises when it cannot be used.

        What is wrong with the settings or the database shows here, before supervisord would
        start and restart programs that cannot work.
        """
        with ExitStack() as running:
            if self.settings.store_kind != "supabase":
                migrate(running.enter_context(direct_dsn(self.settings)))
            # An embedded server is started and stopped once for both.
            with closing(open_store(self.settings, application_name="actp-up")) as store:
                store.call("safari_now")

    def refuse_other_copy(self) -> None:
        """Raise WrongState when supervisor.conf has changed since the tree was started."""
        with suppress(psutil.Error):
            started_at = psutil.Process(self.supervisor.pid()).create_time()
            if CONFIGURATION.stat().st_mtime > started_at:
                raise WrongState(
                    "supervisor.conf has changed since the tree was started",
                    remedy="Run bin/down, then bin/up: a restart does not reload it.",
                )

    def refuse_second(self) -> None:
        """Raise WrongState when the tree of this run folder is up already."""
        if self.is_up():
            self.supervisor.pid()  # raises where it is stopping
            raise WrongState(
                "the tree is already up", remedy="Check it with bin/status; stop it with bin/down."
            )

    def start(self) -> None:
        """Start supervisord apart from this process; returns when it answers."""
        self.refuse_second()
        environment, arguments = self.command()
        path = self.log_folder / "supervisord.out"
        with open(path, "ab", opener=_private) as log:
            process = subprocess.Popen(
                arguments,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=UMASK,
            )
        deadline = monotonic() + START_TIMEOUT_SECONDS
        while not self.is_up():
            if process.poll() is not None or monotonic() > deadline:
                raise ActpError(
                    "supervisord did not start", remedy=f"See {self.log_folder}/supervisord.out."
                )
            sleep(LOOK_SECONDS)
        if self.settings.keep_awake:
            keep_awake(process.pid)

    def await_database(self) -> bool:
        """Wait until the embedded server is the one that supervisord watches; return whether it is.

        Its program first ends the server that ``prepare`` has migrated; what connects before that
        is cut off.
        """
        if self.settings.store_kind != "embedded":
            return True
        cluster, deadline = Cluster(self.settings.actp_home), monotonic() + START_TIMEOUT_SECONDS
        while not (self._watches_database() and cluster.is_running()):
            if monotonic() > deadline:
                return False
            sleep(LOOK_SECONDS)
        return True

    def become(self) -> None:
        """Replace this process by supervisord, as launchd and systemd want it."""
        environment, arguments = self.command()
        os.umask(UMASK)
        if self.settings.keep_awake:
            keep_awake(os.getpid())  # which supervisord keeps
        os.execve(arguments[0], arguments, environment)  # noqa: S606 - no shell is wanted

    def command(self) -> tuple[dict[str, str], list[str]]:
        """Return the environment and the command line of supervisord; makes its folders."""
        make_private_folder(self.run_folder, "ACTP_HOME")  # refuses one that another user made
        self.log_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        forget_targets(self.settings.actp_home)
        settings = self.settings
        environment = {
            **os.environ,
            "ACTP_RUN": str(self.run_folder),
            "ACTP_LOGS": str(self.log_folder),
            "ACTP_PYTHON": sys.executable,
            "PYTHONPATH": str(PROJECT_ROOT),
            "ACTP_EMBEDDED": str(settings.store_kind == "embedded").lower(),
            "ACTP_CONSOLE": str(settings.console_port != 0).lower(),
            "ACTP_WORKERS": str(settings.workers),
            "ACTP_KILL_AFTER_SECONDS": str(int(settings.stop_seconds) + KILL_MARGIN_SECONDS),
        }
        if settings.store_kind == "embedded":
            # One program runs the server; the others must find it, not start another.
            environment["DATABASE_URL"] = Cluster(settings.actp_home).dsn
            environment["ACTP_CLUSTER"] = str(settings.actp_home)
        supervisord = [sys.executable, "-m", "actp.supervisord", "-c", str(CONFIGURATION)]
        return environment, supervisord

    def is_up(self) -> bool:
        """Return whether supervisord answers."""
        return self.supervisor.is_up()

    def _watches_database(self) -> bool:
        pids = [it.pid for it in self.supervisor.processes() if it.name == "postgres"]
        with suppress(psutil.Error):
            return any(pid and psutil.Process(pid).name() == "postgres" for pid in pids)
        return False

    def processes(self) -> list[dict[str, Any]]:
        """Return name, state and pid of each process; raises WrongState when the tree is down."""
        return [
            {"name": process.name, "statename": process.state, "pid": process.pid}
            for process in self.supervisor.processes()
            if process.name not in switched_off(self.settings)
        ]

    def end_orphans(self) -> list[str]:
        """End what lives on after supervisord has died; return the names.

        Each has the time of an ordinary stop for what is on the wire.
        """
        left = end_orphans(self.run_folder)
        deadline = monotonic() + self.settings.stop_seconds + KILL_MARGIN_SECONDS
        if not _ended(left.values(), deadline):
            for process in left.values():
                with suppress(psutil.Error):
                    process.kill()
            if not _ended(left.values(), monotonic() + KILLED_TIMEOUT_SECONDS):
                pids = ", ".join(str(process.pid) for process in left.values())
                raise TimedOut(
                    f"could not stop orphaned processes of a dead supervisord: {pids}",
                    remedy="Check them with ps; if nothing else helps, restart the machine.",
                )
        forget_orphans(self.run_folder)
        return list(left)

    def stop(self) -> None:
        """End the tree in its order and wait for it; raises WrongState when it is down.

        Of a tree whose supervisord has died, what is left is ended.
        """
        if not self.is_up() and self.end_orphans():
            if self.settings.store_kind == "embedded":
                Cluster(self.settings.actp_home).stop()
            return
        try:
            supervisord = psutil.Process(self.supervisor.pid())
            self.supervisor.shut_down()
        except TreeStopping:  # another command has asked for it: wait for the same end
            try:
                pid_file = self.run_folder / "supervisord.pid"
                supervisord = psutil.Process(int(pid_file.read_text(encoding="ascii")))
            except (OSError, ValueError, psutil.NoSuchProcess):
                return
        if not _ended(
            [supervisord], monotonic() + self.settings.stop_seconds + STOP_MARGIN_SECONDS
        ):
            raise TimedOut(
                "supervisord is still stopping",
                remedy=f"See {self.log_folder}, or kill {supervisord.pid}.",
            )


def switched_off(settings: Settings) -> frozenset[str]:
    """Return the programs of the tree that the settings leave off."""
    off = {
        "console": settings.console_port == 0,
        "postgres": settings.store_kind != "embedded",
    }
    return frozenset(name for name, is_off in off.items() if is_off)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def _ended(processes: Collection[psutil.Process], deadline: float) -> bool:
    """Wait until all of them have ended; return whether they have by the deadline."""
    while any(map(_is_alive, processes)):
        if monotonic() > deadline:
            return False
        sleep(LOOK_SECONDS)
    return True


def _is_alive(process: psutil.Process) -> bool:
    try:
        # One that has ended may stay as a zombie until its parent has looked.
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
