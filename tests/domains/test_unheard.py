"""What a person wrote is judged before any command to them is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest

from actp.domains.outreach.hearing import hear, hear_these
from actp.store.schema import MIGRATIONS
from tests.domains.people import People
from tests.domains.test_inbox import STORED_BY
from tests.store.life import Life

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store

STOP = "Bitte schreiben Sie mir nicht mehr"


@pytest.fixture
def people(admin: psycopg.Connection) -> People:
    return People(admin)


@pytest.fixture
def life(store: Store) -> Life:
    return Life(store)


def begun(life: Life, *, hears: bool = True) -> dict[str, object]:
    """Begin a message to ada as a cloud agent would insert it."""
    command = life.enqueue("ada")
    life.claim()
    return life.begin(command, hears=hears)


def judged(life: Life, store: Store) -> tuple[object, object]:
    """Begin, judge what is unheard, begin again, and return the verdict and the reason."""
    command = life.enqueue("ada")
    life.claim()
    first = life.begin(command)
    assert first["verdict"] == "unheard"
    hear_these(store, first["contacts"])
    second = life.begin(command)
    return second["verdict"], second.get("reason")


@pytest.mark.parametrize("writer", STORED_BY)
def test_a_request_to_stop_is_heard_before_a_command(
    life: Life, people: People, admin: psycopg.Connection, store: Store, writer: str
) -> None:
    ada = people.add("ada")
    admin.execute(STORED_BY[writer].encode(), {"id": ada, "text": STOP})
    assert judged(life, store) == ("refused", "do_not_contact")


def test_interactions_are_heard_in_whatever_words_they_stand(
    life: Life, people: People, admin: psycopg.Connection, store: Store
) -> None:
    life.limit(100)
    replies = (
        ("DM_Reply", None), ("dm", "Inbound"), ("dm", "incoming"), ("replied", None),
        ("email_received", None), ("response", None),
    )  # fmt: skip
    notes = (("note", None), ("Call", "outbound"), ("email_unsubscribed", "inbound"))
    for number, (kind, direction) in enumerate((*replies, *notes)):
        name = f"ada{number}"
        admin.execute(
            "insert into crm_interactions (contact_id, type, direction, summary)"
            " values (%s, %s, %s, %s)",
            (people.add(name), kind, direction, STOP),
        )
        command = life.enqueue(name)
        life.claim()
        begun = life.begin(command)
        assert begun["verdict"] == "unheard", kind
        hear_these(store, begun["contacts"])
        assert life.begin(command)["reason"] == "do_not_contact", kind
    # What we wrote down is judged, and is no answer; nor is our own.
    for kind, direction in (*notes, ("dm_reply", "outbound"), ("email_read", "inbound")):
        asked = admin.execute("select agent_is_reply(%s, %s)", (kind, direction))
        assert asked.fetchone() == (False,), kind


def test_other_words_do_not_keep_a_command_back(life: Life, people: People, store: Store) -> None:
    people.hears(people.add("ada"), body="What does it cost?")
    assert judged(life, store) == ("granted", None)
    assert begun(life)["verdict"] == "granted"


def test_a_worker_of_an_older_release_waits_until_somebody_heard(
    life: Life, people: People, store: Store
) -> None:
    people.hears(people.add("ada"), body=STOP)
    answer = begun(life, hears=False)
    assert (answer["verdict"], answer["reason"]) == ("wait", "unheard")
    hear(store)
    assert begun(life, hears=False)["reason"] == "do_not_contact"


UNLINKED: dict[str, LiteralString] = {
    "a handle": "insert into crm_messages (platform, username, body, direction)"
    " values ('X', '@Ada', %s, 'inbound')",
    "a page": "insert into crm_messages (platform, username, message_text, is_outbound)"
    " values ('twitter', 'https://x.com/ADA', %s, false)",
}


@pytest.mark.parametrize("writer", UNLINKED)
@pytest.mark.parametrize("known", ["known to the queue", "a stranger"])
def test_words_of_somebody_the_crm_does_not_know_are_heard(
    life: Life, admin: psycopg.Connection, store: Store, writer: str, known: str
) -> None:
    if known == "known to the queue":
        life.enqueue_and_send()
    admin.execute(UNLINKED[writer], (STOP,))
    assert judged(life, store) == ("refused", "do_not_contact")


REFUSALS: dict[str, LiteralString] = {
    "a rule": "alter table crm_contacts add check (source = 'import')",
    "a column that must be filled": "alter table crm_contacts add owner text not null",
    "a trigger": "create function refuse() returns trigger language plpgsql as"
    " $$ begin raise exception 'only imports'; end $$;"
    " create trigger refuse before insert on crm_contacts for each row execute function refuse()",
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_words_of_somebody_whom_the_crm_refuses_are_heard(
    life: Life, admin: psycopg.Connection, store: Store, refusal: str
) -> None:
    admin.execute(REFUSALS[refusal])
    life.enqueue_and_send()
    admin.execute(UNLINKED["a handle"], ("What does it cost?",))
    assert judged(life, store) == ("granted", None)
    assert begun(life)["verdict"] == "granted"  # heard once
    admin.execute(UNLINKED["a page"], (STOP,))
    assert judged(life, store) == ("refused", "do_not_contact")
    (listed,) = store.call("safari_contacts")
    assert (listed["platform"], listed["recipient"]) == ("twitter", "ada")
    assert STOP in listed["note"]


def test_an_unlinked_answer_to_our_message_stands_in_the_inbox(
    life: Life, admin: psycopg.Connection, store: Store
) -> None:
    life.enqueue_and_send()
    admin.execute(UNLINKED["a handle"], ("Tell me more",))
    (row,) = store.call("agent_inbox")["rows"]
    assert (row["address"], row["words"]) == ("ada", "Tell me more")


CHANGES: dict[str, LiteralString] = {
    "its text": "update crm_messages set body = %(text)s, message_text = %(text)s",
    "its contact": "update crm_messages set contact_id = %(id)s, body = %(text)s,"
    " message_text = %(text)s",
    "its direction": "update crm_messages set direction = 'inbound', is_outbound = false,"
    " body = %(text)s, message_text = %(text)s",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_message_that_is_changed_later_is_heard_again(
    life: Life, people: People, admin: psycopg.Connection, store: Store, change: str
) -> None:
    ada = people.add("ada")
    owner = None if change == "its contact" else ada
    direction = "outbound" if change == "its direction" else "inbound"
    admin.execute(
        "insert into crm_messages (contact_id, platform, body, direction)"
        " values (%s, 'twitter', 'Hello', %s)",
        (owner, direction),
    )
    hear(store)
    admin.execute(CHANGES[change], {"id": ada, "text": STOP})
    assert judged(life, store) == ("refused", "do_not_contact")


def test_a_message_that_names_only_its_conversation_is_heard(
    life: Life, people: People, admin: psycopg.Connection, store: Store
) -> None:
    ada = people.add("ada")
    admin.execute(
        "with talk as (insert into crm_conversations (contact_id, platform)"
        " values (%s, 'twitter') returning id)"
        " insert into crm_messages (conversation_id, platform, body)"
        " select id, 'twitter', %s from talk",
        (ada, STOP),
    )
    assert judged(life, store) == ("refused", "do_not_contact")


def test_an_outcome_says_what_became_of_a_message(
    life: Life, people: People, admin: psycopg.Connection, store: Store
) -> None:
    life.limit(100)
    outcomes = {
        "replied": ("refused", "replied"),
        "Positive reply": ("refused", "replied"),
        "not_interested": ("refused", "do_not_contact"),
        "no_reply": ("granted", None),
        "sent": ("granted", None),
        "awaiting response": ("granted", None),
    }
    for number, outcome in enumerate(outcomes):
        admin.execute(
            "insert into crm_interactions (contact_id, type, direction, outcome, occurred_at)"
            " values (%s, 'dm', 'outbound', %s, now() - interval '9 days')",
            (people.add(f"ada{number}"), outcome),
        )

    def automatic(name: str) -> tuple[object, object]:
        command = life.enqueue(name, batch_id="outreach")
        life.claim()
        answer = life.begin(command, person=name)
        if answer["verdict"] == "unheard":
            hear_these(store, answer["contacts"])
            answer = life.begin(command, person=name)
        return answer["verdict"], answer.get("reason")

    found = {outcome: automatic(f"ada{number}") for number, outcome in enumerate(outcomes)}
    assert found == outcomes
    # What we sent after their answer is ours to wait for.
    admin.execute("update crm_contacts set last_outbound_at = now() - interval '8 days'")
    assert automatic("ada0") == ("granted", None)


def test_a_question_of_unknown_origin_waits_for_a_look(
    people: People, admin: psycopg.Connection, store: Store
) -> None:
    texts = {
        "asks": "What does it cost?",
        "asks_in_german": "Hallo, was kostet das denn?",
        "ours": "Hi! What are you working on these days?",
        "answered": "How much is it?",
        "stored_twice": "How does it work?",
    }
    ids = {name: people.add(name, last_message=text) for name, text in texts.items()}
    for number in range(4):
        people.add(f"template{number}", last_message="How much does a slot cost you?")
    admin.execute(
        "update crm_contacts set last_message_at = now() - interval '2 days',"
        " last_outbound_at = now() - interval '1 day' where id = %s",
        (ids["answered"],),
    )
    people.hears(ids["stored_twice"], body=texts["stored_twice"], hours_ago=50)
    people.hears(ids["stored_twice"], direction="outbound", body="Like this", hours_ago=40)
    hear(store)
    held = people.rows("select contact_id::text as id from actp_inbox where look_at is not null")
    assert {row["id"] for row in held} == {ids["asks"], ids["asks_in_german"]}


def test_mail_by_hand_is_listed_for_nobody_who_must_not_get_it(
    people: People, admin: psycopg.Connection, store: Store
) -> None:
    ids = {
        name: people.add(name, email=f"{name}@kiln.example")
        for name in ("fine", "listed", "mailed", "twin", "waits", "unclear")
    }
    for id_ in ids.values():
        people.queue(id_, platform="gmail")
    admin.execute(
        "insert into safari_do_not_contact (platform, recipient)"
        " values ('twitter', 'listed'), ('gmail', 'mailed@kiln.example')"
    )
    people.add("other", platform="tiktok", email="twin@kiln.example", email_opted_out=True)
    people.hears(ids["waits"], platform="instagram", body="And what then?")
    store.call("agent_inbox_tag", contact_id=ids["unclear"], added=["was annoyed"])
    listed = store.call("agent_outreach_emails")
    assert [row["contact_id"] for row in listed] == [ids["fine"]]


def test_words_that_an_earlier_release_judged_are_judged_anew(
    life: Life, people: People, admin: psycopg.Connection, store: Store
) -> None:
    ada = people.add("ada")
    people.hears(ada, body=STOP, hours_ago=900)
    admin.execute("update actp_inbox set unheard = false")
    assert begun(life)["verdict"] == "granted"
    admin.execute((MIGRATIONS / "20261129233000_words_judged_by_frames.sql").read_bytes())
    assert hear(store).opted_out == 1


def test_the_end_of_a_long_message_is_heard(people: People, store: Store) -> None:
    story = "We tried three tools last year, and none of them kept up. " * 60
    people.hears(people.add("ada"), body=f"{story}Please remove me from your list.")
    people.hears(people.add("bob"), body=f"Please remove me from your list. {story}")
    people.hears(people.add("cyd"), body=story)
    assert hear(store).opted_out == 2
