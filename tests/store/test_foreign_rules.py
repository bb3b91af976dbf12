"""Triggers, constraints and row-level security that other people put on our tables."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from actp.doctor.database import database as look_at_database
from actp.errors import SchemaMissing, StoreDenied, StoreRefused
from actp.settings import load_settings
from actp.store.migrate import migrate, schema_state
from actp.store.postgres import PostgresStore
from actp.store.version import CheckedStore
from tests.store.life import SERVICE, Life

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import Database, Databases

RAISE: Final = """
create function theirs() returns trigger language plpgsql as $$
begin
  if new.params ->> 'username' = 'odd' and {when} then {what} end if;
  return new;
end $$;
create {kind} theirs {at} on safari_command_queue {how} for each row execute function theirs()"""
BEFORE: Final = {"kind": "trigger", "at": "before update", "how": ""}
DEFERRED: Final = {
    "kind": "constraint trigger",
    "at": "after update",
    "how": "deferrable initially deferred",
}
REFUSE: Final = "raise exception 'not this one';"
RULES: Final = {
    "trigger": RAISE.format(when="new.status = 'running'", what=REFUSE, **BEFORE),
    "any update": RAISE.format(when="true", what=REFUSE, **BEFORE),
    "at the end": RAISE.format(when="true", what=REFUSE, **DEFERRED),
    "swallows": RAISE.format(when="true", what="return null;", **BEFORE),
    "check": "alter table safari_command_queue add constraint theirs"
    " check (params ->> 'username' <> 'odd') not valid",
}
NAMED: Final = {"check": "theirs", "swallows": "a trigger on the table"}


# As in a server that was built without it.
WITHOUT_ICU: Final[LiteralString] = (
    "set allow_system_table_mods = on; delete from pg_collation where collname = 'und-x-icu'"
)


@pytest.fixture
def admin(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        yield connection


def claimed(life: Life, store: Any) -> list[str]:
    """What a worker claims, which has the refused rows looked at and asks again."""
    try:
        return [row["id"] for row in life.claim()]
    except StoreRefused as error:
        store.call("safari_set_aside", services=[SERVICE], error=str(error))
        return [row["id"] for row in life.claim()]


def test_a_rule_of_another_program_stops_its_row_alone(
    database: Database, admin: psycopg.Connection
) -> None:
    store = database.store
    life = Life(store)
    for name, rule in RULES.items():
        odd, due = life.enqueue("odd"), life.enqueue("odd", scheduled_for="2000-01-01")
        healthy = life.enqueue(name.replace(" ", "_"))
        admin.execute("update safari_command_queue set hold = null where hold is not null")
        # As a row that has just become due.
        admin.execute(
            "update safari_command_queue set ready = false, due_at = now() where id = %s", (due,)
        )
        admin.execute(rule.encode())

        assert claimed(life, store) == [healthy], name
        for id_ in (odd, due):
            waits = store.call("safari_show", id=id_)["command"]["waits"]
            assert waits["for"] == "a rule of the table", name
            assert NAMED.get(name, "not this one") in waits["detail"]
        assert store.call("safari_refused_claims")["count"] == 2
        outlook = store.call("safari_outlook", services=[SERVICE])[SERVICE]
        assert (outlook["due"], outlook["waiting"]) == (0, 2), "no run waits for them"
        alerted = admin.execute(
            "select array_agg(detail ->> 'command_id') from safari_alerts"
            " where kind = 'claims_refused'"
        ).fetchone()
        assert alerted is not None
        assert {odd, due} == set(alerted[0]), name

        admin.execute("drop function if exists theirs cascade")
        admin.execute("alter table safari_command_queue drop constraint if exists theirs")
        assert claimed(life, store) == [], "it is tried again later"
        admin.execute("update safari_claims_refused set until = now()")
        assert set(claimed(life, store)) == {odd, due}, name
        admin.execute("delete from safari_command_queue")
        admin.execute("delete from safari_alerts")


def test_a_refused_renewal_costs_no_other_lease(database: Database) -> None:
    life = Life(database.store)
    odd, healthy = life.enqueue("odd"), life.enqueue("bob")
    held = [{"id": row["id"], "lease": row["lease"]} for row in life.claim()]
    with database.connect() as admin, admin.transaction(force_rollback=True):
        admin.execute("update safari_command_queue set lease_expires_at = now()")
        admin.execute(RULES["any update"].encode())
        boot = admin.execute("select distinct boot_id from safari_command_queue").fetchone()
        assert boot is not None
        beaten = admin.execute(
            "select safari_heartbeat(%s, %s, '{}', 30) -> 'lost'", (boot[0], Jsonb(held))
        ).fetchone()
        assert beaten == ([],)
        renewed = admin.execute(
            "select id::text from safari_command_queue where lease_expires_at > now()"
        ).fetchall()
        assert renewed == [(healthy,)]
        alerted = admin.execute("select kind, detail ->> 'command_id' from safari_alerts")
        assert alerted.fetchall() == [("write_refused", odd)]


@pytest.fixture
def plain(database: Database) -> Iterator[PostgresStore]:
    """A store whose role has the rights of the owner, and does not bypass row-level security."""
    with database.connect() as admin:
        owner = admin.execute("select current_user").fetchone()
        assert owner is not None
        admin.execute("create role plain")
        admin.execute(sql.SQL("grant {} to plain").format(sql.Identifier(owner[0])))
        try:
            with closing(PostgresStore(as_plain(database))) as store:
                yield store
        finally:
            admin.execute("drop role plain")


def as_plain(database: Database) -> str:
    return make_conninfo(database.dsn, options="-c role=plain")


@pytest.mark.parametrize("hidden", ["safari_do_not_contact", "safari_schema_versions"])
def test_a_table_that_looks_empty_to_its_role_is_refused(
    database: Database, plain: PostgresStore, hidden: str
) -> None:
    force = sql.SQL("alter table {} force row level security").format(sql.Identifier(hidden))
    assert CheckedStore(plain).call("safari_now")
    with database.connect() as admin:
        admin.execute(force)
        for look in (
            lambda: CheckedStore(plain).call("safari_now"),
            lambda: schema_state(as_plain(database)),
            lambda: migrate(as_plain(database)),
        ):
            with pytest.raises(StoreDenied, match=f"hides the rows of {hidden} ") as caught:
                look()
            assert "no force row level security" in caught.value.remedy
        findings = look_at_database(load_settings({"DATABASE_URL": as_plain(database)}))
        assert hidden in str([*findings])
        assert database.store.call("safari_hidden_tables") == [], "its owner sees them"

        admin.execute(
            sql.SQL("create policy all_rows on {} using (true)").format(sql.Identifier(hidden))
        )
        assert CheckedStore(plain).call("safari_now")


def test_nothing_is_claimed_while_the_list_of_people_looks_empty(
    database: Database, plain: PostgresStore
) -> None:
    life = Life(plain)
    life.enqueue()
    with database.connect() as admin:
        admin.execute("alter table safari_do_not_contact force row level security")
        with pytest.raises(StoreDenied, match="safari_do_not_contact from the role plain"):
            life.claim()
        admin.execute("alter table safari_do_not_contact no force row level security")
    assert len(life.claim()) == 1


def test_the_doctor_names_what_was_renamed(database: Database) -> None:
    settings = load_settings({**database.environment, "ACTP_ENV_FILE": ""})
    rename: tuple[LiteralString, ...] = (
        "alter table safari_command_queue rename column reason to why",
        "alter table safari_rate_limits rename to old_limits",
    )
    with database.connect() as admin:
        for statement in rename:
            admin.execute(statement)
        said = [str(finding) for finding in look_at_database(settings)]
        admin.execute("alter table safari_command_queue rename column why to reason")
        admin.execute("create view safari_rate_limits as select * from old_limits")
        wanted = {"safari_rate_limits": {"id": "uuid"}}
        # A view in place of a table has its columns, and no command can begin.
        missing = database.store.call("safari_missing", wanted=wanted)
        assert missing == [{"table": "safari_rate_limits"}]
        admin.execute("drop view safari_rate_limits")
        admin.execute("alter table old_limits rename to safari_rate_limits")
    text = "\n".join(said)
    assert "safari_command_queue has no column reason" in text
    assert "there is no table safari_rate_limits" in text
    assert database.store.call("safari_missing", wanted=wanted) == []


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("encoding 'UTF8' locale 'C'", "knows ASCII alone"),
        ("encoding 'SQL_ASCII' locale 'C'", "encoding of the database is SQL_ASCII"),
        ("encoding 'LATIN1' locale 'C'", "encoding of the database is LATIN1"),
        ("encoding 'UTF8' locale 'C' locale_provider icu icu_locale 'tr-TR'", "the letter I"),
    ],
)
def test_a_database_that_changes_names_is_refused(
    postgres15_databases: Databases, made: str, said: str
) -> None:
    server = postgres15_databases.server
    with psycopg.connect(server.admin("postgres"), autocommit=True) as admin:
        admin.execute(f"create database unfit owner postgres template template0 {made}".encode())
        try:
            if "ASCII alone" in said:
                with psycopg.connect(server.admin("unfit"), autocommit=True) as unfit:
                    unfit.execute(WITHOUT_ICU)
            with pytest.raises(SchemaMissing, match=said) as refused:
                migrate(server.owner("unfit"))
            assert "encoding 'UTF8'" in refused.value.remedy
        finally:
            admin.execute("drop database unfit with (force)")
