"""Fixtures for everybody: databases and stores."""

from __future__ import annotations

import gc
import signal
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.databases import (
    Database,
    Databases,
    PreparedDatabases,
    empty_database,
    postgres_database,
)
from tests.support.moving_clock import put_in
from tests.support.servers import embedded_server, postgres_15_server
from tests.support.supabase import Projects

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import psycopg

    from actp.store.protocol import Store

# A shell in the background starts its programs with Ctrl-C ignored, and so would they their own.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Each adapter and each server once; Supabase is PostgreSQL 15.
STORE_KINDS = ("embedded", "supabase")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what must be known before any folder is collected."""
    parser.addoption("--chaos", action="store_true", help="run the long suite of tests/chaos")
    parser.addoption(
        "--pictures", action="store_true", help="keep pictures of the console in var/console-pages"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Draw the same examples in every run of the gate, however slow the machine is."""
    settings.register_profile(
        "gate",
        deadline=None,
        database=None,
        derandomize=not config.getoption("--chaos"),
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("gate")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for garbage neither in nor among nine thousand tests: all of them stay to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def embedded_databases() -> Iterator[Databases]:
    """Databases on an embedded PostgreSQL that lives for the session."""
    with embedded_server() as server, closing(Databases(server)) as databases:
        yield databases


@pytest.fixture(scope="session")
def postgres15_databases() -> Iterator[Databases]:
    """Databases on a PostgreSQL 15 with the roles of a Supabase project."""
    with postgres_15_server() as server, closing(Databases(server)) as databases:
        yield databases


@pytest.fixture(scope="session")
def supabase_projects(postgres15_databases: Databases) -> Iterator[Projects]:
    """Supabase projects on that PostgreSQL 15."""
    with closing(Projects(postgres15_databases)) as projects:
        yield projects


@pytest.fixture(scope="session")
def moving_databases(embedded_databases: Databases) -> Iterator[Databases]:
    """Databases on the embedded server that go by a clock which a test can move."""
    with closing(PreparedDatabases(embedded_databases, put_in)) as databases:
        yield databases


@pytest.fixture(scope="session")
def moving_projects(postgres15_databases: Databases) -> Iterator[Projects]:
    """Supabase projects that go by a clock which a test can move."""
    with (
        closing(PreparedDatabases(postgres15_databases, put_in)) as databases,
        closing(Projects(databases)) as projects,
    ):
        yield projects


@pytest.fixture
def moving_clock() -> None:
    """Have ``database`` or ``backend`` go by a MovingClock: to put it in takes long."""


def _have(request: pytest.FixtureRequest, still: str, moving: str) -> Any:
    return request.getfixturevalue(moving if "moving_clock" in request.fixturenames else still)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh migrated database on the embedded server: dsn, store, connect()."""
    databases: Databases = _have(request, "embedded_databases", "moving_databases")
    with postgres_database(databases, "embedded") as database:
        yield database


@pytest.fixture
def unmigrated(embedded_databases: Databases) -> Iterator[Database]:
    """A database on the embedded server that has never seen a migration."""
    with empty_database(embedded_databases, "embedded") as database:
        yield database


@pytest.fixture(params=STORE_KINDS)
def backend(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh migrated database behind each of the two adapters in turn."""
    if request.param == "supabase":
        projects: Projects = _have(request, "supabase_projects", "moving_projects")
        manager = projects.fresh()
    else:
        databases: Databases = _have(request, "embedded_databases", "moving_databases")
        manager = postgres_database(databases, request.param)
    with manager as database:
        yield database


@pytest.fixture
def store(backend: Database) -> Store:
    """The store on ``backend``."""
    return backend.store


@pytest.fixture
def admin(backend: Database) -> Iterator[psycopg.Connection]:
    """A connection to the database under ``store``, for arranging rows and looking at them."""
    with backend.connect() as connection:
        yield connection
