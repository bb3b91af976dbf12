"""Migrates a database to the schema of this copy.

Every file can be run again. A file runs when the database has not seen it, or has seen other
text under its name, or when one before it runs; it and the record of it are one transaction.
A database whose schema version is greater than that of this copy is left alone.

The agents' tables are shared with other programs. A statement that one of them does not allow is
set aside, recorded as a fault, and tried again by each migration; the queue runs without it. What
can be read as another type is read through a view.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from actp.errors import SchemaMissing, StoreError, StoreUnavailable
from actp.store.agents import ONLY_MADE, is_optional, names_in, wanted_columns
from actp.store.bundle import unguarded
from actp.store.connection import DeadlineConnection, parameters_of, translated
from actp.store.schema import BEFORE_EACH, FROM_PUBLIC, MIGRATIONS, SEQUENCES, read_schema
from actp.store.statements import statements
from actp.store.taken import refuse_taken, refuse_unfit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from typing import LiteralString

    from actp.store.schema import Migration, Schema
    from actp.store.statements import Statement

TURN_TIMEOUT_SECONDS = 120
LOCK_TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 600
ADVISORY_LOCK = 0x5AFA21  # any number that nobody else uses
# Errors of the moment, not of a table: lost connections, resources, timeouts, conflicts.
_PASSING = ("08", "40", "53", "55", "57", "58")

CLI_RECORD = (
    "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace"
    " where n.nspname = 'supabase_migrations' and c.relname = 'schema_migrations'"
    " and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'))"
)

WITHOUT_DSN = """\
Supabase's REST interface cannot change the schema. Either set DATABASE_URL to the connection
string of the project (Dashboard, Connect, Session pooler) and run bin/db migrate, or apply
the files with the Supabase CLI:
    supabase link --project-ref <ref>
    bin/db bundle supabase/migrations
    supabase db push"""


class SchemaState(NamedTuple):
    """How a database stands to the schema of this copy."""

    database_version: int  # 0: no schema; 1: release 0.1.0, which recorded no version
    version: int
    pending: tuple[str, ...]  # names of the files that migrate would apply
    faults: tuple[str, ...] = ()  # what an agent's table does not allow: file, line, error

    @property
    def is_newer(self) -> bool:
        """Return whether a later release has changed the database."""
        return self.database_version > self.version


def migrate(
    dsn: str,
    folder: Path = MIGRATIONS,
    *,
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
) -> list[str]:
    """Apply what is missing or changed, in the order of names; return the names applied.

    Makes the keys of the agents' tables that can be made by now. Two at once take turns. Raises
    StoreError naming file and line; the files before the one that failed stay applied.
    """
    schema = read_schema(folder)
    with closing(_connect(dsn)) as connection:
        applied: list[str] = []
        for migration in _pending(connection, schema):
            if _apply(connection, schema, migration, lock_timeout_seconds, is_first=not applied):
                applied.append(migration.name)
        if applied:
            connection.execute("notify pgrst, 'reload schema'")
        if not _is_newer(connection, schema):
            _mend(connection, schema, lock_timeout_seconds)
    return applied


def schema_state(dsn: str, folder: Path = MIGRATIONS) -> SchemaState:
    """Compare a database with the schema of this copy."""
    schema = read_schema(folder)
    with closing(_connect(dsn)) as connection:
        pending = tuple(migration.name for migration in _pending(connection, schema))
        faults = tuple(
            f"{name}, line {line}: {error}"
            for name, lines in _faults(connection).items()
            for line, error in lines.items()
        )
        return SchemaState(_database_version(connection), schema.version, pending, faults)


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
    refuse_unfit(connection)
    return connection


def _pending(connection: DeadlineConnection, schema: Schema) -> Sequence[Migration]:
    """Return the first file that is missing or changed and all after it."""
    try:
        if _is_newer(connection, schema):
            return ()
        recorded = _pushed(connection, schema) | _recorded(connection)
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
    *,
    is_first: bool,
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
            # A file that a crash of the server undoes is pending again.
            _set(connection, "synchronous_commit", "off")
            if not (_database_version(connection) or _exists(connection, "safari_migrations")):
                refuse_taken(connection, schema)
            for path in BEFORE_EACH if is_first else ():
                for statement in statements(path.read_text(encoding="utf-8")):
                    _run(connection, statement, path.name)
            text = unguarded(migration.text, schema.version)
            faults = _run_all(connection, statements(text), migration.name)
            connection.execute(
                "insert into public.safari_migrations (name, sha256, faults) values (%s, %s, %s)"
                " on conflict (name) do update"
                " set sha256 = excluded.sha256, faults = excluded.faults, applied_at = now()",
                (migration.name, migration.sha256, Jsonb(faults) if faults else None),
            )
            if is_first:
                # A file may undo what a later one did, so those run again.
                connection.execute(
                    "insert into public.safari_migrations (name, sha256)"
                    " select name, '' from unnest(%s::text[]) name where name > %s"
                    " on conflict (name) do update set sha256 = '', faults = null",
                    ([later.name for later in pending], migration.name),
                )
    except psycopg.Error as error:
        raise translated(error) from error
    return True


def _run_all(
    connection: DeadlineConnection, all_of_them: Iterable[Statement], file: str
) -> dict[str, str]:
    """Run statements; return the lines of those that were set aside, with their errors."""
    faults = {}
    for statement in all_of_them:
        if not is_optional(statement):
            _run(connection, statement, file)
            continue
        if "agent_close(" in statement.text:
            connection.execute(f"select {ONLY_MADE}")
        error = _fault(connection, statement) and _fault(connection, statement, unchecked=True)
        if error is not None:
            if error.sqlstate is None or error.sqlstate.startswith(_PASSING):
                raise _located(error, statement, file) from error
            faults[str(statement.line)] = error.diag.message_primary or str(error)
    return faults


def _fault(
    connection: DeadlineConnection, statement: Statement, *, unchecked: bool = False
) -> psycopg.Error | None:
    """Run a statement and return what it failed with.

    An unchecked function whose body does not fit a table fails when it runs, not when it is made.
    """
    try:
        with connection.transaction():
            if unchecked:
                _set(connection, "check_function_bodies", "off")
            connection.execute(statement.text.encode())
    except psycopg.Error as error:
        return error
    return None


def _mend(connection: DeadlineConnection, schema: Schema, lock_timeout_seconds: float) -> None:
    """Try the statements that were set aside once more; make the keys and views that are needed."""
    files = {migration.name: migration for migration in schema.files}
    try:
        with connection.transaction():
            _take_turn(connection)
            _set_timeout(connection, "lock_timeout", lock_timeout_seconds)
            _set(connection, "actp.schema_version", str(schema.version))
            absent = [name for name in wanted_columns() if not _exists(connection, name)]
            again = {
                name: [s for s in statements(files[name].text) if str(s.line) in before]
                for name, before in _faults(connection).items()
                if name in files
            }
            after = {name: _run_all(connection, again[name], name) for name in again}
            fitted = _fit(connection)
            for name, faults in after.items():
                for statement in again[name]:
                    # The functions read a view, whatever this statement could not do.
                    if names_in(statement) & fitted:
                        faults.pop(str(statement.line), None)
                connection.execute(
                    "update public.safari_migrations set faults = %s where name = %s",
                    (Jsonb(faults) if faults else None, name),
                )
            if made := [name for name in absent if _exists(connection, name)]:
                connection.execute("select public.agent_close(%s)", (",".join(made),))
            if _has_function(connection, "agent_make_keys"):
                connection.execute("select public.agent_make_keys()")
            connection.execute(SEQUENCES.read_bytes())
    except psycopg.Error as error:
        raise translated(error) from error


def _fit(connection: DeadlineConnection) -> set[str]:
    """Make or remove the views that tables with other types need; return those tables."""
    if not _has_function(connection, "agent_fit"):
        return set()
    row = connection.execute("select public.agent_fit(%s)", (Jsonb(wanted_columns()),)).fetchone()
    return set(row[0]) if row else set()


def _take_turn(connection: DeadlineConnection) -> None:
    # Poolers share sessions, so everything here is bound to the transaction.
    _set_timeout(connection, "statement_timeout", STATEMENT_TIMEOUT_SECONDS)
    _set_timeout(connection, "lock_timeout", TURN_TIMEOUT_SECONDS)
    connection.execute(FROM_PUBLIC, (True,))
    try:
        connection.execute("select pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))
    except psycopg.errors.LockNotAvailable as error:
        raise StoreUnavailable(
            f"another migration of this database has been running for {TURN_TIMEOUT_SECONDS} s",
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


def _is_newer(connection: DeadlineConnection, schema: Schema) -> bool:
    return _database_version(connection) > schema.version


def _faults(connection: DeadlineConnection) -> dict[str, dict[str, str]]:
    if not _has_column(connection, "safari_migrations", "faults"):
        return {}
    return dict(
        connection.execute(
            "select name, faults from public.safari_migrations where faults is not null order by 1"
        ).fetchall()
    )


def _recorded(connection: DeadlineConnection) -> dict[str, str]:
    if not _exists(connection, "safari_migrations"):
        return {}
    return dict(connection.execute("select name, sha256 from public.safari_migrations").fetchall())


def _pushed(connection: DeadlineConnection, schema: Schema) -> dict[str, str]:
    """Return the released files that the Supabase CLI applied as they are, and their digests.

    It keeps the first part of each name. A schema that was dropped since has no version.
    """
    version = _database_version(connection)
    if not version or not _answer(connection, CLI_RECORD):
        return {}
    rows = connection.execute("select version from supabase_migrations.schema_migrations")
    applied = {row[0] for row in rows}
    there = [*dict.fromkeys(line.release for line in schema.released)][:version]
    return {
        line.name: line.sha256
        for line in schema.released
        if line.release in there and line.name.partition("_")[0] in applied
    }


def _exists(connection: DeadlineConnection, table: str) -> bool:
    # to_regclass may answer from a cache that has not seen another session's commit yet.
    return _answer(
        connection,
        "select exists (select from pg_class"
        " where relname = %s and relnamespace = 'public'::regnamespace)",
        table,
    )


def _has_column(connection: DeadlineConnection, table: str, column: str) -> bool:
    return _answer(
        connection,
        "select exists (select from information_schema.columns"
        " where table_schema = 'public' and table_name = %s and column_name = %s)",
        table,
        column,
    )


def _has_function(connection: DeadlineConnection, name: str) -> bool:
    return _answer(
        connection,
        "select exists (select from pg_proc"
        " where proname = %s and pronamespace = 'public'::regnamespace)",
        name,
    )


def _answer(connection: DeadlineConnection, question: LiteralString, *values: str) -> bool:
    row = connection.execute(question, values).fetchone()
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
    if isinstance(error, psycopg.errors.ObjectNotInPrerequisiteState) and error.diag.message_hint:
        return SchemaMissing(
            words, remedy=f"In SQL:\n{error.diag.message_hint}\nThen bin/db migrate."
        )
    meaning = type(translated(error))
    return (meaning if issubclass(meaning, StoreError) else StoreError)(
        where, remedy="Nothing of this file was applied."
    )
