"""Brings a database up to date with ``migrations/*.sql``.

Every file can be run again. A file runs when the database has not seen it, or has seen other
text under its name; it and the record of it are one transaction.
"""

from __future__ import annotations

from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from actp.errors import StoreError, StoreUnavailable
from actp.store.connection import DeadlineConnection, parameters_of, translated
from actp.store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actp.store.statements import Statement

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
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
    mkdir -p supabase/migrations && cp migrations/*.sql supabase/migrations/
    supabase db push"""


class Migration(NamedTuple):
    """One file and the digest of what it says now."""

    path: Path
    text: str

    @property
    def sha256(self) -> str:
        """Return the digest that is recorded."""
        return sha256(self.text.encode()).hexdigest()


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
    with closing(_connect(dsn)) as connection:
        applied = [
            migration.path.name
            for migration in _migrations(folder)
            if _apply(connection, migration, lock_timeout_seconds)
        ]
        if applied:
            connection.execute("notify pgrst, 'reload schema'")
    return applied


def pending(dsn: str, folder: Path = MIGRATIONS) -> list[str]:
    """Return the names that ``migrate`` would apply."""
    with closing(_connect(dsn)) as connection:
        return [
            migration.path.name
            for migration in _migrations(folder)
            if not _is_applied(connection, migration)
        ]


def _migrations(folder: Path) -> Sequence[Migration]:
    return [
        Migration(path, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.sql"))
    ]


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


def _apply(
    connection: DeadlineConnection, migration: Migration, lock_timeout_seconds: float
) -> bool:
    try:
        with connection.transaction():
            _take_turn(connection)
            _set_timeout(connection, "lock_timeout", lock_timeout_seconds)
            if _is_applied(connection, migration):
                return False
            for statement in statements(TABLE.read_text(encoding="utf-8")):
                _run(connection, statement, TABLE)
            for statement in statements(migration.text):
                _run(connection, statement, migration.path)
            connection.execute(
                "insert into public.safari_migrations (name, sha256) values (%s, %s)"
                " on conflict (name) do update"
                " set sha256 = excluded.sha256, applied_at = now()",
                (migration.path.name, migration.sha256),
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
    milliseconds = f"{seconds * 1000:.0f}ms"
    connection.execute("select set_config(%s, %s, true)", (name, milliseconds))


def _is_applied(connection: DeadlineConnection, migration: Migration) -> bool:
    row = connection.execute("select to_regclass('public.safari_migrations')").fetchone()
    if row is None or row[0] is None:
        return False
    recorded = connection.execute(
        "select sha256 from public.safari_migrations where name = %s", (migration.path.name,)
    ).fetchone()
    return recorded is not None and recorded[0] == migration.sha256


def _run(connection: DeadlineConnection, statement: Statement, path: Path) -> None:
    try:
        connection.execute(statement.text.encode())
    except psycopg.Error as error:
        raise _located(error, statement, path) from error


def _located(error: psycopg.Error, statement: Statement, path: Path) -> StoreError:
    offset = int(error.diag.statement_position or 1) - 1
    line = statement.line + statement.text.count("\n", 0, offset)
    words = error.diag.message_primary or str(error)
    where = f"{path.name}, line {line}: {words}"
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return StoreUnavailable(
            f"{where} (others kept it busy for too long)",
            remedy="Run it again at a quieter moment, or stop the workers for it.",
        )
    meaning = type(translated(error))
    return (meaning if issubclass(meaning, StoreError) else StoreError)(
        where, remedy="Nothing of this file was applied."
    )
