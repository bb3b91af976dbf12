"""PostgreSQL servers for a test session."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from actp.store.embedded.account import server_account
from actp.store.embedded.binaries import ENVIRONMENT
from actp.store.embedded.cluster import Cluster
from actp.store.statements import statements
from tests.support.environment import skip_or_fail

if TYPE_CHECKING:
    from collections.abc import Iterator

SUPABASE_ROLES = Path(__file__).with_name("supabase_roles.sql")
POSTGRES_15_FOLDERS = (
    Path("/usr/lib/postgresql/15/bin"),
    Path("/opt/homebrew/opt/postgresql@15/bin"),
    Path("/usr/local/opt/postgresql@15/bin"),
)
PASSWORD = "test-only"  # noqa: S105  # of a server that lives for one test session
PROGRAM_TIMEOUT_SECONDS = 60
MEMORY = Path("/dev/shm")  # noqa: S108  # what is below has a random name
DISK = Path("/tmp")  # noqa: S108
PLENTY_BYTES = 6 * 1024**3
# Nobody pulls the plug on these; VACUUM would only ever look at databases that are gone soon.
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "128MB",
    "autovacuum": "off",
    "max_connections": "100",
}


@dataclass(frozen=True, slots=True)
class Server:
    """How to reach a running server: as the owner of databases, and as its superuser."""

    owner_dsn: str
    admin_dsn: str

    def owner(self, database: str) -> str:
        return make_conninfo(self.owner_dsn, dbname=database)

    def admin(self, database: str) -> str:
        return make_conninfo(self.admin_dsn, dbname=database)

    def login(self, database: str, role: str) -> str:
        return make_conninfo(self.owner_dsn, dbname=database, user=role)


@contextmanager
def short_folder(parent: Path = DISK) -> Iterator[Path]:
    """A folder for sockets and data that any account may enter."""
    folder = Path(tempfile.mkdtemp(prefix="actp-", dir=parent))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _roomy() -> Path:
    """Return where data is best put that nobody misses: in memory where there is plenty.

    A database has 700 files, and a disk takes much longer to make and remove them.
    """
    is_roomy = (
        MEMORY.is_dir()
        and min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available) > PLENTY_BYTES
    )
    return MEMORY if is_roomy else DISK


@contextmanager
def embedded_server() -> Iterator[Server]:
    with short_folder(_roomy()) as folder:
        cluster = Cluster(folder, OPTIONS)
        cluster.ensure_running()
        try:
            yield Server(cluster.dsn, cluster.dsn)
        finally:
            cluster.stop()


@contextmanager
def postgres_15_server() -> Iterator[Server]:
    """The PostgreSQL 15 of the system, with the roles and grants of a Supabase project."""
    programs = next((path for path in POSTGRES_15_FOLDERS if path.exists()), None)
    if programs is None:
        skip_or_fail("PostgreSQL 15 is not installed (apt install postgresql-15)")
    with short_folder(_roomy()) as folder:
        home = folder / "15"
        home.mkdir(mode=0o700)
        server_account().own(home)
        data, password_file = home / "data", folder / "password"
        password_file.write_text(PASSWORD)
        _run(
            *(programs / "initdb", "-D", data, "-U", "supabase_admin", "-A", "scram-sha-256"),
            *(f"--pwfile={password_file}", "-E", "UTF8", "--no-sync", "--no-instructions"),
        )
        options = f"-k '{home}' -c listen_addresses=''"
        options += "".join(f" -c {name}={value}" for name, value in OPTIONS.items())
        control = (programs / "pg_ctl", "-D", data, "-w")
        _run(*control, "-l", home / "log", "-o", options, "start")
        admin = make_conninfo(
            host=str(home), user="supabase_admin", password=PASSWORD, dbname="postgres"
        )
        try:
            with psycopg.connect(admin, autocommit=True) as connection:
                for statement in statements(SUPABASE_ROLES.read_text()):
                    connection.execute(statement.text.encode())
            yield Server(make_conninfo(admin, user="postgres"), admin)
        finally:
            _run(*control, "-m", "immediate", "stop")


def _run(*command: str | Path) -> None:
    done = subprocess.run(
        command,
        env=ENVIRONMENT,
        cwd="/",
        check=False,
        stdin=subprocess.DEVNULL,
        # pg_ctl's server would keep a pipe open for as long as it lives.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=PROGRAM_TIMEOUT_SECONDS,
        **server_account().process_options(),
    )
    if done.returncode != 0:
        pytest.fail(f"{command[0]} ended with {done.returncode}")
