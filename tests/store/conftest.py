"""A database with the functions of conformance.sql behind every adapter."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.databases import Database, Databases, postgres_database
from tests.support.supabase import supabase_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.store.protocol import Store

CONFORMANCE = Path(__file__).parent


@pytest.fixture(scope="session", params=["embedded", "postgres15", "supabase"])
def door(request: pytest.FixtureRequest) -> Iterator[Database]:
    """One database for all conformance tests of an adapter: its functions are pure enough."""
    fixture = "embedded_databases" if request.param == "embedded" else "postgres15_databases"
    databases = Databases(request.getfixturevalue(fixture).server, CONFORMANCE)
    make = supabase_database(databases) if request.param == "supabase" else None
    with closing(databases), make or postgres_database(databases, request.param) as database:
        yield database


@pytest.fixture
def call(door: Database) -> Store:
    return door.store
