"""The agents' tables: the columns that the specification confirms, and those that were there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from actp.store.migrate import migrate

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store
    from tests.support.databases import Database

# Word for word.
CRITICAL_COLUMNS = """
# actp_prospect_scores
funnel_stage    # NOT 'stage'
research_data   # Claude-generated brief JSON
research_done   # boolean
offer_readiness # 0-100
icp_fit         # 0-100
next_touch_type # 'dm' | 'email' | 'twitter'

# crm_message_queue
message_body    # NOT 'message'
message_type    # 'outreach' | 'follow_up' | 'value_add'
ai_reasoning    # text (funnel stage context)

# actp_platform_associations
engagement_type # NOT 'match_confidence'
# NO updated_at column

# actp_content_performance
external_id     # NOT 'post_id'
comments_count  # NOT 'comments'
watch_time_minutes # NOT 'watch_time_min'
offer_tags      # text[] ARRAY (NOT single text)

# actp_niche_resonance
avg_watch_time  # NOT 'avg_watch_time_minutes'
top_hook_patterns # text[]
offer_tag       # singular (modal offer in group)
last_updated    # NOT 'updated_at'
# UNIQUE(platform, niche, offer_tag, content_type)

# actp_twitter_research
tweet_text      # NOT 'text'
scraped_at      # NOT 'created_at'

# youtube_video_stats
views           # NOT 'view_count'
likes           # NOT 'like_count'
"""
# The block says that recency is read from scraped_at; a created_at beside it does no harm.
BOTH = {("actp_twitter_research", "created_at")}

TYPES = {
    "research_data": "jsonb",
    "research_done": "boolean",
    "ai_reasoning": "text",
    "offer_tags": "ARRAY",
    "offer_tag": "text",
    "top_hook_patterns": "ARRAY",
}


def confirmed() -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The columns that the block confirms, and those that it says are not there."""
    wanted, unwanted = set(), set()
    for part in CRITICAL_COLUMNS.strip().split("\n\n"):
        heading, *lines = part.splitlines()
        table = heading.removeprefix("# ")
        for line in lines:
            column, _, comment = line.partition("#")
            if column.strip():
                wanted.add((table, column.strip()))
            unwanted |= {(table, name) for name in re.findall(r"NOT '(\w+)'", comment)}
            unwanted |= {(table, name) for name in re.findall(r"NO (\w+) column", comment)}
    return wanted, unwanted


def test_the_confirmed_columns_are_there_and_no_rivals_of_theirs(admin: psycopg.Connection) -> None:
    wanted, unwanted = confirmed()
    assert len(wanted) == 22
    assert ("actp_platform_associations", "updated_at") in unwanted
    found = dict[tuple[str, str], str](
        ((table, column), kind)
        for table, column, kind in admin.execute(
            "select table_name, column_name, data_type from information_schema.columns"
            " where table_schema = 'public'"
        ).fetchall()
    )
    assert wanted - found.keys() == set()
    assert unwanted & found.keys() == BOTH
    assert {key: found[key] for key in wanted if key[1] in TYPES} == {
        key: TYPES[key[1]] for key in wanted if key[1] in TYPES
    }


def test_resonance_is_unique_by_its_four_columns(admin: psycopg.Connection) -> None:
    insert = (
        "insert into actp_niche_resonance (platform, niche, offer_tag, content_type)"
        " values ('tiktok', 'ai_automation', %s, 'educational')"
        " on conflict (platform, niche, offer_tag, content_type) do nothing"
    )
    counts = [admin.execute(insert, (offer,)).rowcount for offer in ("none", "none", "other")]
    assert counts == [1, 0, 1]


# As older programs made them: other columns, times as text, keys missing, rows twice.
OLDER = """
create table crm_contacts (
  id uuid primary key default gen_random_uuid(), platform text not null, username text not null,
  display_name text, last_message text, last_message_at text, stage text default 'cold',
  icp_score numeric(5,2), favourite_colour text
);
insert into crm_contacts (id, platform, username, last_message_at, favourite_colour) values
  ('00000000-0000-0000-0000-000000000001', 'twitter', 'ada', '2026-01-05T10:00:00Z', 'green'),
  ('00000000-0000-0000-0000-000000000002', 'twitter', 'ada', 'yesterday', null),
  ('00000000-0000-0000-0000-000000000003', 'tiktok', 'bob', '2026-13-77', null),
  ('00000000-0000-0000-0000-000000000004', 'tiktok', 'eve', null, null);
create table crm_messages (
  id uuid primary key default gen_random_uuid(), contact_id uuid, text text, is_outbound boolean
);
insert into crm_messages (contact_id, text, is_outbound) values
  ('00000000-0000-0000-0000-000000000004', 'hello', false);
create table actp_prospect_scores (
  id uuid primary key default gen_random_uuid(), contact_id uuid unique, score integer
);
insert into actp_prospect_scores (contact_id, score) values
  ('00000000-0000-0000-0000-000000000001', 42);
create table actp_agent_tasks (
  id uuid primary key default gen_random_uuid(), agent_type text, goal text, result text,
  status text
);
insert into actp_agent_tasks (agent_type, goal, result, status) values ('x', 'y', '{}', 'claimed');
create table actp_cross_platform_trends (niche text, platforms text[]);
insert into actp_cross_platform_trends values
  ('ai_automation', '{tiktok}'), ('ai_automation', null);
"""
KEPT = (
    "select (select count(*) from crm_contacts), (select count(*) from crm_messages),"
    " (select score from actp_prospect_scores), (select goal from actp_agent_tasks),"
    " (select count(*) from actp_cross_platform_trends),"
    " (select favourite_colour from crm_contacts where favourite_colour is not null)"
)


@pytest.fixture
def older(unmigrated: Database) -> Database:
    """A database in use before us, migrated, and again as if it had seen no file."""
    with unmigrated.connect() as connection:
        connection.execute(OLDER.encode())
    names = migrate(unmigrated.dsn)
    with unmigrated.connect() as connection:
        connection.execute("delete from safari_migrations")
    assert migrate(unmigrated.dsn) == names
    return unmigrated


def test_older_tables_keep_their_rows_and_columns_and_gain_ours(older: Database) -> None:
    with older.connect() as connection:
        assert connection.execute(KEPT).fetchone() == (4, 1, 42, "y", 2, "green")
        wanted, _ = confirmed()
        there = connection.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = 'public'"
        ).fetchall()
        assert wanted - set(there) == set()
        kinds = connection.execute(
            "select data_type from information_schema.columns"
            " where table_schema = 'public' and table_name = 'crm_contacts'"
            " and column_name = 'last_message_at'"
        ).fetchall()
        assert kinds == [("text",)], "a type is never changed behind its owner's back"


def test_times_that_stand_as_text_are_read_as_far_as_they_are_times(older: Database) -> None:
    rows = older.store.call("agent_prospect_page")
    silent = {row["id"][-1]: row["silent_days"] for row in rows}
    assert silent["1"] > 300
    assert (silent["2"], silent["3"]) == (None, None)
    scored = [{"contact_id": row["id"], "score": 1, "funnel_stage": "awareness"} for row in rows]
    assert older.store.call("agent_prospect_store", rows=scored)["written"] == 4


def test_a_message_of_any_shape_is_found_in_every_column(
    store: Store, admin: psycopg.Connection
) -> None:
    assert store.call("agent_prospect_page") == []
    admin.execute("insert into crm_messages (body, direction) values ('a', 'outbound')")
    admin.execute("insert into crm_messages (message_text, is_outbound) values ('b', true)")
    admin.execute("insert into crm_messages (body) values ('c')")
    rows = admin.execute(
        "select body, message_text, is_outbound, direction from crm_messages order by body"
    ).fetchall()
    assert rows == [
        ("a", "a", True, "outbound"),
        ("b", "b", True, "outbound"),
        ("c", "c", False, "inbound"),
    ]
