"""Tables of other programs that do not fit: the queue works, and what does not is named."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest

from actp.store.agents import look, wanted_columns
from actp.store.migrate import migrate, schema_state

if TYPE_CHECKING:
    from tests.support.databases import Database

# One foreign shape a line, as rival programs have made them, and whether a view can read it.
FOREIGN = {
    "bigint id": ("create table actp_platform_research (id bigserial primary key, title text)",
                  "actp_platform_research.id is bigint, wanted uuid", True),
    "bigint key of the contacts": ("create table crm_contacts (id bigserial primary key)",
                                   "crm_contacts.id is bigint, wanted uuid", False),
    "bigint contact": ("create table crm_messages (id uuid primary key, contact_id bigint)",
                       "crm_messages.contact_id is bigint, wanted uuid", False),
    "times as text": ("create table crm_contacts (id uuid primary key, last_outbound_at text)",
                      "crm_contacts.last_outbound_at is text, wanted timestamp with time zone",
                      True),
    "jsonb hours": ("create table actp_posting_schedule (platform text, best_hours jsonb)",
                    "actp_posting_schedule.best_hours is jsonb, wanted integer[]", True),
    "text score": ("create table actp_prospect_scores (id uuid, contact_id uuid, score text)",
                   "actp_prospect_scores.score is text, wanted integer", True),
    "score of another kind": ("create table actp_prospect_scores (id uuid, score jsonb)",
                              "actp_prospect_scores.score is jsonb, wanted integer", False),
}  # fmt: skip


# Views of tables that fit by now, and functions that read them.
LEFT = """
select (select count(*) from pg_views where schemaname = 'actp_fitted'),
       (select count(*) from pg_proc where prosrc like '%actp\\_fitted.%'
           and proname !~ '^agent_fit')
"""


@pytest.mark.parametrize("shape", FOREIGN)
def test_the_queue_works_whatever_an_agents_table_is(unmigrated: Database, shape: str) -> None:
    table, misfit, is_read = FOREIGN[shape]
    with unmigrated.connect() as connection:
        connection.execute(table.encode())
    migrate(unmigrated.dsn)
    state = schema_state(unmigrated.dsn)
    assert state.pending == ()
    found = look(unmigrated.store)
    assert misfit in map(str, found.fitted if is_read else found.misfits)
    sent_and_claimed(unmigrated)
    assert migrate(unmigrated.dsn) == []
    with unmigrated.connect() as connection:
        for each in (*found.misfits, *found.fitted):
            connection.execute(each.remedy.encode())
    migrate(unmigrated.dsn)
    after = look(unmigrated.store)
    assert (after.misfits, after.fitted) == ((), ())
    with unmigrated.connect() as connection:
        assert connection.execute(LEFT).fetchone() == (0, 0)


def test_a_table_that_was_mended_is_taken_up_by_the_next_migration(unmigrated: Database) -> None:
    with unmigrated.connect() as connection:
        connection.execute("create table crm_contacts (id bigserial primary key, platform text)")
    migrate(unmigrated.dsn)
    before = schema_state(unmigrated.dsn)
    assert any("actp_prospect_scores" in fault or "foreign key" in fault for fault in before.faults)
    with unmigrated.connect() as connection:
        connection.execute(
            "alter table crm_contacts drop column id;"
            " alter table crm_contacts add column id uuid primary key default gen_random_uuid()"
        )
    migrate(unmigrated.dsn)
    after = schema_state(unmigrated.dsn)
    assert after.faults == ()
    assert look(unmigrated.store) == ((), (), ())
    with unmigrated.connect() as connection:
        open_tables = connection.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
            " and relkind = 'r' and not relrowsecurity order by 1"
        ).fetchall()
        assert open_tables == [("crm_contacts",)]


DUPLICATES = """
create table actp_cross_platform_trends (niche text, updated_at timestamptz);
insert into actp_cross_platform_trends values ('ai', '2026-01-01'), ('ai', '2026-02-01'),
  ('ops', '2026-01-01');
"""


def test_a_key_is_made_once_its_duplicates_are_gone(unmigrated: Database) -> None:
    with unmigrated.connect() as connection:
        connection.execute(DUPLICATES)
    migrate(unmigrated.dsn)
    assert look(unmigrated.store).missing_keys == ("actp_cross_platform_trends (niche)",)
    (group,) = unmigrated.store.call("agent_duplicates")
    assert (group["values"], group["rows"], len(group["remove"])) == (["ai"], 2, 1)
    with unmigrated.connect() as connection:
        kept = connection.execute(
            "select updated_at::date::text from actp_cross_platform_trends where ctid = %s::tid",
            (group["keep"],),
        ).fetchone()
        assert kept == ("2026-02-01",)
        connection.execute(
            "delete from actp_cross_platform_trends where ctid = any (%s::tid[])",
            (group["remove"],),
        )
    assert migrate(unmigrated.dsn) == []
    assert look(unmigrated.store).missing_keys == ()
    assert unmigrated.store.call("agent_duplicates") == []


COLUMNS = (
    "select c.relname, a.attname, format_type(a.atttypid, null) from pg_attribute a"
    " join pg_class c on c.oid = a.attrelid"
    " where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0"
    " and not a.attisdropped and c.relname !~ '^safari_'"
)


def test_the_wanted_types_are_those_of_a_new_database(database: Database) -> None:
    found: dict[str, dict[str, str]] = {}
    with database.connect() as connection:
        rows = connection.execute(COLUMNS).fetchall()
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    assert wanted_columns() == found


def sent_and_claimed(database: Database) -> None:
    boot = str(uuid.uuid4())
    store = database.store
    with database.connect() as connection:
        connection.execute("update safari_policies set active_from = 0, active_to = 24")
        connection.execute(
            "insert into safari_command_queue (action, platform, params)"
            """ values ('send_dm', 'twitter', '{"username": "a", "text": "b"}')"""
        )
    store.call("safari_register", boot_id=boot, host_key="h", worker="w", services=["twitter-dm"])
    (row,) = store.call(
        "safari_claim", boot_id=boot, wants={"twitter-dm": 1}, held=0, lease_seconds=30
    )["commands"]
    item = {"id": row["id"], "lease": row["lease"], "service": "twitter-dm", "recipient": "a",
            "person": "a", "text_hash": "x"}  # fmt: skip
    (begun,) = store.call("safari_ledger", boot_id=boot, finishes=[], begins=[item])["begins"]
    done = {"id": row["id"], "lease": row["lease"], "attempt": begun["attempt"], "verdict": "sent",
            "quota_back": False, "result": {}}  # fmt: skip
    (finished,) = store.call("safari_ledger", boot_id=boot, finishes=[done], begins=[])["finishes"]
    assert finished["status"] == "completed"
    for function in ("safari_status", "safari_gauges", "safari_limits", "safari_history"):
        store.call(function)


# Everything as another program might have it: its own ids, times and lists.
OWNED = """
create table crm_contacts (id bigint generated always as identity primary key, platform text,
  username text, tags jsonb, last_inbound_at text, email_opted_out text, unread text);
create table crm_conversations (id bigint generated always as identity primary key,
  contact_id bigint, platform text, last_message text, unread_count text, last_reply_at text);
create table crm_messages (id bigint generated always as identity primary key, contact_id bigint,
  platform text, username text, text text, direction text, sent_at text, is_outbound text,
  metadata text);
create table crm_interactions (id bigint generated always as identity primary key,
  contact_id bigint, type text, direction text, created_at text);
create table crm_message_queue (id bigint generated always as identity primary key,
  contact_id bigint, platform text, message_body text, status text default 'pending',
  created_at text, scheduled_for text);
create table actp_platform_associations (contact_id bigint, platform text, handle text);
create table actp_content_performance (id bigint, platform text, niche jsonb, external_id bigint);
create table actp_cross_platform_trends (niche integer, platforms jsonb);
"""
WRITES = (
    "insert into crm_contacts (platform, username) values ('twitter', 'ada'), ('x', 'bob')",
    "update crm_contacts set tags = '[\"vip\"]', last_inbound_at = 'today', unread = 'yes'",
    "insert into crm_conversations (contact_id, platform, last_message) values (1, 'x', 'Hi')",
    "update crm_conversations set last_message = 'stop', unread_count = 'two'",
    "insert into crm_messages (contact_id, username, direction) values (1, 'ada', 'inbound')",
    "insert into crm_messages (platform, username, text) values ('x', 'ada', 'Hi')",
    "update crm_messages set text = 'Hello'",
    "insert into crm_interactions (contact_id, type, direction) values (1, 'email', 'inbound')",
    "insert into crm_message_queue (contact_id, platform, created_at) values (1, 'x', '2020')",
    "update crm_message_queue set status = 'sent'",
    "insert into actp_platform_associations values (1, 'x', 'ada')",
    "update actp_platform_associations set handle = 'ada_b'",
    "insert into actp_content_performance values (1, 'x', '\"ai\"', 5)",
    "insert into actp_cross_platform_trends values (1, '[]')",
    "delete from crm_contacts",
)


def test_another_program_writes_its_tables_as_before(unmigrated: Database) -> None:
    with unmigrated.connect() as connection:
        connection.execute(OWNED.encode())
        migrate(unmigrated.dsn)
        refused = {}
        for statement in WRITES:
            try:
                connection.execute(statement.encode())
            except psycopg.Error as error:
                refused[statement] = str(error)
        assert refused == {}
    sent_and_claimed(unmigrated)
