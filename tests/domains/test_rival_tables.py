"""Every agent works on tables with times as text, lists as jsonb and numbers for ids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from actp.cli.agents import abtest, growth, outreach, prospect, remotion, trends, youtube
from actp.domains.sample.writing import make
from actp.settings import SERVICE_SETTINGS
from actp.store.agents import look
from actp.store.migrate import migrate, schema_state
from tests.support.rival_tables import ddl, rival_tables

if TYPE_CHECKING:
    from actp.cli.agents.script import Script
    from simulator.process import SimulatorProcess
    from tests.support.databases import Database

CONTACTS = 60
KINDS = {
    "timestamp with time zone": "text",
    "text[]": "jsonb",
    "integer[]": "jsonb",
}
RUNS: tuple[tuple[Script, str], ...] = (
    (prospect.script, "--score-all"),
    (prospect.script, "--top 10"),
    (prospect.script, "--next-actions"),
    (trends.script, "--trends"),
    (trends.script, "--associations"),
    (outreach.script, "--due"),
    (outreach.script, "--build-queue"),
    (outreach.script, "--send"),
    (outreach.script, "--stats"),
    (youtube.script, "--analyze"),
    (youtube.script, "--resonance"),
    (growth.script, "--research --platform twitter --niche ai_automation"),
    (growth.script, "--research --platform tiktok --niche ai_automation"),
    (growth.script, "--top-creators"),
    (growth.script, "--content-mix"),
    (growth.script, "--gaps"),
    (growth.script, "--optimize --seed 1"),
    (growth.script, "--saturation-check"),
    (growth.script, "--measure"),
    (growth.script, "--dm-schedule"),
    (abtest.script, "--create topic --niche ai_automation --now"),
    (abtest.script, "--checkback"),
    (remotion.script, "--pipeline --platform tiktok"),
    (remotion.script, "--check-jobs"),
    (remotion.script, "--status"),
)
# Tables whose ids nobody else writes down.
NUMBERED = (
    "crm_messages",
    "crm_interactions",
    "actp_prospect_scores",
    "actp_content_performance",
    "youtube_video_stats",
    "actp_platform_associations",
    "actp_cross_platform_trends",
    "actp_platform_research",
    "actp_twitter_research",
    "actp_platform_creators",
)
NUMBER = """
alter table {0} drop column id cascade;
alter table {0} add column id bigint generated always as identity primary key;
"""
# What the agents found out, whatever the types are.
FOUND = """
select jsonb_build_object(
  'scores', (select jsonb_object_agg(c.username, jsonb_build_array(s.score, s.funnel_stage))
               from actp_prospect_scores s join crm_contacts c on c.id = s.contact_id),
  'associations', (select count(*) from actp_platform_associations),
  'messages', (select jsonb_object_agg(c.username, m.message_body)
                 from crm_message_queue m join crm_contacts c on c.id = m.contact_id
                where m.status in ('pending', 'sending')),
  'trends', (select jsonb_object_agg(t.niche, to_jsonb(t.platforms))
               from actp_cross_platform_trends t),
  'posts', (select count(*) from actp_content_performance),
  'creators', (select jsonb_object_agg(k.platform || k.handle || k.niche, to_jsonb(k.offer_match))
                 from actp_platform_creators k),
  'resonance', (select jsonb_object_agg(n.platform || n.niche || n.content_type || n.offer_tag,
                         jsonb_build_array(n.top_hook_patterns, n.top_post_ids, n.avg_views))
                  from actp_niche_resonance n),
  'hours', (select jsonb_object_agg(s.platform, to_jsonb(s.best_hours))
              from actp_posting_schedule s),
  'videos', (select count(*) from actp_gen_jobs), 'tests', (select count(*) from actp_ab_tests))
"""


@pytest.fixture
def rival(unmigrated: Database) -> Database:
    """A migrated database whose shared tables another program made."""
    tables = rival_tables(KINDS)
    with unmigrated.connect() as connection:
        connection.execute(ddl(tables).encode())
    migrate(unmigrated.dsn)
    make(unmigrated.store, CONTACTS)
    with unmigrated.connect() as connection:
        for table in NUMBERED:
            connection.execute(NUMBER.format(table).encode())
    migrate(unmigrated.dsn)
    return unmigrated


def all_runs(
    database: Database, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> dict[str, int]:
    simulator.reset()
    environment = {
        **database.environment,
        **{f"{prefix}_URL": simulator.url(name) for name, prefix in SERVICE_SETTINGS.items()},
        "BLOTATO_API_KEY": "test-only",
        "BLOTATO_API_URL": f"{simulator.url('blotato')}/v2",
        "BLOTATO_POLL_SECONDS": "0.05",
        "REMOTION_URL": simulator.url("remotion"),
        "RESEARCH_POLL_SECONDS": "0.05",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with database.connect() as connection:
        # One of them publishes at once, at whatever hour the test runs.
        connection.execute("update safari_policies set active_from = 0, active_to = 24")
    return {
        f"{script.name} {flags}": script.main([*flags.split(), "--json"]) for script, flags in RUNS
    }


def found(database: Database) -> Any:
    with database.connect() as connection:
        row = connection.execute(FOUND.encode()).fetchone()
    assert row is not None
    return row[0]


def test_every_agent_finds_the_same_on_tables_of_other_types(
    rival: Database,
    database: Database,
    simulator: SimulatorProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert look(rival.store).misfits == ()
    assert len(look(rival.store).fitted) > 60
    assert schema_state(rival.dsn).faults == ()
    codes = all_runs(rival, simulator, monkeypatch)
    assert {run: code for run, code in codes.items() if code} == {}
    make(database.store, CONTACTS)
    assert all_runs(database, simulator, monkeypatch) == codes
    here, there = found(rival), found(database)
    for what in there:
        assert here[what] == there[what], what


SPELLED = """
create table crm_contacts (id uuid primary key default gen_random_uuid(), platform text,
  username text, archived_at text, email_opted_out text);
"""
PEOPLE = """
insert into crm_contacts (platform, username, archived_at, email_opted_out) values
  ('twitter', 'open', null, null), ('twitter', 'not_out', '', 'False'),
  ('twitter', 'archived', 'yes', null), ('twitter', 'archived_then', '2026-01-05', null),
  ('twitter', 'out', null, 'opted out in May'), ('twitter', 'out_too', 'null', 'TRUE');
insert into actp_prospect_scores (contact_id, score) select id, 50 from crm_contacts;
"""


def test_who_is_out_in_other_words_stays_out(unmigrated: Database) -> None:
    with unmigrated.connect() as connection:
        connection.execute(SPELLED.encode())
    migrate(unmigrated.dsn)
    with unmigrated.connect() as connection:
        connection.execute(PEOPLE.encode())
    people = unmigrated.store.call("agent_outreach_prospects")
    assert {person["username"]: person["veto"] for person in people} == {
        "open": None,
        "not_out": None,
        "archived": "archived",
        "archived_then": "archived",
        "out": "opted_out",
        "out_too": "opted_out",
    }


TAGS = (
    "vip, DNC",
    "DNC",
    '["vip", "DNC"]',
    "{vip,DNC}",
    '{"do not contact"}',
    "vip;opted-out",
    "DNC|x",
)


def test_tags_in_one_text_keep_people_from_being_written_to(
    unmigrated: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = rival_tables({})
    tables["crm_contacts"]["tags"] = "text"
    with unmigrated.connect() as connection:
        connection.execute(ddl(tables).encode())
        migrate(unmigrated.dsn)
        for number, tags in enumerate((*TAGS, "vip, warm", "", None)):
            connection.execute(
                "insert into crm_contacts (id, platform, username, tags)"
                " values (gen_random_uuid(), 'twitter', %s, %s)",
                (f"some_person_{number}", tags),
            )
        connection.execute(
            "insert into actp_prospect_scores (contact_id, score, funnel_stage)"
            " select id, 70, 'decision' from crm_contacts"
        )
    for name, value in unmigrated.environment.items():
        monkeypatch.setenv(name, value)
    assert outreach.script.main(["--due", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["due"], answer["held"]) == (3, {"opted_out": len(TAGS)})
