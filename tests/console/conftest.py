"""A console as in life: its process, on its own database, with a session."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from actp.tls import certificates
from console.doors import Doors
from console.guard import cookie_of
from simulator.process import free_port_base
from tests.actors.rows import eventually
from tests.store.life import Life
from tests.support.databases import postgres_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import Database, Databases

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 40.0
STOP_SECONDS = 40.0
REVIEW_ALL = """insert into safari_settings (key, value) values ('review', '"all"')
    on conflict (key) do update set value = excluded.value"""


@dataclass(frozen=True, slots=True)
class Served:
    """A running console and a browser-like client that has a session."""

    url: str
    client: httpx.Client
    database: Database
    life: Life
    home: Path
    process: subprocess.Popen[bytes]
    environment: dict[str, str]

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def cookie(self) -> str:
        """The header of the session, as a browser sends it."""
        name = cookie_of(self.port)
        return f"{name}={self.client.cookies[name]}"

    @property
    def doors(self) -> Doors:
        return Doors(self.home / "console")

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form as a page of the console does."""
        origin = f"http://{urlsplit(self.url).netloc}"
        return self.client.post(path, data=fields, headers={"Origin": origin})


def serve(database: Database, home: Path, *, may_write: bool, **settings: str) -> Iterator[Served]:
    """Yield a console of this database; it is ended at the end."""
    port = free_port_base()
    environment = {
        **os.environ,
        **database.environment,
        "ACTP_ENV_FILE": "",
        "ACTP_HOME": str(home),
        "ACTP_LOCK_DIR": str(home / "locks"),
        "CONSOLE_PORT": str(port),
        "CONSOLE_WRITE": str(may_write).lower(),
        "PYTHONPATH": str(ROOT),
        **settings,
    }
    home.mkdir(parents=True, exist_ok=True)
    log_path = home / "console.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "console"], env=environment, stderr=log)
    url = f"http://127.0.0.1:{port}"
    link = Doors(home / "console").new_link()
    with httpx.Client(base_url=url, timeout=30, verify=certificates()) as client:
        try:

            def has_entered() -> bool:
                try:
                    client.get("/enter", params={"link": link})
                except httpx.ConnectError:
                    return False
                return cookie_of(port) in client.cookies

            eventually(has_entered, "it lets us in", START_SECONDS)
            life = Life(database.store)
            yield Served(url, client, database, life, home, process, environment)
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
            told = log_path.read_text()
            assert "Traceback" not in told, told


@pytest.fixture
def database(embedded_databases: Databases) -> Iterator[Database]:
    with postgres_database(embedded_databases, "embedded") as made:
        yield made


@pytest.fixture
def served(database: Database, tmp_path: Path) -> Iterator[Served]:
    """A console that may act."""
    yield from serve(database, tmp_path / "home", may_write=True)


@pytest.fixture(scope="module")
def guarded(
    embedded_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A console that may act, for tests that have no effect."""
    home = tmp_path_factory.mktemp("console") / "home"
    with postgres_database(embedded_databases, "embedded") as made:
        yield from serve(made, home, may_write=True)


@pytest.fixture
def shown(database: Database, tmp_path: Path) -> Iterator[Served]:
    """A console that only shows."""
    yield from serve(database, tmp_path / "home", may_write=False)
