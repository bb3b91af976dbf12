"""A message's way through the command queue and back, on a database."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, LiteralString
from uuid import uuid4

import psycopg
import pytest

from actp.cli.agents.outreach import script
from actp.domains.outreach.due import list_due
from actp.domains.outreach.sending import send
from actp.errors import WrongState
from tests.domains.people import People, command_of, handed
from tests.store.life import Life

if TYPE_CHECKING:
    from actp.domains.tools import Tools
    from actp.store.protocol import Json, Store
    from tests.domains.conftest import RunScript
    from tests.support.databases import Database


@pytest.fixture
def people(admin: psycopg.Connection) -> People:
    return People(admin)


@pytest.fixture
def life(store: Store) -> Life:
    return Life(store)


def test_a_due_message_becomes_a_command_under_its_own_key(tools: Tools, people: People) -> None:
    contact = people.add("@Ada")
    message = people.queue(contact, priority=1)
    later = people.queue(
        people.add("bob"), scheduled_for=people.rows("select now() + '1 hour' as at")[0]["at"]
    )
    result = send(tools)
    assert (result["handed"], result["failed"], result["interrupted"]) == (1, 0, 0)
    (command,) = people.rows("select *, id::text as id from safari_command_queue")
    assert command["idempotency_key"] == message
    assert (command["action"], command["platform"], command["priority"]) == (
        "send_dm",
        "twitter",
        5,
    )
    assert command["params"]["username"] == "ada"
    assert command["params"]["text"] == people.message(message)["message_body"]
    assert people.state(message) == ("sending", None)
    assert people.state(later) == ("pending", None)
    assert send(tools)["handed"] == 0
    assert len(people.rows("select from safari_command_queue")) == 1


def test_a_message_that_is_late_waits_for_the_hour_of_its_reader(
    tools: Tools, people: People
) -> None:
    (now,) = people.rows(
        "select date_trunc('hour', now()) as at, extract(hour from now() at time zone 'utc')::int"
        " as hour"
    )
    late = people.queue(people.add("ada"), reader_hour=(now["hour"] + 5) % 24)
    timely = people.queue(people.add("bob"), reader_hour=now["hour"])
    anybody = people.queue(people.add("cyd"))
    assert send(tools)["handed"] == 3
    commands = people.rows(
        "select idempotency_key, scheduled_for, expires_at from safari_command_queue"
    )
    at = {row["idempotency_key"]: row["scheduled_for"] for row in commands}
    assert at[late] in {now["at"] + timedelta(hours=hours) for hours in (5, 6)}
    assert (at[timely], at[anybody]) == (None, None)
    assert all(
        row["expires_at"] - (row["scheduled_for"] or now["at"]) >= timedelta(days=1)
        for row in commands
    )


def test_linkedin_gets_a_profile_and_mail_and_threads_wait(tools: Tools, people: People) -> None:
    url = "https://www.linkedin.com/in/ada/"
    contact = people.add("ada", platform="linkedin", linkedin_url=url)
    people.queue(contact, platform="linkedin")
    people.queue(contact, platform="gmail")
    people.queue(contact, platform="threads")
    assert send(tools)["handed"] == 1
    (command,) = people.rows("select params from safari_command_queue")
    assert command["params"]["profileUrl"] == url
    assert sorted(row["status"] for row in people.messages()) == ["pending", "pending", "sending"]


@pytest.mark.parametrize("spelling", ["X", "Twitter/X", "x.com", " TWITTER "])
def test_a_platform_may_be_spelled_otherwise(
    tools: Tools, people: People, life: Life, spelling: str
) -> None:
    message = people.queue(people.add("ada"), platform=spelling)
    assert send(tools)["handed"] == 1
    life.end(command_of(people, message), "sent")
    assert people.state(message)[0] == "sent"
    (noted,) = people.rows("select platform from crm_interactions")
    assert noted["platform"] == "twitter"


def test_messages_of_other_writers_come_last(tools: Tools, people: People) -> None:
    for name, priority, kind in (
        ("ada", 9, "offer"),
        ("bob", 2, "outreach"),
        ("cyd", 0, "nurture"),
    ):
        people.queue(people.add(name), priority=priority, message_type=kind)
    assert send(tools, limit=1)["rows"][0]["address"] == "bob"
    assert [row["priority"] for row in send(tools)["rows"]] == [3, 3]


def test_a_sent_command_settles_message_interaction_and_next_touch(
    tools: Tools, people: People, life: Life
) -> None:
    contact = people.add(messages_sent=4)
    message, command = handed(tools, people, contact)
    life.end(command, "sent")
    row = people.message(message)
    assert (row["status"], row["error_message"], row["attempts"]) == ("sent", None, 1)
    (told,) = people.rows("select * from crm_interactions")
    assert str(told["queue_id"]) == message
    assert (told["type"], told["direction"], told["platform"]) == ("dm", "outbound", "twitter")
    (person,) = people.rows("select * from crm_contacts")
    assert (person["messages_sent"], person["total_messages_sent"]) == (5, 1)
    assert person["last_outbound_at"] == row["sent_at"]
    (score,) = people.rows("select next_touch_at from actp_prospect_scores")
    assert score["next_touch_at"] - row["sent_at"] == timedelta(days=2)
    assert dict(list_due(tools)["held"]) == {"cooldown": 1}


def test_what_is_told_twice_counts_once(
    tools: Tools, people: People, life: Life, admin: psycopg.Connection
) -> None:
    contact = people.add()
    message, command = handed(tools, people, contact)
    life.end(command, "sent")
    life.finish(command, "sent")
    admin.execute("update safari_command_queue set status = 'pending' where id = %s", (command,))
    admin.execute("update safari_command_queue set status = 'completed' where id = %s", (command,))
    assert people.state(message) == ("sent", None)
    assert len(people.rows("select from crm_interactions")) == 1
    assert people.rows("select messages_sent as n from crm_contacts") == [{"n": 1}]


def test_a_refused_command_fails_its_message_and_a_retry_opens_it_again(
    tools: Tools, people: People, life: Life, store: Store
) -> None:
    message, command = handed(tools, people, people.add())
    life.end(command, "rejected", reason="not_found", error="no such user")
    assert people.state(message) == ("failed", "no such user")
    store.call("safari_retry", id=command)
    assert people.state(message) == ("sending", None)
    life.end(command, "sent")
    assert people.state(message) == ("sent", None)


def test_a_command_that_waits_or_is_tried_again_leaves_its_message_open(
    tools: Tools, people: People, life: Life
) -> None:
    message, command = handed(tools, people, people.add())
    life.end(command, "retry", error="not reached")
    assert life.state(command) == ("pending", None)
    assert people.state(message) == ("sending", None)


@pytest.mark.parametrize(("verdict", "status"), [("sent", "sent"), ("not-sent", "failed")])
def test_an_unknown_outcome_stays_open_until_somebody_settles_it(
    tools: Tools, people: People, life: Life, verdict: str, status: str
) -> None:
    contact = people.add()
    message, command = handed(tools, people, contact)
    life.end(command, "unknown", error="no answer")
    open_status, why = people.state(message)
    assert open_status == "sending"
    assert f"settle command {command}" in str(why)
    with pytest.raises(psycopg.errors.UniqueViolation):
        people.queue(contact)
    assert dict(list_due(tools)["held"]) == {"open": 1}
    life.store.call("safari_resolve", id=command, verdict=verdict)
    assert people.message(message)["status"] == status
    assert len(people.rows("select from crm_interactions")) == (status == "sent")


def test_a_late_answer_settles_an_unknown_outcome(tools: Tools, people: People, life: Life) -> None:
    message, command = handed(tools, people, people.add())
    life.end(command, "unknown", error="no answer")
    life.finish(command, "sent")
    assert people.state(message) == ("sent", None)


def test_a_cancelled_command_fails_its_message(tools: Tools, people: People, store: Store) -> None:
    message, command = handed(tools, people, people.add())
    store.call("safari_cancel", id=command)
    assert people.state(message) == ("failed", "cancelled")


def test_a_message_set_back_by_hand_is_never_sent_twice(
    tools: Tools, people: People, life: Life, admin: psycopg.Connection
) -> None:
    message, command = handed(tools, people, people.add())
    life.end(command, "sent")
    admin.execute("update crm_message_queue set status = 'pending' where id = %s", (message,))
    assert send(tools)["handed"] == 1
    assert people.state(message) == ("sent", None)
    assert len(people.rows("select from safari_command_queue")) == 1
    assert len(people.rows("select from crm_interactions")) == 1


def test_what_an_older_sender_left_on_its_way_is_never_sent_again(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    stuck = people.queue(people.add("ada"), status="sending")
    fresh = people.queue(people.add("bob"), status="sending")
    message, command = handed(tools, people, people.add("cyd"))
    admin.execute(
        "update crm_message_queue set created_at = now() - interval '11 minutes',"
        " updated_at = updated_at - interval '11 minutes' where id <> %s",
        (fresh,),
    )
    assert send(tools)["interrupted"] == 1
    assert people.state(stuck) == ("failed", "interrupted")
    assert people.state(fresh) == ("sending", None)
    assert people.state(message) == ("sending", None)
    admin.execute("delete from safari_command_queue where id = %s", (command,))
    assert send(tools)["interrupted"] == 1
    assert people.state(message) == ("failed", "interrupted")


def test_messages_that_must_not_go_any_more_fail_with_the_reason(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    opted_out = people.queue(people.add("ada", email_opted_out=True))
    archived = people.queue(people.add("bob", archived_at="2026-01-01"))
    nowhere = people.queue(people.add("cyd", platform="threads"))
    nobody = people.queue(None)
    answered_by = people.add("dee")
    answered = people.queue(answered_by)
    people.hears(answered_by)
    again_to = people.add("eve", platform="tiktok")
    first = people.queue(again_to, platform="tiktok")
    admin.execute("update crm_message_queue set status = 'sent' where id = %s", (first,))
    again = people.queue(again_to, platform="tiktok")
    preview = send(tools, dry_run=True)
    assert (preview["handed"], preview["failed"]) == (0, 6)
    assert people.state(again) == ("pending", None)
    sent = send(tools)
    assert (sent["failed"], sent["heard"]["withdrawn"]) == (5, 1)
    assert {people.state(id_)[1] for id_ in (opted_out, archived, nowhere, nobody)} == {
        "opted_out",
        "archived",
        "no address on twitter",
        "nobody to send it to",
    }
    assert people.state(answered) == ("failed", "replied")
    assert people.state(again) == ("failed", "tiktok takes one message a person, ever")
    assert people.rows("select from safari_command_queue") == []


@pytest.mark.parametrize(
    "change",
    [
        "update crm_contacts set username = 'ada_new', email_opted_out = true",
        "delete from crm_contacts",
    ],
)
def test_an_address_that_the_contact_no_longer_has_gets_no_message(
    tools: Tools, people: People, life: Life, admin: psycopg.Connection, change: LiteralString
) -> None:
    _, command = handed(tools, people, people.add("ada"))
    people.add("bob")
    admin.execute(change + " where username = 'ada'")
    admin.execute("update crm_contacts set twitter_handle = 'ada' where username = 'bob'")
    life.claim()
    begun = life.begin(command)
    assert (begun["verdict"], begun["reason"]) == ("refused", "validation")
    (row,) = people.rows("select error from safari_command_queue")
    assert row["error"].startswith("ada is not, or no longer, an address of the contact")


def test_a_message_is_not_sent_after_one_that_was_written_by_hand_meanwhile(
    tools: Tools, people: People, life: Life
) -> None:
    ada, bob = people.add("ada"), people.add("bob")
    commands = [handed(tools, people, contact)[1] for contact in (ada, bob)]
    people.hears(ada, direction="outbound", body="Shall we talk tomorrow?", hours_ago=47)
    people.hears(bob, direction="outbound", body="Shall we talk tomorrow?", hours_ago=49)
    life.claim()
    verdicts = [life.begin(command) for command in commands]
    assert [(each["verdict"], each.get("reason")) for each in verdicts] == [
        ("refused", "cooldown"), ("granted", None),
    ]  # fmt: skip


def test_an_old_failure_is_not_tried_again_beside_a_new_message(
    tools: Tools, people: People, life: Life, store: Store, admin: psycopg.Connection
) -> None:
    admin.execute("update safari_settings set value = '0' where key = 'retry_limit'")
    contact = people.add()
    old, old_command = handed(tools, people, contact)
    life.end(old_command, "retry", error="not reached")
    assert life.state(old_command) == ("failed", "retries_exhausted")
    new, new_command = handed(tools, people, contact)
    assert life.state(old_command) == ("failed", "superseded")
    assert store.call("safari_retry_failed") == {"requeued": 0}
    with pytest.raises(WrongState, match="another message to the same person is under way"):
        store.call("safari_retry", id=old_command)
    life.end(new_command, "rejected", error="no")
    waiting = people.queue(contact)
    store.call("safari_retry", id=old_command)
    assert people.state(old) == ("sending", None)
    assert people.state(new) == ("failed", "no")
    assert people.state(waiting) == ("failed", "an earlier message is tried again")


def test_a_crm_that_refuses_a_row_does_not_lose_the_result(
    tools: Tools, people: People, life: Life, admin: psycopg.Connection
) -> None:
    message, command = handed(tools, people, people.add())
    admin.execute("alter table crm_interactions add check (type <> 'dm')")
    life.end(command, "sent")
    assert life.state(command) == ("completed", None)
    assert people.state(message) == ("sending", None)
    (alert,) = people.rows("select detail from safari_alerts where kind = 'agent_error'")
    assert command in alert["detail"]["error"]


def test_two_senders_at_once_hand_over_each_message_once(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    ids = [people.queue(people.add(f"ada{number}")) for number in range(6)]
    with psycopg.connect(admin.info.dsn, password=admin.info.password) as other:
        other.execute("select agent_outreach_send(2)")
        assert send(tools)["handed"] == 4
    assert send(tools)["handed"] == 0
    assert {people.state(id_)[0] for id_ in ids} == {"sending"}
    assert len(people.rows("select from safari_command_queue")) == 6


def test_the_statistics_tell_sent_answered_and_why_not(
    tools: Tools, people: People, life: Life, run_script: RunScript
) -> None:
    contact = people.add("ada")
    _, command = handed(tools, people, contact)
    life.end(command, "sent")
    people.hears(contact)
    _, refused = handed(tools, people, people.add("bob"))
    life.end(refused, "rejected", error="no such user")
    code, stats = run_script(script, "--stats")
    figures = {name: stats[name] for name in ("queued", "sent", "answered", "failed", "open")}
    assert (code, figures) == (
        0,
        {"queued": 2, "sent": 1, "answered": 1, "failed": 1, "open": 0},
    )
    assert stats["failures"] == [{"why": "no such user", "messages": 1}]


def test_every_adapter_carries_a_message_there_and_back(backend: Database) -> None:
    with backend.connect() as connection:
        people, life = People(connection), Life(backend.store)
        contact = people.add("ada", platform="twitter")
        (row,) = backend.store.call(
            "agent_outreach_prospects", after=None, row_limit=10, min_score=0
        )
        assert (row["contact_id"], row["addresses"]) == (contact, {"twitter": "ada"})
        after = row["id"]
        assert backend.store.call("agent_outreach_prospects", after=after, row_limit=10) == []
        message: Json = {
            "id": str(uuid4()),
            "contact_id": contact,
            "platform": "twitter",
            "message_body": "Hi",
            "message_type": "outreach",
            "scheduled_for": "2026-01-01T00:00:00+00:00",
            "priority": 1,
        }
        stored = backend.store.call("agent_outreach_queue", messages=[message])
        assert backend.store.call("agent_outreach_queue", messages=[message]) == stored
        assert backend.store.call("agent_outreach_send", row_limit=10)["handed"] == 1
        life.end(command_of(people, stored[0]), "sent")
        assert people.state(stored[0]) == ("sent", None)
        assert backend.store.call("agent_outreach_stats", days=30)["sent"] == 1
        answer = backend.store.call("agent_outreach_replied", contact_ids=[contact])
        assert answer == {"withdrawn": 0, "campaigns": []}
        assert backend.store.call("agent_outreach_opt_out", contact_ids=[contact])["opted_out"] == 1
