"""A person who answers, or asks to be left alone, gets nothing more of what was queued before."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from actp.domains.outreach.due import list_due
from actp.domains.outreach.sending import send
from tests.domains.people import People, command_of, handed
from tests.store.life import Life

if TYPE_CHECKING:
    import psycopg

    from actp.domains.tools import Tools
    from actp.store.protocol import Json, Store


@pytest.fixture
def people(admin: psycopg.Connection) -> People:
    return People(admin)


@pytest.fixture
def life(store: Store) -> Life:
    return Life(store)


def test_a_reply_takes_back_what_has_not_gone(
    tools: Tools, people: People, life: Life, store: Store, admin: psycopg.Connection
) -> None:
    contacts = [people.add(name) for name in ("ada", "bob", "cyd", "dee")]
    pending, on_its_way, elsewhere, gone = (
        people.queue(contact, platform=platform)
        for contact, platform in zip(
            contacts, ("twitter", "twitter", "gmail", "twitter"), strict=True
        )
    )
    admin.execute(
        "update crm_message_queue set scheduled_for = now() + interval '1 day' where id = %s",
        (pending,),
    )
    send(tools)
    life.claim()
    life.begin(command_of(people, gone))
    for contact in contacts:
        people.hears(contact)
    answer = store.call("agent_outreach_replied", contact_ids=contacts)
    assert answer == {"withdrawn": 2, "campaigns": []}
    assert people.state(pending) == ("failed", "replied")
    assert people.state(on_its_way) == ("failed", "replied")
    assert life.state(command_of(people, on_its_way)) == ("cancelled", "replied")
    assert people.state(elsewhere) == ("pending", None)
    assert people.state(gone) == ("sending", None)
    assert store.call("agent_outreach_replied", contact_ids=contacts)["withdrawn"] == 0
    life.finish(command_of(people, gone), "sent")
    assert people.state(gone) == ("sent", None)


def test_an_older_message_of_theirs_takes_nothing_back(people: People, store: Store) -> None:
    contact = people.add()
    people.hears(contact, hours_ago=1)
    message = people.queue(contact)
    assert store.call("agent_outreach_replied", contact_ids=[contact])["withdrawn"] == 0
    assert people.state(message) == ("pending", None)


def test_a_reply_stops_running_campaigns(people: People, store: Store) -> None:
    contact = people.add("Ada")
    target: Json = {
        "id": str(uuid4()),
        "handle": "ada",
        "state": "dm_sent",
        "step": "dm_1",
        "data": {},
    }
    store.call(
        "safari_campaign_create",
        campaign_id="c1",
        campaign_type="dm_sequence",
        platform="twitter",
        total_tasks=1,
        targets=[target],
        commands=[],
    )
    people.hears(contact, hours_ago=1)
    assert store.call("agent_outreach_replied", contact_ids=[contact])["campaigns"] == []
    people.hears(contact, body="Yes!")
    (stopped,) = store.call("agent_outreach_replied", contact_ids=[contact])["campaigns"]
    assert (stopped["campaign_id"], stopped["handle"]) == ("c1", "ada")
    assert people.rows("select state from safari_campaign_targets") == [{"state": "replied"}]


def test_opting_out_ends_everything_everywhere(
    tools: Tools, people: People, life: Life, store: Store
) -> None:
    contact = people.add(
        "@Ada", instagram_handle="ada.l", linkedin_url="https://linkedin.com/in/Ada-L"
    )
    message, command = handed(tools, people, contact)
    answer = store.call("agent_outreach_opt_out", contact_ids=[contact])
    assert answer == {"opted_out": 1, "withdrawn": 1, "campaigns": []}
    assert people.state(message) == ("failed", "opted_out")
    assert life.state(command)[0] == "cancelled"
    blocked = people.rows("select platform, recipient from safari_do_not_contact order by 1")
    assert [tuple(row.values()) for row in blocked] == [
        ("instagram", "ada.l"),
        ("linkedin", "ada-l"),
        ("twitter", "ada"),
    ]
    assert dict(list_due(tools)["held"]) == {"opted_out": 1}
    assert store.call("agent_outreach_opt_out", contact_ids=[contact])["opted_out"] == 0
