"""What is known of a person on any platform or row reaches their targets in every campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest

from actp.errors import NotFound
from tests.support.campaigns import Campaigns

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store


@pytest.fixture
def campaigns(store: Store, admin: psycopg.Connection) -> Campaigns:
    return Campaigns(store, admin)


def two_campaigns(campaigns: Campaigns) -> tuple[str, str]:
    """Return campaigns on two platforms to one person, whose rows are joined afterwards."""
    ids = (
        campaigns.create("comment_warmup", "ada"),
        campaigns.create("dm_sequence", "ada_ig", platform="instagram"),
    )
    campaigns.admin.execute(
        "insert into crm_contacts (platform, username, email) values"
        " ('twitter', 'ada', 'ada@kiln.example'), ('instagram', 'ada_ig', 'ada@kiln.example'),"
        " ('twitter', 'bob', null)"
    )
    campaigns.create("comment_warmup", "bob")
    return ids


def states(campaigns: Campaigns) -> dict[str, str]:
    rows = campaigns.admin.execute("select handle, state from safari_campaign_targets").fetchall()
    return dict(rows)


def holds(campaigns: Campaigns) -> dict[str, str | None]:
    rows = campaigns.admin.execute("select handle, hold from safari_campaign_targets").fetchall()
    return dict(rows)


REPLIES: dict[str, LiteralString] = {
    "a message on one platform": "insert into crm_messages (contact_id, platform, body, direction)"
    " select id, 'instagram', 'Who is this?', 'inbound' from crm_contacts"
    " where username = 'ada_ig'",
    "a message by its address": "insert into crm_messages (platform, username, body, direction)"
    " values ('twitter', '@Ada', 'Who is this?', 'inbound')",
    "a mail": "insert into crm_messages (contact_id, platform, body, direction)"
    " select id, 'gmail', 'Please stop', 'inbound' from crm_contacts where username = 'ada'",
    "an interaction": "insert into crm_interactions (contact_id, type, summary, direction)"
    " select id, 'message', 'Please stop', 'inbound' from crm_contacts where username = 'ada_ig'",
    "an interaction without a direction": "insert into crm_interactions (contact_id, type, summary)"
    " select id, 'dm_reply', 'Hm' from crm_contacts where username = 'ada'",
    "an outcome": "insert into crm_interactions (contact_id, type, direction, outcome)"
    " select id, 'dm', 'outbound', 'replied' from crm_contacts where username = 'ada'",
    "a conversation": "insert into crm_conversations (contact_id, platform, last_message,"
    " last_reply_at) select id, 'instagram', 'Yes?', now() from crm_contacts"
    " where username = 'ada_ig'",
}


@pytest.mark.parametrize("reply", REPLIES)
def test_a_reply_anywhere_ends_every_campaign_to_the_person(
    campaigns: Campaigns, reply: str
) -> None:
    two_campaigns(campaigns)
    campaigns.move()
    assert states(campaigns) == {"ada": "warmup", "ada_ig": "warmup", "bob": "warmup"}
    campaigns.admin.execute(REPLIES[reply])
    campaigns.move()
    assert states(campaigns) == {"ada": "replied", "ada_ig": "replied", "bob": "warmup"}


def test_what_merely_opened_or_liked_something_is_no_reply(campaigns: Campaigns) -> None:
    two_campaigns(campaigns)
    campaigns.admin.execute(
        "insert into crm_interactions (contact_id, type, direction)"
        " select id, 'email_opened', 'inbound' from crm_contacts"
    )
    campaigns.move()
    assert set(states(campaigns).values()) == {"warmup"}


def test_a_reply_that_somebody_saw_ends_every_campaign_to_the_person(campaigns: Campaigns) -> None:
    two_campaigns(campaigns)
    stopped = campaigns.store.call("safari_campaign_replied", handle="ada_ig", platform="instagram")
    assert {target["handle"] for target in stopped} == {"ada", "ada_ig"}
    assert campaigns.store.call("safari_campaign_replied", handle="ada") == []
    with pytest.raises(NotFound, match="no campaign is under way to cyd"):
        campaigns.store.call("safari_campaign_replied", handle="cyd")


def test_a_step_that_begin_refused_as_answered_ends_the_other_campaigns(
    campaigns: Campaigns,
) -> None:
    two_campaigns(campaigns)
    campaigns.admin.execute(
        "update safari_command_queue set status = 'failed', reason = 'replied'"
        " where person = 'ada' and hold is null"
    )
    campaigns.move()
    assert states(campaigns) == {"ada": "replied", "ada_ig": "replied", "bob": "warmup"}


FORBIDDEN: dict[str, LiteralString] = {
    "the list": "insert into safari_do_not_contact (platform, recipient)"
    " values ('instagram', '@Ada_IG')",
    "a note": "alter table crm_contacts add notes text;"
    " update crm_contacts set notes = 'Asked us to stop' where username = 'ada_ig'",
    "a tag": "update crm_contacts set tags = '{do_not_contact}' where username = 'ada'",
}


@pytest.mark.parametrize("by", FORBIDDEN)
def test_who_may_not_be_contacted_leaves_every_campaign(campaigns: Campaigns, by: str) -> None:
    two_campaigns(campaigns)
    campaigns.admin.execute(FORBIDDEN[by])
    campaigns.move()
    assert states(campaigns) == {"ada": "cancelled", "ada_ig": "cancelled", "bob": "warmup"}


def test_a_doubtful_note_holds_every_campaign_until_somebody_has_looked(
    campaigns: Campaigns,
) -> None:
    first, second = two_campaigns(campaigns)
    campaigns.admin.execute(
        "alter table crm_contacts add notes text;"
        " update crm_contacts set notes = 'was annoyed in May' where username = 'ada'"
    )
    campaigns.move()
    why = "maybe_replied: their last words or a note need a look: bin/inbox"
    assert holds(campaigns) == {"ada": why, "ada_ig": why, "bob": None}
    assert {row["hold"] for row in campaigns.rows(first) + campaigns.rows(second)} == {"campaign"}
    for handle in ("ada", "ada_ig"):
        campaigns.store.call("safari_campaign_go_on", handle=handle)
    campaigns.move()
    campaigns.move()
    assert set(holds(campaigns).values()) == {None}
    assert [row["hold"] for row in campaigns.rows(first)] == [None, "campaign", "campaign"]
    assert begun_again(campaigns)["verdict"] == "granted"


def begun_again(campaigns: Campaigns) -> dict[str, object]:
    """Begin the step to ada that is next, whatever it waited for."""
    campaigns.admin.execute(
        "update safari_command_queue set scheduled_for = null, next_retry_at = null"
        " where hold is null"
    )
    rows = campaigns.claim(10, ("twitter-comments",))
    (row,) = (row for row in rows if row["params"]["handle"] == "ada")
    return campaigns.begin(row, "https://x.com/ada/status/1")


def test_a_doubtful_note_keeps_a_step_back_before_the_campaign_looks(campaigns: Campaigns) -> None:
    two_campaigns(campaigns)
    campaigns.admin.execute(
        "update crm_contacts set tags = '{was annoyed in May}' where username = 'ada_ig'"
    )
    begun = begun_again(campaigns)
    assert (begun["verdict"], begun["reason"], begun["seconds"]) == ("wait", "needs_look", 60)
    # Not a failed step, which would end the campaign to them.
    assert states(campaigns)["ada"] == "warmup"
    contact = campaigns.admin.execute("select contact_id from actp_inbox").fetchone()
    assert contact is not None
    campaigns.store.call("agent_inbox_done", contact_id=str(contact[0]))
    assert begun_again(campaigns)["verdict"] == "granted"
