"""Whose turn it is, from whatever stores the conversation, and the inbox that shows it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.types.json import Jsonb

from actp.domains.outreach.due import list_due
from actp.domains.outreach.hearing import hear
from actp.domains.outreach.queueing import build_queue
from actp.domains.outreach.sending import send
from actp.errors import InvalidInput, NotFound, WrongState
from tests.domains.people import People, command_of
from tests.store.life import Life

if TYPE_CHECKING:
    import psycopg

    from actp.domains.tools import Tools
    from actp.store.protocol import Store


@pytest.fixture
def people(admin: psycopg.Connection) -> People:
    return People(admin)


@pytest.fixture
def life(store: Store) -> Life:
    return Life(store)


def waiting(store: Store) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = store.call("agent_inbox")["rows"]
    return rows


def held(tools: Tools) -> dict[str, int]:
    return dict(list_due(tools)["held"])


STORED_BY = {
    "our sync": "insert into crm_messages (contact_id, platform, direction, body, sent_at)"
    " values (%(id)s, 'twitter', 'inbound', %(text)s, now() - interval '3 days')",
    "a mail importer": "insert into crm_messages (contact_id, platform, is_outbound, message_text,"
    " message_type, sent_at) values (%(id)s, 'gmail', false, %(text)s, 'email',"
    " now() - interval '3 days')",
    "a message without a contact": "insert into crm_messages (platform, username, body, sent_at)"
    " select 'Twitter', '@ADA', %(text)s, now() - interval '3 days' from crm_contacts"
    " where id = %(id)s",
    "a message from a profile's address": "insert into crm_messages (platform, username, body,"
    " sent_at) select 'x', 'https://mobile.twitter.com/Ada?s=20', %(text)s,"
    " now() - interval '3 days' from crm_contacts where id = %(id)s",
    "an inbox harvester": "insert into crm_conversations (contact_id, platform, last_message,"
    " last_message_at, unread_count) values (%(id)s, 'twitter', %(text)s,"
    " now() - interval '3 days', 1)",
    "a harvester that dates replies": "insert into crm_conversations (contact_id, platform,"
    " last_message, last_reply_at) values (%(id)s, 'twitter', %(text)s, now() - interval '3 days')",
    "a log of interactions": "insert into crm_interactions (contact_id, type, summary, occurred_at)"
    " values (%(id)s, 'email_reply', %(text)s, now() - interval '3 days')",
    "the contact's own row": "update crm_contacts set last_message = %(text)s,"
    " last_inbound_at = now() - interval '3 days' where id = %(id)s",
}


@pytest.mark.parametrize("writer", STORED_BY)
def test_a_question_waits_for_us_whoever_stored_it(
    tools: Tools, people: People, admin: psycopg.Connection, writer: str
) -> None:
    ada = people.add("ada", email="ada@x.example")
    people.hears(ada, direction="outbound", body="Hi Ada", hours_ago=24 * 5)
    admin.execute(STORED_BY[writer].encode(), {"id": ada, "text": "Yes! What does it cost?"})
    assert held(tools) == {"waits_for_us": 1}
    (row,) = waiting(tools.store)
    assert (row["contact_id"], row["words"]) == (ada, "Yes! What does it cost?")


@pytest.mark.parametrize("writer", STORED_BY)
def test_a_request_to_stop_is_followed_whoever_stored_it(
    tools: Tools, people: People, admin: psycopg.Connection, writer: str
) -> None:
    ada = people.add("ada")
    admin.execute(STORED_BY[writer].encode(), {"id": ada, "text": "Proszę przestać."})
    people.hears(ada, direction="outbound", body="Hi Ada", hours_ago=50)
    assert held(tools) == {"asked_to_stop": 1}
    assert build_queue(tools)["queued"] == 0
    assert held(tools) == {"opted_out": 1}
    assert people.rows("select platform, recipient from safari_do_not_contact") == [
        {"platform": "twitter", "recipient": "ada"}
    ]


def test_a_message_stored_before_its_contact_waits_in_the_inbox(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into crm_messages (platform, username, body) values"
        " ('Instagram', 'https://www.instagram.com/Ada.L/', 'What does it cost?'),"
        " ('twitter', '@BobB', 'And this?')"
    )
    ada = people.add("@ada.l", platform="instagram")
    bob = people.add("bob_ig", platform="instagram")
    admin.execute("update crm_contacts set twitter_handle = 'bobb' where id = %s", (bob,))
    hear(tools.store)
    assert {row["contact_id"]: row["words"] for row in waiting(tools.store)} == {
        ada: "What does it cost?",
        bob: "And this?",
    }
    assert held(tools) == {"waits_for_us": 2}


def test_first_contact_reads_the_whole_history_and_counts_what_it_changed(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    names = ("stops", "asks", "doubts", "thanks", "silent")
    stops, asks, doubts, thanks, _ = (people.add(name) for name in names)
    # Thirty newer messages must not hide the request to stop.
    people.hears(stops, body="please stop messaging me", hours_ago=9000)
    for number in range(30):
        people.hears(stops, body=f"ok {number}", hours_ago=8000 - number)
    people.hears(asks, body="What does it cost?", hours_ago=2000)
    for contact, words in ((doubts, "Wrong person, I think"), (thanks, "Thanks!")):
        people.hears(contact, body=words, hours_ago=3000)
        people.hears(contact, body="Hi again", direction="outbound", hours_ago=1000)
    admin.execute("update actp_inbox set unheard = true, alerted_at = null")
    admin.execute("delete from safari_alerts")
    heard = hear(tools.store)
    assert (heard.conversations, heard.opted_out, heard.to_look_at, heard.waiting) == (4, 1, 1, 1)
    assert hear(tools.store).conversations == 0
    assert held(tools) == {"opted_out": 1, "waits_for_us": 1, "needs_look": 1}
    reasons = {row["name"]: row["reason"] for row in waiting(tools.store)}
    assert reasons == {"asks": "waits", "doubts": "look"}
    # What is older than two days is counted, not reported one by one.
    assert people.rows("select key from safari_alerts") == []


def test_a_new_reply_is_reported_once_with_their_words_and_a_link(
    tools: Tools, people: People
) -> None:
    ada = people.add("ada", display_name="Ada L")
    for _ in range(2):
        people.hears(ada, body="Yes! What does it cost?", message_id=None)
    hear(tools.store)
    alerts = people.rows("select kind, detail from safari_alerts")
    assert {alert["kind"] for alert in alerts} == {"reply"}
    detail = alerts[0]["detail"]
    assert detail["words"] == "Yes! What does it cost?"
    assert (detail["link"], detail["score"]) == ("https://x.com/ada", 80)
    count = len(alerts)
    hear(tools.store)
    build_queue(tools)
    assert len(people.rows("select key from safari_alerts")) == count


def test_large_import_is_stored_and_reported_later(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    contacts = [people.add(f"p{number}") for number in range(60)]
    admin.execute(
        "insert into crm_messages (contact_id, platform, direction, body)"
        " select unnest(%s::uuid[]), 'twitter', 'inbound', 'Tell me more'",
        (contacts,),
    )
    assert people.rows("select key from safari_alerts") == []
    assert hear(tools.store).waiting == 60
    assert len(people.rows("select key from safari_alerts where kind = 'reply'")) == 60


def test_an_answer_goes_through_the_queue_and_ends_the_waiting(
    tools: Tools, people: People, life: Life
) -> None:
    store = tools.store
    ada = people.add("ada")
    people.hears(ada, body="What does it cost?", hours_ago=1)
    answer = store.call("agent_inbox_reply", contact_id=ada, text="100 a month.", key="k")
    again = store.call("agent_inbox_reply", contact_id=ada, text="100 a month.", key="k")
    assert (answer["id"], answer["created"], again["created"]) == (again["id"], True, False)
    (row,) = waiting(store)
    assert row["answer"] == "pending"
    hear(store)
    life.claim()
    life.begin(answer["id"])
    life.finish(answer["id"], "sent")
    assert waiting(store) == []
    assert held(tools) == {"cooldown": 1}


def test_dismissed_and_snoozed_conversations(tools: Tools, people: People) -> None:
    store = tools.store
    ada, bob = people.add("ada"), people.add("bob")
    people.hears(ada, body="Nice one", hours_ago=5)
    people.hears(bob, body="Call me in January", hours_ago=4)
    assert [row["name"] for row in waiting(store)] == ["ada", "bob"]
    store.call("agent_inbox_snooze", contact_id=bob, seconds=3600)
    assert [row["name"] for row in waiting(store)] == ["ada"]
    inbox = store.call("agent_inbox", with_snoozed=True)
    assert (inbox["waiting"], inbox["snoozed"], len(inbox["rows"])) == (1, 1, 2)
    store.call("agent_inbox_done", contact_id=ada)
    assert waiting(store) == []
    assert held(tools) == {"waits_for_us": 1}
    people.hears(ada, body="Are you there?", hours_ago=-0.01)
    assert [row["name"] for row in waiting(store)] == ["ada"]


def test_who_wrote_at_our_own_moment_waits_for_us(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into crm_messages (contact_id, platform, direction, body, sent_at)"
        " select %s, 'twitter', d, 'Hello, ' || d, date_trunc('day', now()) - interval '9 days'"
        "   from unnest(array['inbound', 'outbound']) d",
        (people.add("ada"),),
    )
    assert held(tools) == {"waits_for_us": 1}


def test_receipts_reactions_and_our_own_messages_are_no_replies(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    stored: dict[str, dict[str, Any]] = {
        "reacts": {"message_type": "reaction", "body": "\u2764\ufe0f", "direction": "inbound"},
        "saw": {"message_type": "seen", "body": "", "is_outbound": False},
        "unsent": {"message_type": "system", "body": "Message deleted", "direction": "inbound"},
        "automated": {"body": "Following up", "sent_by_automation": True},
        "ours": {"body": "Following up", "sender": "me"},
        "theirs": {"body": "Following up?", "sender": "them"},
        "story": {"message_type": "story_reply", "body": "Nice!", "direction": "inbound"},
        "liked": {"body": "Liked a message", "direction": "inbound"},
        "heart": {"body": "\u2764\ufe0f", "direction": "inbound"},
    }
    for name, message in stored.items():
        contact = people.add(name)
        people.hears(contact, direction="outbound", body="Hello", hours_ago=480)
        values = {"contact_id": contact, "platform": "twitter", **message}
        admin.execute(
            "insert into crm_messages (contact_id, platform, body, direction, is_outbound, sender,"
            " message_type, sent_by_automation, sent_at)"
            " select contact_id, platform, body, direction, is_outbound, sender,"
            " coalesce(message_type, 'dm'), coalesce(sent_by_automation, false),"
            " now() - interval '5 days' from jsonb_populate_record(null::crm_messages, %s)",
            (Jsonb(values),),
        )
    assert {row["name"] for row in waiting(tools.store)} == {"theirs", "story"}


def test_reports_of_a_site_are_told_from_answers(admin: psycopg.Connection) -> None:
    said = tomllib.loads(Path(__file__).with_name("acts.toml").read_text(encoding="utf-8"))
    judged = {
        kind: admin.execute(
            "select t from unnest(%s::text[]) t where agent_is_act(t) <> %s", (said[kind], is_act)
        ).fetchall()
        for kind, is_act in (("acts", True), ("answers", False))
    }
    assert judged == {"acts": [], "answers": []}


def test_a_message_dated_in_the_future_is_as_old_as_its_row(tools: Tools, people: People) -> None:
    ada, bob = people.add("ada"), people.add("bob")
    people.hears(ada, body="What does it cost?", hours_ago=-3)
    hear(tools.store)
    tools.store.call("agent_inbox_done", contact_id=ada)
    hear(tools.store)
    assert waiting(tools.store) == []
    assert len(people.rows("select key from safari_alerts where kind = 'reply'")) == 1
    people.hears(bob, direction="outbound", body="Hi Bob", hours_ago=-3)
    people.hears(bob, body="Tell me more")
    assert [row["name"] for row in waiting(tools.store)] == ["bob"]


def test_a_waiting_person_is_not_written_to_at_the_hand_over(tools: Tools, people: People) -> None:
    ada = people.add("ada")
    message = people.queue(ada)
    people.hears(ada, platform="instagram", body="Who told you that?", hours_ago=30)
    assert send(tools)["failed"] == 1
    assert people.state(message) == ("failed", "replied")


def test_tags_are_kept_in_either_kind_of_column(
    store: Store, people: People, admin: psycopg.Connection
) -> None:
    ada = people.add("ada", tags=["vip"])
    assert store.call("agent_inbox_tag", contact_id=ada, added=["customer"])["tags"] == [
        "vip",
        "customer",
    ]
    admin.execute("alter table crm_contacts alter tags drop default")
    admin.execute("alter table crm_contacts alter tags type jsonb using to_jsonb(tags)")
    answer = store.call("agent_inbox_tag", contact_id=ada, added=["late"], removed=["vip"])
    assert answer["tags"] == ["customer", "late"]


def test_a_person_is_found_by_id_handle_or_profile(store: Store, people: People) -> None:
    ada = people.add("ada", linkedin_url="https://linkedin.com/in/Ada-L")
    links = ("https://www.linkedin.com/in/ada-l/", "https://x.com/ada/with_replies?s=20")
    for who in (ada[:8], "@Ada", *links):
        assert store.call("agent_inbox_find", who=who) == ada
    with pytest.raises(NotFound):
        store.call("agent_inbox_find", who="nobody")
    people.add("ADA", platform="instagram")
    with pytest.raises(InvalidInput):
        store.call("agent_inbox_find", who="ada")


def test_who_cannot_be_answered_through_the_queue_is_named(store: Store, people: People) -> None:
    ada = people.add("ada", platform="threads")
    with pytest.raises(WrongState, match="answer there by hand"):
        store.call("agent_inbox_reply", contact_id=ada, text="Hi", key="k")


def test_a_reply_takes_back_what_was_queued(tools: Tools, people: People) -> None:
    ada = people.add("ada")
    message = people.queue(ada)
    send(tools)
    people.hears(ada, body="Who is it?", hours_ago=-0.01)
    assert hear(tools.store).withdrawn == 1
    assert people.state(message) == ("failed", "replied")
    assert command_of(people, message)


def test_begin_refuses_a_message_to_somebody_who_wrote_meanwhile(
    tools: Tools, people: People, life: Life
) -> None:
    ada = people.add("ada")
    message = people.queue(ada)
    send(tools)
    life.claim()
    people.hears(ada, platform="instagram", body="Who told you that?", hours_ago=-0.01)
    begun = life.begin(command_of(people, message))
    assert (begun["verdict"], begun["reason"]) == ("refused", "replied")
    assert people.state(message)[0] == "failed"
    # An operator's own answer goes out.
    answer = tools.store.call("agent_inbox_reply", contact_id=ada, text="A friend.", key="k")
    hear(tools.store)
    life.claim()
    assert life.begin(answer["id"])["verdict"] == "granted"
