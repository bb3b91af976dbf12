"""A fresh database for every test, copied from a migrated template."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
from psycopg import sql

from actp.store.migrate import migrate
from actp.store.postgres import PostgresStore
from actp.store.schema import MIGRATIONS
from actp.store.statements import statements
from tests.support.pristine import Pristine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from typing import Any, LiteralString

    from psycopg.abc import QueryNoTemplate

    from actp.store.protocol import Store
    from tests.support.servers import Server

SUPABASE_GRANTS = Path(__file__).with_name("supabase_grants.sql")
DISCONNECT_SECONDS = 10.0
TERMINATE = """select pg_terminate_backend(pid) from pg_stat_activity
 where datname = %s and usename is distinct from %s"""


@dataclass(frozen=True, slots=True)
class Database:
    """One database of one test.

    ``environment`` is what one of our processes needs to use it.
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
        self._pristine: Pristine | None = None
        self._used: list[str] = []
        # Since when the server has counted the rows written to a database, by name.
        self._counted_since: dict[str, datetime] = {}
        self._admin: psycopg.Connection | None = None

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Yield the name of a migrated database; without migrations yet it is empty.

        To put back the rows of a used one takes a tenth of the time of a copy.
        """
        name = self._renewed() or self._create(self.template())
        if self._pristine is None:
            with psycopg.connect(self.server.admin(name), autocommit=True) as connection:
                self._pristine = Pristine.of(connection)
        try:
            yield name
        finally:
            self._used.append(name)

    @contextmanager
    def empty(self) -> Iterator[str]:
        """Yield the name of an empty database."""
        name = self._create("template0")
        try:
            yield name
        finally:
            self._drop(name)

    def renew(self, name: str, *, but: str) -> bool:
        """Make a database as good as new under its name; connections of role ``but`` stay.

        Returns False if more than rows and sequences has changed.
        """
        assert self._pristine is not None
        self._disconnect(name, but=but)
        with psycopg.connect(self.server.admin(name), autocommit=True) as connection:
            return self._pristine.restore(connection, None) is not None

    def close(self) -> None:
        """Close the connection; databases that are made later open another."""
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    def template(self) -> str:
        """Return the name of the database that the fresh ones are copies of."""
        if self._template is None:
            self._template = self._made_template()
        return self._template

    def _made_template(self) -> str:
        name = self._create("template0")
        migrate(self.server.owner(name), self._migrations)
        return name

    def _renewed(self) -> str | None:
        """Make a used database as good as new; one that cannot be is dropped."""
        while self._used and self._pristine:
            old, new = self._used.pop(), _new_name()
            since = self._counted_since.pop(old, None)
            self._disconnect(old)
            try:
                # A process that outlived the test before does not find it under its new name.
                self._execute("alter database {} rename to {}", old, new)
            except psycopg.errors.ObjectInUse:
                self._drop(old)
                continue
            with psycopg.connect(self.server.admin(new), autocommit=True) as connection:
                counted_since = self._pristine.restore(connection, since)
            if counted_since:
                self._counted_since[new] = counted_since
                return new
            self._drop(new)
        return None

    def _disconnect(self, name: str, *, but: str | None = None) -> None:
        """End what still talks to it: DDL on it waits 100 ms at a time for that."""
        deadline = monotonic() + DISCONNECT_SECONDS
        while self._server_wide(TERMINATE, (name, but)).fetchall() and monotonic() < deadline:
            pass

    def _drop(self, name: str) -> None:
        self._disconnect(name)
        self._execute("drop database {} with (force)", name)

    def _execute(self, statement: LiteralString, *names: str) -> None:
        self._server_wide(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _server_wide(
        self, query: QueryNoTemplate, parameters: Sequence[Any] = ()
    ) -> psycopg.Cursor:
        """Execute on a connection that stays: a new one takes longer than most of these."""
        try:
            return self._admin_session().execute(query, parameters)
        except psycopg.OperationalError:
            # The server was started anew.
            self.close()
            return self._admin_session().execute(query, parameters)

    def _admin_session(self) -> psycopg.Connection:
        if self._admin is None:
            self._admin = psycopg.connect(self.server.admin("postgres"), autocommit=True)
        return self._admin

    def _create(self, template: str) -> str:
        name = _new_name()
        with psycopg.connect(self.server.owner("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("create database {} template {} strategy file_copy").format(
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


class PreparedDatabases(Databases):
    """Makes databases like others, with something more in them."""

    def __init__(self, others: Databases, prepare: Callable[[psycopg.Connection], None]) -> None:
        super().__init__(others.server)
        self._others = others
        self._prepare = prepare

    def _made_template(self) -> str:
        name = self._create(self._others.template())
        with psycopg.connect(self.server.owner(name), autocommit=True) as connection:
            self._prepare(connection)
        return name


@contextmanager
def postgres_database(databases: Databases, kind: str) -> Iterator[Database]:
    """A fresh migrated database with a PostgresStore on it."""
    with databases.fresh() as name:
        yield from _with_store(databases.server, name, kind, PostgresStore)


@contextmanager
def empty_database(databases: Databases, kind: str) -> Iterator[Database]:
    """A database without our tables, with a PostgresStore on it."""
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


def _new_name() -> str:
    return f"test_{uuid4().hex[:12]}"
