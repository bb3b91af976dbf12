"""Contacts that somebody else wrote: one with odd times keeps no other from its score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.cli.agents.prospect import script

if TYPE_CHECKING:
    import psycopg

    from tests.domains.conftest import RunScript


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC"])
def test_contact_with_an_impossible_time_is_scored(
    run_script: RunScript, admin: psycopg.Connection, moment: str
) -> None:
    admin.execute(
        "insert into crm_contacts (platform, username, last_inbound_at, last_outbound_at)"
        " values ('twitter', 'odd', %s, %s), ('twitter', 'ada', now(), null)",
        (moment, moment),
    )
    admin.execute(
        "insert into crm_messages (contact_id, platform, body, sent_at)"
        " select id, 'twitter', 'Hello', %s from crm_contacts where username = 'odd'",
        (moment,),
    )
    code, _ = run_script(script, "--score-all")
    assert code == 0
    assert admin.execute("select count(*) from actp_prospect_scores").fetchone() == (2,)


OURS = ("outbound", "Outbound", "outgoing", "OUT", "sent", "out-bound", "from_me")
THEIRS = ("inbound", "Inbound", "incoming", "IN", "received", "from them", "to_me")


@pytest.mark.parametrize("had_a_trigger", [True, False])
def test_the_direction_of_a_message_is_read_in_any_word(
    run_script: RunScript, admin: psycopg.Connection, *, had_a_trigger: bool
) -> None:
    """Messages that were stored before the trigger was there are read as they stand."""
    with admin.transaction():
        if not had_a_trigger:
            admin.execute("alter table crm_messages disable trigger agent_reconcile_message")
        for person, words in (("ours", OURS), ("theirs", THEIRS)):
            admin.execute(
                "insert into crm_contacts (platform, username) values ('twitter', %s)", (person,)
            )
            for word in words:
                admin.execute(
                    "insert into crm_messages (contact_id, platform, body, direction, sent_at)"
                    " select id, 'twitter', 'Hello', %s, now() from crm_contacts"
                    " where username = %s",
                    (word, person),
                )
        admin.execute("alter table crm_messages enable trigger agent_reconcile_message")
    run_script(script, "--score-all")
    found = admin.execute(
        "select c.username, s.score_breakdown from actp_prospect_scores s"
        " join crm_contacts c on c.id = s.contact_id order by 1"
    ).fetchall()
    assert found == [("ours", {}), ("theirs", {"dm_replied": 15, "dm_replies": 5 * len(THEIRS)})]
    waiting = "select c.username from actp_inbox b join crm_contacts c on c.id = b.contact_id"
    assert admin.execute(waiting).fetchall() == [("theirs",)]


def test_mail_that_we_sent_is_no_reply(run_script: RunScript, admin: psycopg.Connection) -> None:
    admin.execute("insert into crm_contacts (platform, username) values ('twitter', 'ada')")
    admin.execute(
        "insert into crm_interactions (contact_id, type, platform, direction, occurred_at)"
        " select id, 'Email', 'twitter', 'Outbound', now() from crm_contacts"
    )
    run_script(script, "--score-all")
    assert admin.execute("select score_breakdown from actp_prospect_scores").fetchone() == ({},)


HOT = """
with c as (
  insert into crm_contacts (platform, username, display_name, bio, icp_score, email_opted_out,
                            pipeline_stage, tags, twitter_handle)
  select 'X', username, username, 'founder automation', 100, opted_out, stage, tags, twitter
    from (values ('ada', false, 'new', '{}'::text[], null), ('@Ada', false, 'new', '{}', null),
                 ('gone', true, 'new', '{}', null), ('buyer', false, 'closed_won', '{}', null),
                 ('peace', false, 'new', '{DNC}', null), ('blocked', false, 'new', '{}', null))
         p (username, opted_out, stage, tags, twitter)
  returning id
)
insert into crm_messages (contact_id, platform, body, direction, sent_at)
  select c.id, 'twitter', 'What does it cost?', 'inbound', now() - make_interval(days => n)
    from c, generate_series(1, 7) n
"""


def test_lists_name_each_person_once_and_only_whom_to_write_to(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    admin.execute("insert into safari_do_not_contact (platform, recipient) values ('X', 'blocked')")
    admin.execute(HOT)
    _, result = run_script(script, "--score-all")
    assert (result["scored"], result["new_decision"], result["research_ready"]) == (6, 1, 1)
    for flag in ("--top", "--next-actions", "--research-ready"):
        _, listed = run_script(script, flag)
        assert [row["username"].lower().lstrip("@") for row in listed["rows"]] == ["ada"], flag
    alert = "select detail -> 'count' from safari_alerts where kind = 'new_decision_prospects'"
    assert admin.execute(alert).fetchall() == [(1,)]
