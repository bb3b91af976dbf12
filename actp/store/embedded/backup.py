"""Backups of the embedded database, with pg_dump and pg_restore."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from actp.errors import InvalidInput, StoreError, StoreUnavailable, WrongState
from actp.store.embedded.binaries import ENVIRONMENT
from actp.store.migrate import ADVISORY_LOCK, migrate
from actp.store.schema import SEQUENCES

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO, LiteralString

    from actp.store.embedded.cluster import Cluster

__all__ = ["dump", "hold_what_others_sent", "load"]

CONNECT_TIMEOUT_SECONDS: Final = 5
COPY_TIMEOUT_SECONDS: Final = 3600
TERMINATE_TIMEOUT_MS: Final = 5000
RENAME_TRIES: Final = 5
TERMINATE: Final = (
    "select pg_terminate_backend(pid, %s) from pg_stat_activity"
    " where datname = %s and pid <> pg_backend_pid()"
)
_REMEDIES: Final = {
    "pg_dump": "See bin/doctor, then try again.",
    "pg_restore": "Name a file that bin/db backup wrote.",
}


def dump(cluster: Cluster, path: Path) -> None:
    """Write a copy of the running database to a new file, for the owner alone.

    Raises InvalidInput for a file that exists; a copy that failed leaves none behind.
    """
    draft = path.with_name(f"{path.name}.part")
    try:
        with path.open("xb"), open(draft, "wb", opener=_private) as file:
            # To its standard output it writes the table of contents twice.
            _run(
                cluster, ["pg_dump", "--format=custom", f"--file={draft}", "--dbname", cluster.dsn]
            )
            os.fsync(file.fileno())
        draft.replace(path)
    except FileExistsError:
        raise InvalidInput(f"{path} exists", remedy="Name a new file.") from None
    except BaseException:
        draft.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise


def load(cluster: Cluster, path: Path) -> None:
    """Put a copy in place of what the running database holds, all or nothing.

    The copy becomes a second database, which takes the name of the other: one of an older
    release lacks tables and functions that rest on those it has. Ends the sessions of others.
    Raises InvalidInput for a copy without our rows, WrongState while another is restored.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}", remedy="Name a backup.") from error
    # Another database, since one that is in use cannot be renamed.
    beside = make_conninfo(
        cluster.dsn,
        dbname="template1",
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        options=f"-c statement_timeout={COPY_TIMEOUT_SECONDS}s",
    )
    name = str(conninfo_to_dict(cluster.dsn)["dbname"])
    restored, replaced = f"{name}_restored", f"{name}_replaced"
    with file, psycopg.connect(beside, autocommit=True) as connection:
        # Released with the connection.
        if not _answer(connection, f"select pg_try_advisory_lock({ADVISORY_LOCK})"):
            raise WrongState("another restore is running", remedy="Wait until it has ended.")
        _drop(connection, restored, replaced)
        connection.execute(
            sql.SQL("create database {} template template0").format(sql.Identifier(restored))
        )
        dsn = make_conninfo(cluster.dsn, dbname=restored)
        options = ("--single-transaction", "--exit-on-error")
        try:
            _run(cluster, ["pg_restore", *options, "--dbname", dsn], stdin=file)
            _check(dsn, path)
            _rename(connection, (name, replaced), (restored, name))
        finally:
            _drop(connection, restored, replaced)


def _check(dsn: str, path: Path) -> None:
    """Refuse a copy without our rows; move its sequences beyond them."""
    with psycopg.connect(
        dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS
    ) as connection:
        is_ours = _answer(connection, "select to_regclass('public.safari_services') is not null")
        if not (is_ours and _answer(connection, "select count(*) from public.safari_services")):
            raise InvalidInput(
                f"{path} holds no database with our rows",
                remedy="Nothing was changed. Name a file that bin/db backup wrote.",
            )
        connection.execute(SEQUENCES.read_bytes())


def hold_what_others_sent(cluster: Cluster, known_database: str | None) -> int:
    """Hold what would reach a person unless this host has used the database; return how many.

    ``known_database`` is the one that this host remembers. Of another host's it cannot know what
    was sent since the backup.
    """
    with psycopg.connect(
        cluster.dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS
    ) as connection:
        if not _answer(connection, "select to_regproc('public.safari_hold_all') is not null"):
            migrate(cluster.dsn)
        row = connection.execute(
            "select value #>> '{}' from public.safari_settings where key = 'database_id'"
        ).fetchone()
        if row is not None and row[0] == known_database:
            return 0
        return int(_answer(connection, "select public.safari_hold_all('a backup of another host')"))


def _answer(connection: psycopg.Connection, question: LiteralString) -> Any:
    row = connection.execute(question).fetchone()
    return row and row[0]


def _rename(connection: psycopg.Connection, *names: tuple[str, str]) -> None:
    """Rename databases at once, the first of which others may use."""
    rename = sql.SQL("alter database {} rename to {}")
    for tries_left in reversed(range(RENAME_TRIES)):
        connection.execute(TERMINATE, (TERMINATE_TIMEOUT_MS, names[0][0]))
        try:
            with connection.transaction():
                for old, new in names:
                    connection.execute(rename.format(sql.Identifier(old), sql.Identifier(new)))
        except psycopg.errors.ObjectInUse as error:
            if not tries_left:
                raise StoreUnavailable(
                    "other programs keep connecting to the database",
                    remedy="Stop them and try again. Nothing was changed.",
                ) from error
        else:
            return


def _drop(connection: psycopg.Connection, *names: str) -> None:
    for name in names:
        connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        )


def _run(
    cluster: Cluster,
    command: list[str],
    *,
    stdin: IO[bytes] | None = None,
) -> None:
    program, *arguments = command
    try:
        done = subprocess.run(
            [cluster.programs / program, *arguments],
            env=ENVIRONMENT,
            cwd="/",
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            timeout=COPY_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise StoreUnavailable(f"{program} took longer than {COPY_TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        remedy = "Nothing was changed. " + _REMEDIES[program]
        raise StoreError(f"{program} failed: {said[0]}", remedy=remedy)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
