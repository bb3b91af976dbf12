"""Brings a database up to date with the schema of this copy.

Every file can be run again. A file runs when the database has not seen it, or has seen other
text under its name, or when one before it runs; it and the record of it are one transaction.
A database whose schema version is greater than that of this copy is left alone.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from actp.errors import StoreError, StoreUnavailable
from actp.store.connection import DeadlineConnection, parameters_of, translated
from actp.store.schema import MIGRATIONS, read_schema
from actp.store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actp.store.schema import Migration, Schema
    from actp.store.statements import Statement

TABLE = Path(__file__).with_name("migrations_table.sql")

TURN_TIMEOUT_SECONDS = 120
LOCK_TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 600
ADVISORY_LOCK = 0x5AFA21  # any number that nobody else uses

WITHOUT_DSN = """\
Supabase's REST interface cannot change the schema. Either set DATABASE_URL to the connection
string of the project (Dashboard, Connect, Session pooler) and run bin/db migrate, or apply
the files with the Supabase CLI:
    supabase link --project-ref <ref>
    bin/db bundle supabase/migrations
    supabase db push"""


class SchemaState(NamedTuple):
    """How a database stands to the schema of this copy."""

    database_version: int  # 0: nothing of ours; 1: release 0.1.0, which recorded no version
    version: int
    pending: tuple[str, ...]  # names of the files that migrate would apply

    @property
    def is_newer(self) -> bool:
        """Tell whether a later release has changed the database."""
        return self.database_version > self.version


def migrate(
    dsn: str,
    folder: Path = MIGRATIONS,
    *,
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
) -> list[str]:
    """Apply what is missing or changed, in the order of names; return the names applied.

    Two at once take turns. Raises StoreError naming file and line; the files before the one
    that failed stay applied.
    """
    schema = read_schema(folder)
    with closing(_connect(dsn)) as connection:
        applied = [
            migration.name
            for migration in _pending(connection, schema)
            if _apply(connection, schema, migration, lock_timeout_seconds)
        ]
        if applied:
            connection.execute("notify pgrst, 'reload schema'")
    return applied


def schema_state(dsn: str, folder: Path = MIGRATIONS) -> SchemaState:
    """Compare a database with the schema of this copy."""
    schema = read_schema(folder)
    with closing(_connect(dsn)) as connection:
        pending = tuple(migration.name for migration in _pending(connection, schema))
        return SchemaState(_database_version(connection), schema.version, pending)


def _connect(dsn: str) -> DeadlineConnection:
    try:
        connection = DeadlineConnection.connect(
            autocommit=True,
            prepare_threshold=None,
            **parameters_of(dsn, application_name="actp migrate"),
        )
    except psycopg.Error as error:
        raise translated(error, connecting=True) from error
    connection.call_timeout_seconds = STATEMENT_TIMEOUT_SECONDS
    return connection


def _pending(connection: DeadlineConnection, schema: Schema) -> Sequence[Migration]:
    """Return the first file that is missing or changed and all after it."""
    try:
        if _database_version(connection) > schema.version:
            return ()
        recorded = _recorded(connection)
    except psycopg.Error as error:
        raise translated(error) from error
    for index, migration in enumerate(schema.files):
        if recorded.get(migration.name) != migration.sha256:
            return schema.files[index:]
    return ()


def _apply(
    connection: DeadlineConnection,
    schema: Schema,
    migration: Migration,
    lock_timeout_seconds: float,
) -> bool:
    """Apply one file; False when another process has just applied the schema to its end."""
    try:
        with connection.transaction():
            _take_turn(connection)
            _set_timeout(connection, "lock_timeout", lock_timeout_seconds)
            pending = _pending(connection, schema)
            if migration not in pending:
                return False
            _set(connection, "actp.schema_version", str(schema.version))
            for statement in statements(TABLE.read_text(encoding="utf-8")):
                _run(connection, statement, TABLE.name)
            for statement in statements(migration.text):
                _run(connection, statement, migration.name)
            connection.execute(
                "insert into public.safari_migrations (name, sha256) values (%s, %s)"
                " on conflict (name) do update"
                " set sha256 = excluded.sha256, applied_at = now()",
                (migration.name, migration.sha256),
            )
            # A file may undo what a later one did, so those run again.
            connection.execute(
                "delete from public.safari_migrations where name > %s and name = any (%s)",
                (migration.name, [later.name for later in pending]),
            )
    except psycopg.Error as error:
        raise translated(error) from error
    return True


def _take_turn(connection: DeadlineConnection) -> None:
    # Poolers share sessions, so everything here is bound to the transaction.
    _set_timeout(connection, "statement_timeout", STATEMENT_TIMEOUT_SECONDS)
    _set_timeout(connection, "lock_timeout", TURN_TIMEOUT_SECONDS)
    try:
        connection.execute("select pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))
    except psycopg.errors.LockNotAvailable as error:
        raise StoreUnavailable(
            f"another migration of this database has run for {TURN_TIMEOUT_SECONDS} s",
            remedy="Wait for it, or see pg_stat_activity for 'actp migrate'.",
        ) from error


def _set_timeout(connection: DeadlineConnection, name: str, seconds: float) -> None:
    _set(connection, name, f"{seconds * 1000:.0f}ms")


def _set(connection: DeadlineConnection, name: str, value: str) -> None:
    connection.execute("select set_config(%s, %s, true)", (name, value))


def _database_version(connection: DeadlineConnection) -> int:
    if _exists(connection, "safari_schema_versions"):
        row = connection.execute(
            "select max(version) from public.safari_schema_versions"
        ).fetchone()
        if row is not None and row[0] is not None:
            return int(row[0])
    return int(_exists(connection, "safari_command_attempts"))


def _recorded(connection: DeadlineConnection) -> dict[str, str]:
    if not _exists(connection, "safari_migrations"):
        return {}
    return dict(connection.execute("select name, sha256 from public.safari_migrations").fetchall())


def _exists(connection: DeadlineConnection, table: str) -> bool:
    # to_regclass may answer from a cache that has not seen another session's commit yet.
    row = connection.execute(
        "select exists (select from pg_class"
        " where relname = %s and relnamespace = 'public'::regnamespace)",
        (table,),
    ).fetchone()
    return row is not None and bool(row[0])


def _run(connection: DeadlineConnection, statement: Statement, file: str) -> None:
    try:
        connection.execute(statement.text.encode())
    except psycopg.Error as error:
        raise _located(error, statement, file) from error


def _located(error: psycopg.Error, statement: Statement, file: str) -> StoreError:
    offset = int(error.diag.statement_position or 1) - 1
    line = statement.line + statement.text.count("\n", 0, offset)
    words = error.diag.message_primary or str(error)
    where = f"{file}, line {line}: {words}"
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return StoreUnavailable(
            f"{where} (others kept it busy for too long)",
            remedy="Run it again at a quieter moment, or stop the workers for it.",
        )
    meaning = type(translated(error))
    return (meaning if issubclass(meaning, StoreError) else StoreError)(
        where, remedy="Nothing of this file was applied."
    )
