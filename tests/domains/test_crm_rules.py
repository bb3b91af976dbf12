"""What the CRM brain makes of the answers of services, of texts and of scores."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from actp.domains.crm.conversations import Conversation, read_conversations
from actp.domains.crm.moments import moment
from actp.domains.crm.speaking import Said, last_said
from actp.domains.crm.warmth import Verdict, by_claude, by_rule

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
OURS = ["Hi Ada, your thread on parsing helped me a lot.\nThank you!"]


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-20T09:30:00Z",
        "2026-11-20T10:30:00+01:00",
        " 2026-11-20 09:30:00 ",
        AT.timestamp(),
        round(AT.timestamp() * 1000),
        str(round(AT.timestamp())),
    ],
)
def test_a_time_with_a_date_is_read(value: object) -> None:
    assert moment(value) == AT


@pytest.mark.parametrize(
    "value", ["Feb 22", "2h", "Yesterday", "9:41 AM", "", None, True, 5, "20", [], {}, 1e300]
)
def test_a_time_that_tells_no_date_is_not_known(value: object) -> None:
    assert moment(value) is None


def the_one(platform: str, item: dict[str, Any]) -> Conversation:
    found = read_conversations(platform, {"conversations": [item]})
    assert found is not None
    (conversation,) = found
    return conversation


@pytest.mark.parametrize(
    ("platform", "item", "handle", "name"),
    [
        ("twitter", {"username": "ada_l"}, "ada_l", "ada_l"),
        ("twitter", {"username": "@Ada_L"}, "ada_l", "@Ada_L"),
        ("twitter", {"username": "Ada Lovelace\n@Ada_L"}, "ada_l", "Ada Lovelace"),
        ("twitter", {"username": "Ada Lovelace"}, None, "Ada Lovelace"),
        ("tiktok", {"username": "Ada", "displayName": "Ada"}, None, "Ada"),
        ("twitter", {"handle": "ada", "displayName": "Ada L"}, "ada", "Ada L"),
        ("instagram", {"name": "Ada", "profileUrl": "https://instagram.com/ada/"}, "ada", "Ada"),
        ("instagram", {"user": {"username": "ada"}}, "ada", "ada"),
        ("linkedin", {"participantName": "Ada L", "conversationId": "2-x"}, None, "Ada L"),
        (
            "linkedin",
            {"participantName": "Ada L", "profileUrl": "https://linkedin.com/in/Ada-L?x=1"},
            "https://www.linkedin.com/in/ada-l/",
            "Ada L",
        ),
    ],
)
def test_a_handle_is_told_from_a_name(
    platform: str, item: dict[str, Any], handle: str | None, name: str
) -> None:
    found = the_one(platform, item)
    assert (found.handle, found.name) == (handle, name)


@pytest.mark.parametrize(
    "item",
    [
        {"lastMessage": "Hello", "lastMessageAt": "2026-11-20T09:30:00Z", "unread": True},
        {"snippet": "Hello", "timestamp": AT.timestamp(), "unreadCount": 2},
        {"lastMessage": {"text": "Hello", "timestamp": "2026-11-20T09:30:00Z"}, "isUnread": True},
    ],
)
def test_the_last_message_is_found_under_each_of_its_names(item: dict[str, Any]) -> None:
    found = the_one("twitter", {"username": "ada", **item})
    assert (found.text, found.at, found.is_unread) == ("Hello", AT, True)


def test_the_tabs_of_instagram_are_one_list_and_nobody_is_in_it_twice() -> None:
    tabs = {
        "primary": [{"username": "ada", "lastMessage": "new"}, {"lastMessage": "by nobody"}],
        "requests": [{"username": "bob"}, {"username": "ada", "lastMessage": "old"}, "?"],
        "hidden_requests": None,
    }
    found = read_conversations("instagram", {"conversations": tabs, "totalCount": 3})
    assert found is not None
    assert [(each.handle, each.text) for each in found] == [("ada", "new"), ("bob", None)]


@pytest.mark.parametrize("said", [None, "x", {}, {"error": "no"}, {"conversations": "x"}, 5])
def test_an_answer_without_a_list_is_no_empty_inbox(said: object) -> None:
    assert read_conversations("twitter", said) is None
    assert read_conversations("twitter", {"conversations": []}) == []


def test_groups_are_left_out_and_an_id_that_all_have_is_none() -> None:
    items = [
        {"participantName": "Ada, Bob and 2 others"},
        {"participantName": "Ada L", "conversationId": "view_message"},
        {"participantName": "Bob B", "conversationId": "view_message"},
        {"participantName": "Cyd C", "conversationId": "2-abc"},
        {"participantName": "Team", "isGroup": True},
    ]
    found = read_conversations("linkedin", items)
    assert found is not None
    assert [(each.name, each.thread) for each in found] == [
        ("Ada L", None),
        ("Bob B", None),
        ("Cyd C", "2-abc"),
    ]


CUT = "Hi Ada, your thread on par"
STOP = "Please stop messaging me"


@pytest.mark.parametrize(
    ("shown", "more", "said"),
    [
        ("Sounds good!", {}, Said("Sounds good!", "inbound")),
        ("Sounds good! · 2h", {}, Said("Sounds good!", "inbound")),
        ("Ada: sounds good", {}, Said("sounds good", "inbound")),
        (STOP, {}, Said(STOP, "inbound", wants_peace=True)),
        (f"{CUT}…", {}, Said(f"{CUT}…", "outbound", is_recorded=True)),
        (f"You: {STOP}", {}, Said(STOP, "outbound")),
        (f"Du: {STOP}", {}, Said(STOP, "outbound")),
        (f"Vous : {STOP}", {}, Said(STOP, "outbound")),
        (f"あなた\uff1a{STOP}", {}, Said(STOP, "outbound")),
        ("You sent a photo", {}, Said("a photo", "outbound")),
        ("You sent me this twice", {}, Said("You sent me this twice", "inbound")),
        ("Du weißt: Freitag", {}, Said("Du weißt: Freitag", "inbound")),
        ("by hand", {"is_ours": True}, Said("by hand", "outbound")),
        (CUT, {"is_ours": False}, Said(CUT, "inbound")),
        (CUT, {"is_unread": True}, Said(CUT, "outbound", is_recorded=True, is_doubtful=True)),
        ("2 new messages", {}, Said(None, "inbound")),
        ("Active 2h ago", {}, Said(None, None)),
        ("Seen 2h ago", {}, Said(None, None)),
        ("Sent yesterday", {}, Said(None, None)),
        ("Friday", {}, Said("Friday", "inbound")),
        ("today", {}, Said("today", "inbound")),
        ("now", {}, Said("now", "inbound")),
        ("2d", {}, Said("2d", "inbound")),
        ("Seen it, great", {}, Said("Seen it, great", "inbound")),
        ("Active listener here, tell me", {}, Said("Active listener here, tell me", "inbound")),
        ("Liked a message", {}, Said(None, None)),
        ("Ada liked your message.", {}, Said(None, None)),
        ('Reacted ❤️ to your message: "Hi"', {}, Said(None, None)),
        ("Reacted 🖕 to your message", {}, Said("Reacted 🖕 to your message", "inbound")),
        ("Reacted to your story", {}, Said(None, None)),
        ("You reacted 😂 to their message", {}, Said(None, None)),
        ("Ada unsent a message", {}, Said(None, None)),
        ("You unsent a message.", {}, Said(None, None)),
        ("This message was deleted", {}, Said(None, None)),
        ("You can now message and call each other", {}, Said(None, None)),
        ("Ada accepted your message request", {}, Said(None, None)),
        ("ada is typing…", {}, Said(None, None)),
        ("Seen by Ada", {}, Said(None, None)),
        ("Seen on Friday", {}, Said(None, None)),
        ("Draft: Hello", {}, Said(None, None)),
        ("You sent a post by @bob", {}, Said("a post by @bob", "outbound")),
        ("You replied to their story", {}, Said("replied to their story", "outbound")),
        ("Replied to your story: nice", {}, Said("Replied to your story: nice", "inbound")),
        ("Ada sent a voice message.", {}, Said("Ada sent a voice message.", "inbound")),
        ("I liked your message", {}, Said("I liked your message", "inbound")),
        ("@ada", {}, Said(None, None)),
        (None, {}, Said(None, None)),
        (None, {"is_unread": True}, Said(None, None, is_doubtful=True)),
    ],
)
def test_who_said_the_last_thing(shown: str | None, more: dict[str, Any], said: Said) -> None:
    assert last_said(Conversation("ada", "Ada", shown, **more), OURS) == said


def test_who_wrote_first_is_theirs_where_we_sent_nothing() -> None:
    assert last_said(Conversation("ada", "Ada", OURS[0]), []).direction == "inbound"


@pytest.mark.parametrize(
    ("funnel", "messages", "stage"),
    [(0, 0, "cold"), (31, 0, "warm"), (90, 0, "warm"), (5, 1, "engaged"), (65, 1, "hot")],
)
def test_the_rule_takes_the_funnel_for_the_relation(funnel: int, messages: int, stage: str) -> None:
    warmth = by_rule(funnel, 40, has_replied=messages > 0)
    assert (warmth.score, warmth.stage, warmth.offer_readiness) == (funnel, stage, 40)


def test_who_never_answered_is_not_hot_whatever_claude_says() -> None:
    verdict = Verdict(
        score=90, stage="hot", offer_readiness=80, summary="A\nb\0" + "x" * 900, next_action=" "
    )
    warmth = by_claude(verdict, has_replied=False)
    assert (warmth.stage, warmth.next_action) == ("warm", None)
    assert warmth.summary is not None
    assert warmth.summary.startswith("A bx")
    assert len(warmth.summary) == 600
    assert by_claude(verdict, has_replied=True).stage == "hot"
