"""``db``: address, shell, migrations, access rights and backups of the database."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from actp.cli.database import database
from actp.cli.group import Group
from actp.cli.options import json_option
from actp.cli.output import emit_json, say, warn
from actp.errors import InvalidInput, NotFound, WrongState
from actp.marks import known_event
from actp.settings import Settings, load_settings
from actp.store.agents import look
from actp.store.direct import direct_dsn
from actp.store.embedded.backup import dump, hold_what_others_sent, load
from actp.store.embedded.cluster import Cluster
from actp.store.migrate import migrate, schema_state
from actp.store.postgres import PostgresStore
from actp.store.schema import freeze, read_schema
from actp.store.tables import our_tables
from actp.store.tolerant import for_other_programs
from actp.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["db"]


@click.group(cls=Group)
def db() -> None:
    """Maintain the database."""


@db.command()
@click.option("--show-password", is_flag=True, help="Include the password.")
@json_option
def url(*, show_password: bool, as_json: bool) -> None:
    """Print the address of the database for psql, without the password.

    The embedded database has one while the tree is up.
    """
    settings = load_settings()
    if as_json and settings.store_kind == "supabase":
        emit_json({"kind": settings.store_kind, "url": settings.supabase_url})
        return
    with _reached_by_psql(settings) as dsn:
        shown = dsn if show_password else _without_password(dsn)
    if as_json:
        emit_json({"kind": settings.store_kind, "url": shown})
        return
    click.echo(shown)
    if settings.store_kind == "embedded" and not Tree(settings).is_up():
        warn("The tree is down, so nothing is listening at this address. Start it with bin/up.")


@db.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PSQL-ARGUMENT]...")
@click.pass_context
def shell(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Open psql on the database; arguments and standard input go to psql.

    For example bin/db shell -c 'select now()', or bin/db shell < query.sql.
    """
    with _reached_by_psql(load_settings()) as dsn:
        psql = shutil.which("psql")
        if psql is None:
            raise NotFound(
                "psql is not installed",
                remedy="Install PostgreSQL's client, or connect another one to "
                f"{_without_password(dsn)}.",
            )
        code = _run_psql(psql, dsn, arguments)
    if code:
        ctx.exit(code)


@db.command("migrate")
@json_option
def apply_migrations(*, as_json: bool) -> None:
    """Migrate tables and functions; idempotent."""
    with direct_dsn(load_settings()) as dsn:
        applied = migrate(dsn)
        state = schema_state(dsn)
        with closing(PostgresStore(dsn, application_name="actp db")) as store:
            agents = look(store)
    if as_json:
        emit_json(
            {
                "applied": applied,
                "version": state.database_version,
                "faults": state.faults,
                "missing_keys": agents.missing_keys,
                "misfits": [str(misfit) for misfit in agents.misfits],
                "fitted": [str(misfit) for misfit in agents.fitted],
            }
        )
        return
    for name in applied:
        say(f"applied {name}")
    for fault in state.faults:
        say(f"set aside {fault}")
    for misfit in agents.fitted:
        say(f"read through a view: {misfit}")
    for misfit in agents.misfits:
        say(f"does not fit: {misfit}")
    for key in agents.missing_keys:
        say(f"duplicates prevent a key: {key}; see bin/db duplicates")
    if state.is_newer:
        say(
            f"The database is newer than this release (schema version {state.database_version},"
            f" this release has {state.version}): nothing was changed."
        )
    elif state.faults or agents.misfits or agents.missing_keys:
        say("The queue is up to date. Agents that need the above are disabled; see bin/doctor.")
    else:
        say("The database is up to date.")


@db.command()
@json_option
def duplicates(*, as_json: bool) -> None:
    """List rows of the agents' tables that prevent a key, and propose which to keep."""
    with database() as store:
        groups = store.call("agent_duplicates")
    if as_json:
        emit_json({"groups": groups})
        return
    for group in groups:
        key = ", ".join(
            f"{column}={value!r}"
            for column, value in zip(group["columns"], group["values"], strict=True)
        )
        table, kept = group["table"], group["keep"]
        removed = ", ".join(f"'{place}'" for place in group["remove"])
        say(f"{table}: {group['rows']} rows with {key}")
        # Printed for the operator, who runs it or not.
        say(f"  keep the newest: select * from {table} where ctid = '{kept}';")  # noqa: S608
        say(f"  then: delete from {table} where ctid in ({removed});")  # noqa: S608
    say("Then run bin/db migrate." if groups else "No duplicates.")


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Back up the embedded database to FILE; the tree can stay up."""
    with _embedded(load_settings()) as cluster:
        dump(cluster, file.absolute())
    say(f"{file}: {file.stat().st_size / 2**20:.1f} MB")


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
def restore(file: Path) -> None:
    """Restore the embedded database from a backup; the tree must be down.

    It has no record of what was sent since: read docs/upgrading.md first.
    """
    settings = load_settings()
    if Tree(settings).is_up():
        raise WrongState("the tree is up", remedy="Run bin/down first.")
    with _embedded(settings) as cluster:
        load(cluster, file.absolute())
        known = known_event(settings.actp_home / "marks")["database"]
        held = hold_what_others_sent(cluster, known)
    if held:
        say(
            f"Restored from another host's backup: {held} commands are held, since this host cannot"
        )
        say("know what was sent after the backup. See bin/history --status pending, then")
    else:
        say("Restored. bin/up holds commands that may have been sent since; see bin/status, then")
    say("bin/queue accept or discard.")


@db.command("bundle")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def write_bundle(folder: Path) -> None:
    """Write every migration into FOLDER, for the Supabase CLI.

    What changed in migrations/functions since the last release is written as one more file. A
    statement that an agent's table does not allow is skipped with a warning.
    """
    folder.mkdir(parents=True, exist_ok=True)
    schema = read_schema()
    for file in schema.files:
        text = for_other_programs(file, schema.version)
        (folder / file.name).write_text(text, encoding="utf-8")
    say(f"{len(schema.files)} files of schema version {schema.version} are in {folder}.")


@db.command()
def release() -> None:
    """Release the SQL of this copy: write the bundle and record digests (for maintainers)."""
    frozen = freeze()
    for file in frozen:
        say(f"released {file.name}")
    if not frozen:
        say("No SQL changed since the last release.")


@db.command()
@json_option
def secure(*, as_json: bool) -> None:
    """Enable row-level security on tables that existed before, and list them.

    Readers with the anon key are shut out, except where a policy lets them in.
    """
    with database() as store:
        secured = store.call("safari_secure", tables=our_tables())
    if as_json:
        emit_json({"secured": secured})
        return
    for item in secured:
        policies = f"; {item['policies']} policies stay in force" if item["policies"] else ""
        say(f"secured {item['table']}{policies}")
    say("Every table has row-level security.")


@contextmanager
def _embedded(settings: Settings) -> Iterator[Cluster]:
    if settings.store_kind != "embedded":
        raise WrongState(
            "the database is not the embedded one",
            remedy="Use pg_dump, or your provider's backups.",
        )
    with direct_dsn(settings):
        yield Cluster(settings.actp_home)


@contextmanager
def _reached_by_psql(settings: Settings) -> Iterator[str]:
    if settings.store_kind == "supabase":
        raise InvalidInput(
            f"{settings.supabase_url} is a REST interface, which psql cannot reach",
            remedy="Set DATABASE_URL: in the dashboard, Connect, Session pooler.",
        )
    with direct_dsn(settings) as dsn:
        yield dsn


def _without_password(dsn: str) -> str:
    given: dict[str, Any] = conninfo_to_dict(dsn)
    if given.pop("password", None) is None:
        return dsn
    return make_conninfo(**given)


def _run_psql(psql: str, dsn: str, arguments: tuple[str, ...]) -> int:
    given: dict[str, Any] = conninfo_to_dict(dsn)
    # Other users see the arguments of a process, not its environment.
    password = given.pop("password", None)
    secret = {"PGPASSWORD": str(password)} if password is not None else {}
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for psql
    try:
        return subprocess.run(
            [psql, "--dbname", make_conninfo(**given), *arguments],
            env={**os.environ, **secret},
            check=False,
        ).returncode
    finally:
        signal.signal(signal.SIGINT, before)
