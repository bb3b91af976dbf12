"""Checks of the database: connection, migrations, access, clock."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Final

from actp.doctor.accounts import accounts
from actp.doctor.finding import Finding, fine, problem
from actp.doctor.rehearsal import notifications, rehearsal
from actp.errors import ActpError, SchemaMissing, StoreError
from actp.plural import counted
from actp.store import open_store
from actp.store.agents import look
from actp.store.columns import columns_of
from actp.store.direct import direct_dsn
from actp.store.migrate import schema_state
from actp.store.schema import BEFORE_EACH, read_schema
from actp.store.tables import our_tables
from actp.store.version import check_version, hides_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.settings import Settings
    from actp.store import Store

__all__ = ["database", "old_transactions"]

MOST_SKEW_SECONDS: Final = 2.0
OLD_TRANSACTION_SECONDS: Final = 300.0
LOCK_SECONDS: Final = 5.0
LOCKED: Final = "55P03"
CLOSING: Final = {
    "view": "alter view {name} set (security_invoker = true);",
    "materialized view": "revoke all on {name} from anon, authenticated, public;",
    "function": "revoke all on function {name} from anon, authenticated, public;",
    "policy": 'drop policy "{name}" on public.{table};',
}
MIGRATE: Final = "Run bin/db migrate."


def database(settings: Settings) -> Iterator[Finding]:
    """Look at everything that needs the database; the first thing that fails ends it."""
    try:
        with closing(open_store(settings, application_name="actp-doctor")) as store:
            try:
                yield from _look(settings, store)
            except StoreError as error:
                if error.code != LOCKED:
                    raise
                yield problem("lock", f"{error}: nothing is sent meanwhile", "See the next lines.")
                yield from lock_holders(store)
    except SchemaMissing as error:
        yield problem("database", str(error), error.remedy)
    except ActpError as error:
        yield problem("database", str(error).partition("\n")[0], error.remedy or "See bin/db url.")


def _look(settings: Settings, store: Store) -> Iterator[Finding]:
    if settings.store_kind != "supabase":
        with direct_dsn(settings) as dsn:
            state = schema_state(dsn)
        if state.pending:
            names = ", ".join(state.pending[:3]) + (" …" if len(state.pending) > 3 else "")
            yield problem("migrations", f"{len(state.pending)} not applied: {names}", MIGRATE)
            return
        yield fine("migrations", "all applied")
        for fault in state.faults:
            yield problem("migrations", f"set aside: {fault}", "bin/db migrate retries it.")
    newer = check_version(store)
    yield fine("schema", newer or f"version {read_schema().version}, as this release needs")
    missing = [*_missing(store)]
    yield from missing
    if missing:
        return
    yield from _agents_tables(store)
    yield from accounts(settings, store)
    yield _clock(store)
    yield from old_transactions(store)
    yield from _row_security(store)
    yield from _queue(store)
    rehearsed = rehearsal(store)
    yield rehearsed
    if rehearsed.is_problem:
        yield from lock_holders(store)
    yield from notifications(settings, store)
    yield fine("database", f"{settings.store_kind}: responds")


def _row_security(store: Store) -> Iterator[Finding]:
    if hidden := store.call("safari_hidden_tables", tables=our_tables()):
        error = hides_rows(hidden)
        yield problem("row-level security", str(error), error.remedy)
    unsecured = store.call("safari_unsecured", tables=our_tables())
    if unsecured:
        yield problem(
            "row-level security",
            f"disabled for {', '.join(unsecured)}: the anon key can read and write them",
            "Check who uses the anon key, then run bin/db secure.",
        )
    else:
        yield fine("row-level security", "enabled for every table")
    for found in store.call("safari_exposed", tables=our_tables()):
        remedy = CLOSING[found["kind"]].format(**found)
        yield problem(
            "row-level security",
            f"the {found['kind']} {found['name']} opens {found['table']} to visitors",
            f"Unless this is intended, run in SQL: {remedy}",
        )


def _queue(store: Store) -> Iterator[Finding]:
    for strange in store.call("safari_unknown_statuses"):
        yield problem(
            "queue",
            f"no worker takes the status {strange['status']!r} of {strange['rows']} commands",
            "Set them to pending, cancelled or another of the five, and the default of the column.",
        )
    refused = store.call("safari_refused_claims")
    if refused["count"]:
        yield problem(
            "queue",
            f"{counted(refused['count'], 'command')} cannot be claimed, among them"
            f" {refused['id']}: {refused['error']}",
            "Correct your own trigger or constraint on safari_command_queue; the claims are tried"
            " again every ten minutes.",
        )


def _missing(store: Store) -> Iterator[Finding]:
    """Name the queue's tables and columns that somebody has renamed or dropped."""
    files = [file.text for file in read_schema().files]
    files += [path.read_text(encoding="utf-8") for path in BEFORE_EACH]
    for found in store.call("safari_missing", wanted=columns_of(files, queue=True)):
        table = found["table"]
        if "column" in found:
            yield problem(
                "schema",
                f"{table} has no column {found['column']}; nothing is sent",
                "Rename it back. If it was dropped, run in SQL:"
                f" alter table public.{table} add column {found['column']} {found['type']};",
            )
        else:
            yield problem(
                "schema",
                f"there is no table {table}; nothing is sent",
                "Rename it back. To make an empty one, run in SQL:"
                " truncate public.safari_migrations; then bin/db migrate.",
            )


def _agents_tables(store: Store) -> Iterator[Finding]:
    tables = look(store)
    for misfit in tables.misfits:
        yield problem(
            "agents' tables",
            f"{misfit}; agents that use it can be disabled, the queue works",
            f"Run in SQL: {misfit.remedy} Then run bin/db migrate.",
        )
    for key in tables.missing_keys:
        yield problem(
            "agents' tables",
            f"duplicates prevent the key {key}",
            "bin/db duplicates lists them; remove them, then bin/db migrate.",
        )
    if not tables.missing_keys and not tables.misfits:
        of_other_types = f"; {len(tables.fitted)} of other types are read through views"
        yield fine("agents' tables", f"types and keys fit{of_other_types if tables.fitted else ''}")


def old_transactions(
    store: Store, age_seconds: float = OLD_TRANSACTION_SECONDS
) -> Iterator[Finding]:
    """Name the transactions that have been open for too long."""
    for found in store.call("safari_old_transactions", age_seconds=age_seconds):
        minutes = found["seconds"] / 60
        yield problem(
            "old transaction",
            f"{found['application'] or 'a client'} of {found['user']} has kept one open for"
            f" {minutes:.0f} minutes (pid {found['pid']}, {found['state']}): dead rows pile up and"
            " every claim gets slower",
            f"End it in that client, or in SQL:  select pg_terminate_backend({found['pid']});",
        )


def lock_holders(store: Store) -> Iterator[Finding]:
    """Name the transactions that may hold a lock which others wait for."""
    for found in store.call("safari_lock_holders", age_seconds=LOCK_SECONDS):
        if found["seconds"] is None:
            what = "holds a table or its rows; only a role that may read all statistics sees more"
        else:
            what = f"has had a transaction open for {found['seconds']:.0f} s"
        yield problem(
            "lock",
            f"{found['application'] or 'a client'} of {found['user']} {what}"
            f" (pid {found['pid']}, {found['state'] or 'state unknown'})",
            f"End it in that client, or in SQL:  select pg_terminate_backend({found['pid']});",
        )


def _clock(store: Store) -> Finding:
    store.call("safari_now")  # connects
    began = monotonic()
    there = datetime.fromisoformat(str(store.call("safari_now")))
    took_seconds = monotonic() - began
    skew_seconds = (datetime.now(UTC) - there).total_seconds() - took_seconds / 2
    said = f"this host's is {abs(skew_seconds):.1f} s {'ahead' if skew_seconds > 0 else 'behind'}"
    if abs(skew_seconds) > MOST_SKEW_SECONDS + took_seconds:
        return problem(
            "clock",
            f"{said} of the database's",
            "Set it: macOS, System Settings, Date & Time; Linux, timedatectl set-ntp true.",
        )
    return fine("clock", said)
