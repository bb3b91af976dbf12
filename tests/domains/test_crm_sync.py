"""Reading inboxes into the CRM: who is met, what is a reply, and what stops then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from actp.domains.crm.syncing import sync, sync_linkedin
from tests.domains.inboxes import service_urls, shows
from tests.domains.people import People

if TYPE_CHECKING:
    import psycopg

    from actp.domains.tools import Tools
    from actp.store import Json
    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools
    from tests.support.databases import Database


@pytest.fixture
def people(admin: psycopg.Connection) -> People:
    return People(admin)


@pytest.fixture
def tools(open_tools: OpenTools, simulator: SimulatorProcess) -> Tools:
    return open_tools(**service_urls(simulator))


def sent(people: People, handle: str, text: str, *, days_ago: int = 1) -> None:
    """Let the queue have sent a message to somebody."""
    people.rows(
        "with q as (insert into safari_command_queue (action, platform, params, status,"
        " completed_at) values ('send_dm', 'twitter', jsonb_build_object('username', %s::text,"
        " 'text', %s::text), 'completed', now() - make_interval(days => %s)) returning id)"
        " insert into safari_command_attempts (command_id, attempt, boot_id, lease_number,"
        " service, recipient, outcome, begun_at) select id, 1, gen_random_uuid(), 1, 'twitter-dm',"
        " %s, 'sent', now() - make_interval(days => %s) from q returning 1",
        handle, text, days_ago, handle, days_ago,
    )  # fmt: skip


def contact(people: People, username: str = "ada") -> dict[str, Any]:
    (row,) = people.rows("select *, id::text from crm_contacts where username = %s", username)
    return row


def heard(people: People) -> list[str]:
    rows = people.rows(
        "select body from crm_messages where direction = 'inbound' order by sent_at, body"
    )
    return [row["body"] for row in rows]


def test_every_inbox_is_read_and_strangers_become_contacts(
    tools: Tools, people: People, simulator: SimulatorProcess
) -> None:
    now = datetime.now(UTC).isoformat()
    hello = {"lastMessage": "Hello", "lastMessageAt": now}
    simulator.play(
        {
            "services": {
                "instagram-dm": {"conversations": [{"username": "ada", "tab": "general", **hello}]},
                "twitter-dm": {"conversations": [{"username": "Bob B\n@bob", **hello}]},
                "tiktok-dm": {"conversations": [{"username": "Cyd C", "lastMessage": "hi there"}]},
                "linkedin-automation": {
                    "conversations": [{"participantName": "Dee D", "lastMessageAt": "Feb 22"}]
                },
            }
        }
    )
    result = sync(tools)
    assert (result["ok"], result["synced"], result["new"], result["replies"]) == (True, 4, 4, 2)
    rows = people.rows(
        "select platform, username, display_name, source, relationship_stage, pipeline_stage,"
        " last_message, last_message_at is not null as is_dated from crm_contacts order by 1"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("instagram", "ada", "ada", "instagram_dm", "cold", "new", "Hello", True),
        ("linkedin", "Dee D", "Dee D", "linkedin_dm", "cold", "new", None, False),
        ("tiktok", "Cyd C", "Cyd C", "tiktok_dm", "cold", "new", "hi there", False),
        ("twitter", "bob", "Bob B", "twitter_dm", "cold", "new", "Hello", True),
    ]
    assert heard(people) == ["Hello", "Hello"]
    assert sync(tools)["new"] == 0
    assert len(people.rows("select from crm_contacts")) == 4
    assert heard(people) == ["Hello", "Hello"]


def test_what_a_person_knows_of_a_contact_stays(
    tools: Tools, people: People, simulator: SimulatorProcess
) -> None:
    people.add("Ada", score=None, relationship_stage="hot", display_name="Countess", source="me")
    shows(simulator, {"username": "ada", "displayName": "A.", "lastMessage": "Hello"})
    sync(tools)
    row = contact(people, "Ada")
    assert (row["relationship_stage"], row["display_name"], row["source"]) == (
        "hot",
        "Countess",
        "me",
    )
    assert len(people.rows("select from crm_contacts")) == 1


def test_undated_message_is_a_reply_only_if_it_is_new(
    tools: Tools, people: People, simulator: SimulatorProcess
) -> None:
    shows(simulator, {"username": "ada", "lastMessage": "An old one"})
    assert sync(tools)["replies"] == 0
    shows(simulator, {"username": "ada", "lastMessage": "A new one"})
    assert sync(tools)["replies"] == 1
    assert sync(tools)["replies"] == 0
    assert heard(people) == ["A new one"]
    row = contact(people)
    assert (row["replies_received"], row["last_message_at"]) == (1, None)
    assert row["last_inbound_at"] is not None
    (noted,) = people.rows("select type, direction, summary from crm_interactions")
    assert tuple(noted.values()) == ("dm_reply", "inbound", "A new one")


def test_what_stands_last_after_a_message_of_ours_is_an_answer(
    tools: Tools, people: People, simulator: SimulatorProcess
) -> None:
    sent(people, "ada", "Hi Ada, what takes most of your time there?")
    shows(simulator, {"username": "ada", "lastMessage": "Who are you?"})
    assert [sync(tools)["replies"] for _ in range(2)] == [1, 0]


def test_the_same_words_on_a_later_day_are_another_reply(
    tools: Tools, people: People, simulator: SimulatorProcess
) -> None:
    for at in ("2026-11-01T10:00:00Z", "2026-11-02T10:00:00Z", "2026-11-01T10:00:00Z"):
        shows(simulator, {"username": "ada", "lastMessage": "ok", "lastMessageAt": at})
        sync(tools)
    assert heard(people) == ["ok", "ok"]


def test_our_own_text_is_no_reply_and_tells_who_a_name_is(
    tools: Tools, people: People, simulator: SimulatorProcess
) -> None:
    sent(people, "ada", "Hi Ada, what takes most of your time there?")
    shows(simulator, {"username": "Ada Lovelace", "lastMessage": "Hi Ada, what takes most of y"})
    assert sync(tools)["replies"] == 0
    row = contact(people)
    assert (row["display_name"], row["twitter_handle"]) == ("Ada Lovelace", "ada")
    (ours,) = people.rows("select body, direction, sent_at < now() - interval '23 hours' as is_old"
                          " from crm_messages")  # fmt: skip
    assert tuple(ours.values()) == ("Hi Ada, what takes most of your time there?", "outbound", True)
    shows(simulator, {"username": "Ada Lovelace", "lastMessage": "Invoices, mostly"})
    assert sync(tools)["replies"] == 1
    assert len(people.rows("select from crm_contacts")) == 1


def test_a_name_that_was_met_before_becomes_the_person_whom_we_wrote_to(
    tools: Tools, people: People, simulator: SimulatorProcess
) -> None:
    people.add("ada", score=None, display_name="A. L.")
    for text in ("Long ago", "Hi Ada, what takes most of y", "Invoices, mostly"):
        shows(simulator, {"username": "Ada Lovelace", "lastMessage": text})
        sync(tools)
        if text == "Long ago":
            sent(people, "ada", "Hi Ada, what takes most of your time there?")
    assert heard(people) == ["Invoices, mostly"]
    assert contact(people)["replies_received"] == 1


def test_a_name_is_never_taken_for_a_handle(
    tools: Tools, people: People, simulator: SimulatorProcess
) -> None:
    shows(simulator, {"username": "Maria", "lastMessage": "Hello there"})
    sync(tools)
    (row,) = people.rows("select agent_outreach_addresses(c) as to from crm_contacts c")
    assert row["to"].get("twitter") != "maria"
    assert contact(people, "name: Maria")["display_name"] == "Maria"


def test_who_asks_for_peace_is_opted_out_once(
    tools: Tools, people: People, simulator: SimulatorProcess
) -> None:
    id_ = people.add("ada")
    message = people.queue(id_)
    shows(simulator, {"username": "ada", "lastMessage": "Please stop messaging me"})
    result = sync(tools)
    assert (result["opted_out"], contact(people)["email_opted_out"]) == (1, True)
    assert people.state(message)[0] == "failed"
    assert people.rows("select recipient from safari_do_not_contact") == [{"recipient": "ada"}]
    people.rows("update crm_contacts set email_opted_out = false returning 1")
    assert sync(tools)["opted_out"] == 0


def test_a_reply_stops_what_was_to_follow(
    tools: Tools, people: People, simulator: SimulatorProcess
) -> None:
    id_ = people.add("ada")
    shows(simulator, {"username": "ada", "lastMessage": "before"})
    sync(tools)
    message = people.queue(id_, scheduled_for="tomorrow")
    shows(simulator, {"username": "ada", "lastMessage": "Tell me more"})
    assert sync(tools)["withdrawn"] == 1
    assert people.state(message) == ("failed", "replied")


def test_one_inbox_that_fails_does_not_keep_the_others_unread(
    tools: Tools, people: People, simulator: SimulatorProcess
) -> None:
    simulator.play(
        {
            "services": {
                "twitter-dm": {"conversations": [{"username": "ada", "lastMessage": "Hello"}]},
            },
            "safari": {"closed": ["tiktok-dm", "tiktok-comments"]},
        }
    )
    simulator.down("instagram-dm")
    result = sync(tools)
    states = {row["platform"]: row["state"] for row in result["rows"]}
    assert states == {
        "instagram": "failed",
        "twitter": "read",
        "tiktok": "failed",
        "linkedin": "read",
    }
    assert (result["ok"], result["synced"]) == (False, 1)
    assert "instagram" in result["error"]
    rows = people.rows(
        "select platform from safari_services where conversations_read_at is not null order by 1"
    )
    assert [row["platform"] for row in rows] == ["linkedin", "twitter"]


def test_a_service_that_nobody_uses_is_passed_over(
    tools: Tools, people: People, simulator: SimulatorProcess
) -> None:
    people.rows(
        "insert into safari_service_health (service_name, port, status, last_healthy_at) values"
        " ('tiktok-dm', 3102, 'down', null),"
        " ('twitter-dm', 3003, 'down', now() - interval '1 hour') returning 1"
    )
    simulator.down("tiktok-dm")
    assert sync(tools)["ok"]
    simulator.down("twitter-dm")
    assert not sync(tools)["ok"]


def test_an_inbox_is_opened_before_it_is_read(tools: Tools, simulator: SimulatorProcess) -> None:
    rule = {"service": "twitter-dm", "behaviour": "server_error", "action": "navigate"}
    simulator.play({"rules": [rule]})
    (row,) = [row for row in sync(tools)["rows"] if row["platform"] == "twitter"]
    assert row["state"] == "failed"


def test_a_dry_run_stores_nothing(
    tools: Tools, people: People, simulator: SimulatorProcess
) -> None:
    shows(simulator, {"username": "ada", "lastMessage": "Hello"})
    assert sync(tools, dry_run=True)["rows"][1]["conversations"] == 1
    assert people.rows("select from crm_contacts") == []


def test_the_same_page_stored_twice_changes_nothing(tools: Tools, people: People) -> None:
    id_ = people.add("ada", score=None)
    page: dict[str, Any] = {
        "platform": "twitter",
        "began_at": datetime.now(UTC).isoformat(),
        "conversations": [
            {"contact_id": id_, "name": "Ada", "text": "Hello", "direction": "inbound",
             "is_unread": True, "at": None},
        ],
    }  # fmt: skip
    first = tools.store.call("agent_crm_hear", **page)
    assert (first, tools.store.call("agent_crm_hear", **page)) == (
        {"contacts": 1, "heard": [id_]},
        {"contacts": 1, "heard": []},
    )
    assert contact(people)["replies_received"] == 1


def test_every_adapter_carries_what_was_read(backend: Database) -> None:
    store, began_at = backend.store, datetime.now(UTC).isoformat()
    person: dict[str, Json] = {
        "key": 0,
        "handle": "ada",
        "name": "Ada",
        "thread": None,
        "text": "Hello",
    }
    (known,) = store.call("agent_crm_meet", platform="twitter", people=[person])
    assert (known["is_new"], known["ours"], known["before"]) == (True, [], None)
    said = {"name": "Ada", "text": "Hello", "direction": "inbound", "at": began_at}
    page = [{"contact_id": known["contact_id"], **said}]
    heard = store.call("agent_crm_hear", platform="twitter", began_at=began_at, conversations=page)
    assert heard == {"contacts": 1, "heard": [known["contact_id"]]}
    assert store.call("agent_crm_read", platform="twitter", began_at=began_at) is None
    assert store.call("agent_crm_stop") == {"withdrawn": 0, "campaigns": []}
    assert store.call("agent_crm_sync_linkedin") == 0


def test_a_date_in_the_future_is_none(tools: Tools, people: People) -> None:
    id_ = people.add("ada", score=None)
    at = datetime.now(UTC) + timedelta(days=300)
    row = {"contact_id": id_, "name": "Ada", "text": "x", "direction": "inbound"}
    tools.store.call(
        "agent_crm_hear",
        platform="twitter",
        began_at=datetime.now(UTC).isoformat(),
        conversations=[{**row, "at": at.isoformat()}],
    )
    assert contact(people)["last_message_at"] is None


def test_a_text_column_of_an_older_crm_is_read_and_written(
    tools: Tools, people: People, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    admin.execute("alter table crm_contacts alter last_message_at type text")
    people.add("ada", score=None, last_message_at="2 days ago")
    shows(simulator, {"username": "ada", "lastMessage": "x", "lastMessageAt": "2026-11-01T10:00Z"})
    assert sync(tools)["ok"]
    assert contact(people)["last_message_at"].startswith("2026-11-01")


def test_a_project_without_the_stage_new_takes_strangers_all_the_same(
    tools: Tools, people: People, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    admin.execute("alter table crm_contacts add check (pipeline_stage in ('first_touch', 'cold'))")
    shows(simulator, {"username": "ada", "lastMessage": "Hello"})
    assert sync(tools)["ok"]
    assert contact(people)["pipeline_stage"] == "first_touch"


def test_prospects_of_linkedin_become_contacts_and_keep_their_score(
    tools: Tools, people: People
) -> None:
    people.rows(
        "insert into linkedin_prospects (full_name, profile_url, stage, fit_score, headline) values"
        " ('Ada L', 'https://linkedin.com/in/Ada-L?x=1', 'connection_sent', 70, 'CTO'),"
        " ('Bob B', 'https://www.linkedin.com/in/bob/', 'not_fit', 90, null),"
        " ('  ', 'https://www.linkedin.com/in/cyd/', 'new', 90, null),"
        " ('Dee D', 'https://example.com/dee', 'new', 90, null) returning 1"
    )
    assert sync_linkedin(tools)["synced_linkedin"] == 1
    row = contact(people, "https://www.linkedin.com/in/ada-l/")
    assert (row["relationship_stage"], row["relationship_score"]) == ("connection_sent", 70)
    people.rows("update crm_contacts set relationship_score = 12, headline = 'Mine' returning 1")
    assert sync_linkedin(tools)["synced_linkedin"] == 1
    row = contact(people, "https://www.linkedin.com/in/ada-l/")
    assert (row["relationship_score"], row["headline"]) == (12, "Mine")
