"""A temporary host: folder, simulated services, database and processes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from actp.doctor.host import LEAST_FREE_MB
from actp.errors import ActpError, TimedOut, WrongState
from actp.locks import FileLock
from actp.private_file import write_private
from actp.settings import SERVICE_SETTINGS, Settings, load_settings
from actp.settings.env_file import with_values
from actp.settings.names import ALIASES, ENV_FILE_NAME, KNOWN
from actp.store import open_store
from actp.tree import Tree
from console.serve import HOST
from demo.script import DM_LIMIT, SCENARIO
from simulator.process import SimulatorProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from actp.store import Store
    from demo.interruption import Interruption

__all__ = ["CONSOLE_MINUTES", "PARENTS", "Stage", "killed_demos", "roomy"]

LATENCY_MS: Final = 150.0
WORKERS: Final = 3
# Over a hundred times the latency of a simulated service, so that a busy machine changes nothing.
ACTION_TIMEOUT_SECONDS: Final = 4
UP_TIMEOUT_SECONDS: Final = 90.0
START_TIMEOUT_SECONDS: Final = 90.0
LOOK_SECONDS: Final = 0.1
CONSOLE_MINUTES: Final = 30
CONSOLE_SAYS: Final = "Console: "

# Short, as a socket's path must be, whatever TMPDIR says. A /tmp in memory can be too small.
PARENTS: Final = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - mkdtemp makes it private
ROOM_BYTES: Final = LEAST_FREE_MB << 20
PREFIX: Final = "actp-demo-"
# Held while its demo runs.
LOCK: Final = "demo.lock"
KEPT: Final = ".env"

PACE: Final = {
    "SAFARI_ACTIVE_HOURS": "00-24",
    "SAFARI_MIN_GAP_SECONDS": "0.1",
    "SAFARI_RETRY_BASE_SECONDS": "1",
    "SAFARI_TURNS": "1",
    "SAFARI_ACTION_TIMEOUT_SECONDS": str(ACTION_TIMEOUT_SECONDS),
    # What is looked at again after half a minute is looked at soon.
    "SAFARI_TIME_SCALE": "0.02",
    "SAFARI_OWN_HANDLES": "threads=me",
    "SAFARI_DAILY_LIMITS": json.dumps({"instagram": {"dm": DM_LIMIT}}),
    "WORKERS": str(WORKERS),
    "STOP_SECONDS": "5",
    "METRICS_PORT_BASE": "0",
    "AGENTS_SCHEDULE": "false",
    "ACTP_ENV_FILE": "",
}


def roomy(parents: Sequence[Path]) -> Path:
    """Return the first folder that has room for a database; the first of all if none has."""
    for parent in parents:
        if os.access(parent, os.W_OK) and shutil.disk_usage(parent).free >= ROOM_BYTES:
            return parent
    return parents[0]


def killed_demos(parents: Sequence[Path]) -> list[Path]:
    """Return the folders of this user's demos that were killed; one that was kept is none."""
    found = []
    for lock in (path for parent in parents for path in parent.glob(f"{PREFIX}*/{LOCK}")):
        if lock.stat().st_uid != os.getuid() or (lock.parent / KEPT).exists():
            continue
        with FileLock(lock) as taken:
            if taken.acquire():
                found.append(lock.parent)
    return found


class Stage:
    """Everything that is started; ``leave`` ends it again, however far it came."""

    def __init__(self, interruption: Interruption, *, keep: bool) -> None:
        self._interruption = interruption
        self._keep = keep
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=roomy(PARENTS)))
        self._lock = FileLock(self.folder / LOCK)
        self._lock.acquire()
        self.world = SimulatorProcess(
            scenario=SCENARIO,
            world_path=self.folder / "world.jsonl",
            latency_ms=LATENCY_MS,
            one_safari=True,
        )
        self.environment: dict[str, str] = {}
        self._tree: Tree | None = None

    def build(self, say: Callable[[str], None]) -> Settings:
        """Start everything; raises ActpError where it cannot, Interrupted where it must not."""
        # Root's PostgreSQL runs as another user, who has to pass through; what is in it is closed.
        self.folder.chmod(0o711)
        say("starting nine simulated services on free ports")
        self.world.start()
        self._interruption.check()

        settings = self._settle_in()
        say(f"bin/up: PostgreSQL with all migrations, supervisord, {WORKERS} workers")
        self._tree = Tree(settings)
        _up()
        self._interruption.check()
        with self.store(settings) as store:
            self._wait(
                lambda: len(store.call("safari_status")["workers"]) >= WORKERS, "the workers"
            )
        return settings

    @contextmanager
    def store(self, settings: Settings) -> Iterator[Store]:
        """Open the database of the demo."""
        store = open_store(settings, application_name="actp demo")
        try:
            yield store
        finally:
            store.close()

    def leave(self) -> None:
        """End the tree and the world; the folder goes too unless --keep was given."""
        try:
            if self._tree is not None:
                with suppress(WrongState):
                    self._tree.stop()
        finally:
            self.world.close()
            if not self._keep:
                shutil.rmtree(self.folder, ignore_errors=True)
            self._lock.release()

    def write_settings(self) -> Path:
        """Write the settings of the folder that is kept into a file, and return its path."""
        path = self.folder / KEPT
        given = {name: value for name, value in self.environment.items() if name != ENV_FILE_NAME}
        write_private(path, with_values("", given))
        return path

    def start_console(self) -> str:
        """Serve the console over the folder that is kept, and return the link that opens it."""
        with socket.socket() as free:
            free.bind((HOST, 0))
            port = str(free.getsockname()[1])
        log_path = self.folder / "home" / "logs" / "console.log"
        with log_path.open("ab") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "console.link",
                    "--port",
                    port,
                    "--idle",
                    str(CONSOLE_MINUTES),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        output = process.stdout
        line = output.readline() if output is not None else ""
        if not line.startswith(CONSOLE_SAYS):
            raise ActpError("the console did not start", remedy=f"See {log_path}.")
        return line.removeprefix(CONSOLE_SAYS).strip()

    def _settle_in(self) -> Settings:
        """Make this process, and thus every one that it starts, live in the folder alone."""
        urls = {f"{stem}_URL": self.world.url(name) for name, stem in SERVICE_SETTINGS.items()}
        self.environment = {
            "ACTP_HOME": str(self.folder / "home"),
            "ACTP_LOCK_DIR": str(self.folder / "locks"),
            **PACE,
            **urls,
        }
        # A person's own settings must not reach the demo: it would send to a real queue.
        for name in (*KNOWN, *ALIASES):
            os.environ.pop(name, None)
        os.environ.update(self.environment)
        return load_settings()

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        looks = int(START_TIMEOUT_SECONDS / LOOK_SECONDS)
        for _ in range(looks):
            with suppress(ActpError):
                if condition():
                    return
            self._interruption.pause(LOOK_SECONDS)
        raise TimedOut(
            f"{what} did not start within {START_TIMEOUT_SECONDS:g} s",
            remedy=f"Run it again with --keep and see {self.folder}/home/logs.",
        )


def _up() -> None:
    # In its own session: Ctrl-C must not stop it half-way, when nobody would know what runs.
    # And not in this process, whose child supervisord would stay a zombie after its end.
    done = subprocess.run(
        [sys.executable, "-m", "actp.cli", "up"],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=UP_TIMEOUT_SECONDS,
        start_new_session=True,
    )
    if done.returncode != 0:
        cause, _, remedy = done.stderr.strip().partition("\n")
        raise ActpError(cause, remedy=remedy.strip())
