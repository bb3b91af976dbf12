"""The life of the embedded server: prepare, start, adopt, stop.

A client of PostgreSQL is imported only where one is needed: a supervised server is up before the
programs that connect to it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from actp.errors import StoreUnavailable
from actp.store.embedded import access
from actp.store.embedded.account import server_account
from actp.store.embedded.binaries import ENVIRONMENT, programs
from actp.store.embedded.location import locate
from actp.store.embedded.locks import drop_stale, exclusive, is_last, postmaster, serves, share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

CONNECT_TIMEOUT_SECONDS = 3
INITDB_TIMEOUT_SECONDS = 60
START_TIMEOUT_SECONDS = 60.0
SPAWN_TIMEOUT_SECONDS = 10
STOP_TIMEOUT_SECONDS = 30.0
PROBE_INTERVAL_SECONDS = 0.01
RESPAWN_PAUSE_SECONDS = 0.1
# A backend whose client has just closed the connection is listed until it has ended.
LINGER_SECONDS = 0.5
PORT = "5432"
USER = "app"
DATABASE = "postgres"
LOG_TAIL_CHARACTERS = 1000
NO_ROOM = "No space left on device"
ON_DEMAND = "actp.on_demand"  # set in a server that ends with the last command that uses it
FOUND = "select current_setting('data_directory'), coalesce(current_setting(%s, true), '') = 'on'"
OTHERS = (
    "select exists (select from pg_stat_activity"
    " where backend_type = 'client backend' and pid <> pg_backend_pid())"
)
# The shell makes the server an orphan at once: it outlives us and is not our zombie.
DETACH = ("/bin/sh", "-c", 'log=$1; shift; "$@" >>"$log" 2>&1 </dev/null & echo $!', "sh")

SERVER_OPTIONS: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "logging_collector": "off",
}


class Use(NamedTuple):
    """One use of a server, until its descriptor is closed."""

    descriptor: int
    on_demand: bool


class Cluster:
    """One data directory under a home, and the server on it.

    Any number of processes may hold one for the same home; they agree on a single server.
    """

    def __init__(self, home: Path, options: Mapping[str, str] | None = None) -> None:
        self._account = server_account()
        self._location = locate(home, self._account)
        self._options = {**SERVER_OPTIONS, **(options or {})}

    @property
    def dsn(self) -> str:
        """Return how to connect; there is no password, the socket's folder is private."""
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415 - see above

        return make_conninfo(
            host=str(self._location.sockets), port=PORT, user=USER, dbname=DATABASE
        )

    @property
    def data_location(self) -> str:
        """Return where the data lies, and why if that is not under the home."""
        note = f" ({self._location.note})" if self._location.note else ""
        return f"{self._location.data}{note}"

    @property
    def programs(self) -> Path:
        """Return the folder of PostgreSQL's programs."""
        return self._programs()

    @property
    def exists(self) -> bool:
        """Return whether the data directory has been made."""
        return (self._location.data / "PG_VERSION").exists()

    def is_running(self) -> bool:
        """Return whether the server answers and is the one on our data directory."""
        return self._found() is not None

    def _found(self) -> bool | None:
        """Return whether the server that answers was started on demand; None without one."""
        import psycopg  # noqa: PLC0415 - see above

        try:
            with psycopg.connect(self.dsn, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
                row = connection.execute(FOUND, (ON_DEMAND,)).fetchone()
        except psycopg.OperationalError:
            return None
        if row is None or os.path.realpath(row[0]) != os.path.realpath(self._location.data):
            return None
        return bool(row[1])

    def ensure_running(self) -> bool:
        """Start the server unless it runs; return whether this call started it."""
        if self.is_running():
            return False
        folder = self._programs()
        with exclusive(self._location.lock):
            if self.is_running():
                return False
            self._prepare(folder)
            self._start(folder)
        return True

    def enter(self, prepare: Callable[[str], object]) -> Use:
        """Start the server unless it runs; return a use of it, which ``leave`` ends.

        ``prepare`` gets the DSN of a server started here, before anybody else enters. One whose
        preparation fails is stopped.
        """
        self._make_base()
        with exclusive(self._location.lock):
            descriptor = share(self._location.base)
            try:
                if (on_demand := self._found()) is None:
                    folder = self._programs()
                    self._prepare(folder)
                    on_demand = self._start(folder, {ON_DEMAND: "on"})
                    prepare(self.dsn)
            except BaseException:
                self._end(Use(descriptor, on_demand=True))
                raise
        return Use(descriptor, on_demand=on_demand)

    def leave(self, use: Use) -> None:
        """End a use; the last one stops a server that ``enter`` started, in any process.

        One that other clients are connected to runs on, until the next use of it has ended.
        """
        with exclusive(self._location.lock):
            self._end(use)

    def _end(self, use: Use) -> None:
        try:
            if is_last(use.descriptor) and use.on_demand and self._is_unused():
                self.stop()
        finally:
            os.close(use.descriptor)

    def _is_unused(self) -> bool:
        """Return whether the server runs on demand, and no other client is connected."""
        import psycopg  # noqa: PLC0415 - see above

        from actp.store.connection import DeadlineConnection  # noqa: PLC0415 - see above

        if not self._found():
            return False
        deadline = time.monotonic() + LINGER_SECONDS
        try:
            with DeadlineConnection.connect(
                self.dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS
            ) as connection:
                while (row := connection.execute(OTHERS).fetchone()) and row[0]:
                    if time.monotonic() > deadline:
                        return False
                    time.sleep(PROBE_INTERVAL_SECONDS)
        except psycopg.OperationalError:
            return False  # it has ended, or has no connection left
        return True

    def exec_foreground(self) -> NoReturn:
        """Become the server; a running one is stopped first, for its supervisor is gone."""
        folder = self._programs()
        with exclusive(self._location.lock):
            self.stop()
            self._prepare(folder)
            drop_stale(self._location.data, self._socket_lock)
            argv = self._argv(folder)
            os.chdir("/")
            self._account.become()
            os.execve(argv[0], argv, ENVIRONMENT)  # noqa: S606  # supervisord watches this pid

    def stop(self) -> bool:
        """Stop the server fast (open transactions are rolled back); return whether one ran."""
        data = self._location.data
        pid = postmaster(data / "postmaster.pid", data)
        if pid is None:
            return False
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while serves(pid, data):
            if time.monotonic() >= deadline:
                raise StoreUnavailable(
                    f"the embedded PostgreSQL (pid {pid}) did not stop within"
                    f" {STOP_TIMEOUT_SECONDS:g} s",
                    remedy=f"See {self._location.log}.",
                )
            time.sleep(PROBE_INTERVAL_SECONDS)
        return True

    @property
    def _socket_lock(self) -> Path:
        return self._location.sockets / f".s.PGSQL.{PORT}.lock"

    def _programs(self) -> Path:
        self._make_base()
        with self._usable_base() as base:
            return programs(base, self._account)

    def _make_base(self) -> None:
        with self._usable_base() as base:
            base.mkdir(parents=True, exist_ok=True)
            self._account.close(base)

    @contextmanager
    def _usable_base(self) -> Iterator[Path]:
        base = self._location.base
        try:
            yield base
        except OSError as error:
            raise StoreUnavailable(
                f"cannot use {base} for the embedded PostgreSQL: {error.strerror or error}",
                remedy="Give it to the user that runs this, or choose another ACTP_HOME.",
            ) from error

    def _prepare(self, folder: Path) -> None:
        data, sockets = self._location.data, self._location.sockets
        if not self.exists:
            unfinished = data.with_name("data.new")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(mode=0o700)
            self._account.own(unfinished)
            self._initdb(folder, unfinished)
            unfinished.rename(data)  # an interrupted initdb is never taken for a cluster
        if not sockets.exists():
            sockets.mkdir(mode=0o700)
            self._account.own(sockets)
        self._refuse_foreign(sockets)
        access.write(self._location.base)

    def _initdb(self, folder: Path, data: Path) -> None:
        done = subprocess.run(
            [
                *(folder / "initdb", "--pgdata", data, "--username", USER, "--auth", "peer"),
                *("--encoding", "UTF8", "--locale-provider", "builtin"),
                *("--builtin-locale", "C.UTF-8", "--locale", "C", "--no-instructions"),
            ],
            env=ENVIRONMENT,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=INITDB_TIMEOUT_SECONDS,
            **self._account.process_options(),
        )
        if done.returncode != 0:
            raise StoreUnavailable(
                f"initdb failed: {done.stderr.strip()}",
                remedy=f"See that {self._location.base} is writable and has room.",
            )

    def _refuse_foreign(self, sockets: Path) -> None:
        # A folder of a known name under /tmp may have been made by somebody else first.
        owner = self._account.uid if self._account.dropped else os.geteuid()
        status = sockets.lstat()
        if status.st_uid != owner or status.st_mode & 0o077:
            raise StoreUnavailable(
                f"{sockets} belongs to another user or is open to others",
                remedy="Remove it, or choose another ACTP_HOME.",
            )

    def _argv(self, folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> list[str]:
        options = {
            **self._options,
            **more,
            **access.options(self._location.base),
            "unix_socket_directories": str(self._location.sockets),
            "unix_socket_permissions": "0700",
            "listen_addresses": "",
            "port": PORT,
        }
        settings = [part for name in options for part in ("-c", f"{name}={options[name]}")]
        return [str(folder / "postgres"), "-D", str(self._location.data), *settings]

    def _start(self, folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> bool:
        """Wait until a server answers; return whether it was started on demand."""
        data = self._location.data
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        began_at = self._log_size()
        # A supervised one may be starting: it has let go of the lock, and does not answer yet.
        other = postmaster(data / "postmaster.pid", data)
        pid = other or self._spawn(folder, more)
        while (on_demand := self._found()) is None:
            if time.monotonic() >= deadline:
                if pid != other and serves(pid, data):
                    os.kill(pid, signal.SIGINT)  # it runs, but does not answer
                raise StoreUnavailable(
                    f"the embedded PostgreSQL did not start: …{self._log_tail()}",
                    remedy=f"See {self._location.log}.",
                )
            if serves(pid, data):
                time.sleep(PROBE_INTERVAL_SECONDS)
            elif NO_ROOM in self._log_since(began_at):
                raise StoreUnavailable(
                    f"the embedded PostgreSQL did not start: {NO_ROOM} at {self._location.base}",
                    remedy="Free some room, then run it again; nothing was lost.",
                )
            else:
                # After a crash the backends of the dead server may hold its memory a moment.
                time.sleep(RESPAWN_PAUSE_SECONDS)
                pid = self._spawn(folder, more)
        return on_demand

    def _spawn(self, folder: Path, more: Mapping[str, str]) -> int:
        drop_stale(self._location.data, self._socket_lock)
        self._location.log.touch()
        self._account.own(self._location.log)
        shell = subprocess.run(
            [*DETACH, str(self._location.log), *self._argv(folder, more)],
            env=ENVIRONMENT,
            cwd="/",
            capture_output=True,
            text=True,
            check=True,
            start_new_session=True,
            timeout=SPAWN_TIMEOUT_SECONDS,
            **self._account.process_options(),
        )
        return int(shell.stdout)

    def _log_size(self) -> int:
        try:
            return self._location.log.stat().st_size
        except FileNotFoundError:
            return 0

    def _log_since(self, size: int) -> str:
        with self._location.log.open(errors="replace") as log:
            log.seek(size)
            return log.read()

    def _log_tail(self) -> str:
        try:
            return self._location.log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:].strip()
        except FileNotFoundError:
            return ""
