"""A fresh database for every test, copied from a migrated template."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
from psycopg import sql

from actp.store.migrate import MIGRATIONS, migrate
from actp.store.postgres import PostgresStore
from actp.store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actp.store.protocol import Store
    from tests.support.servers import Server

SUPABASE_GRANTS = Path(__file__).with_name("supabase_grants.sql")


@dataclass(frozen=True, slots=True)
class Database:
    """One database of one test.

    ``environment`` is what a process of ours needs in order to use it.
    """

    kind: str
    dsn: str
    admin_dsn: str
    store: Store
    environment: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection]:
        """Connect as the owner of the tables, to arrange and to look."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            yield connection


class Databases:
    """Makes databases on one server, cheaply."""

    def __init__(self, server: Server, migrations: Path = MIGRATIONS) -> None:
        self.server = server
        self._migrations = migrations
        self._template: str | None = None

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Yield the name of a migrated database; without migrations yet it is empty."""
        if self._template is None:
            name = self._create("template0")
            migrate(self.server.owner(name), self._migrations)
            self._template = name
        with self._dropped_after(self._create(self._template)) as name:
            yield name

    @contextmanager
    def empty(self) -> Iterator[str]:
        """Yield the name of a database without anything of ours."""
        with self._dropped_after(self._create("template0")) as name:
            yield name

    def _create(self, template: str) -> str:
        name = f"test_{uuid4().hex[:12]}"
        with psycopg.connect(self.server.owner("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("create database {} template {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        if template == "template0":
            self._grant(name)
        return name

    def _grant(self, name: str) -> None:
        with psycopg.connect(self.server.admin(name), autocommit=True) as connection:
            roles = connection.execute(
                "select from pg_roles where rolname = 'service_role'"
            ).fetchall()
            if roles:
                for statement in statements(SUPABASE_GRANTS.read_text()):
                    connection.execute(statement.text.encode())

    @contextmanager
    def _dropped_after(self, name: str) -> Iterator[str]:
        try:
            yield name
        finally:
            with psycopg.connect(self.server.admin("postgres"), autocommit=True) as connection:
                connection.execute(
                    sql.SQL("drop database {} with (force)").format(sql.Identifier(name))
                )


@contextmanager
def postgres_database(databases: Databases, kind: str) -> Iterator[Database]:
    """A fresh migrated database with a PostgresStore on it."""
    with databases.fresh() as name:
        yield from _with_store(databases.server, name, kind, PostgresStore)


@contextmanager
def empty_database(databases: Databases, kind: str) -> Iterator[Database]:
    """A database without tables of ours, with a PostgresStore on it."""
    with databases.empty() as name:
        yield from _with_store(databases.server, name, kind, PostgresStore)


def _with_store(
    server: Server, name: str, kind: str, open_store: Callable[[str], Store]
) -> Iterator[Database]:
    dsn = server.owner(name)
    store = open_store(dsn)
    try:
        yield Database(kind, dsn, server.admin(name), store, {"DATABASE_URL": dsn})
    finally:
        store.close()
