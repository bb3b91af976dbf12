"""Sample conversations, messages, emails and interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actp.domains.sample.chance import MARK, dice, sample_id
from actp.domains.sample.words import OURS, THEIRS, THEIRS_KEEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.domains.sample.chance import Moment, Row
    from actp.domains.sample.people import Account

__all__ = ["UNLINKED_EVERY", "talk_with"]

COLD: Final = 0.25
WARM: Final = 0.6
HOT: Final = 0.85
# So many of our messages found nobody.
LOST: Final = 0.04
# Of every so many accounts the messages name no contact, as one of the writers leaves them.
UNLINKED_EVERY: Final = 40
_ASSOCIATED_EVERY: Final = 9


def talk_with(who: Account, moment: Moment) -> Iterator[tuple[str, Row]]:
    """Yield the rows about one account, each with its table."""
    if who.is_bot or who.is_sparse or not who.is_first:
        return
    messages = list(_messages(who, moment))
    if messages:
        last = messages[-1]
        replies = [message for message in messages if not message["is_outbound"]]
        yield (
            "crm_conversations",
            {
                "id": sample_id("conversation", who.number),
                "contact_id": who.id,
                "platform": who.platform,
                "platform_thread_id": f"{MARK}-{who.number}",
                "last_message": last["body"],
                "last_message_preview": last["body"][:200],
                "last_message_at": last["sent_at"],
                "last_reply_at": replies[-1]["sent_at"] if replies else None,
                "reply_count": len(replies),
                "unread_count": int(not last["is_outbound"]),
                "created_at": messages[0]["sent_at"],
                "updated_at": last["sent_at"],
            },
        )
    for message in messages:
        yield "crm_messages", message
        if message["is_outbound"] and message["contact_id"]:
            yield "crm_message_queue", _queued(who, message)
    for interaction in _interactions(who, moment):
        yield "crm_interactions", interaction
    if who.number % _ASSOCIATED_EVERY == 0:
        yield "actp_platform_associations", _association(who, moment)


def _messages(who: Account, moment: Moment) -> Iterator[Row]:
    roll = dice("messages", who.number)
    if who.warmth < COLD and roll.random() < 0.6:
        return
    replies = 0 if who.warmth < COLD else round(who.warmth**2 * 5 + roll.random())
    days = 1 + (1 - who.warmth) * 40 * roll.random()
    for number in range(2 * replies + 1):
        is_outbound = number % 2 == 0
        keen = THEIRS_KEEN if who.warmth > WARM else THEIRS
        words = OURS if is_outbound else keen
        body = words[(who.person + number) % len(words)].format(name=who.name.split()[0])
        days_ago = int(days + (2 * replies - number) * 1.5)
        is_linked = who.number % UNLINKED_EVERY != 0
        yield {
            "id": sample_id("message", who.number, number),
            "contact_id": who.id if is_linked else None,
            "conversation_id": sample_id("conversation", who.number) if is_linked else None,
            "platform": who.platform,
            "username": who.username,
            "message_id": f"{MARK}-{who.number}-{number}",
            "body": body,
            "message_text": body,
            "is_outbound": is_outbound,
            "direction": "outbound" if is_outbound else "inbound",
            "message_type": "dm",
            "sender": None if is_outbound else who.username,
            "sent_by_automation": is_outbound,
            "sent_at": moment.at(days_ago, 9 if is_outbound else who.active_hour, number),
        }


def _queued(who: Account, message: Row) -> Row:
    """Return the message of outreach that one of our messages was."""
    number = int(message["message_id"].rpartition("-")[2])
    is_lost = dice("queued", who.number, number).random() < LOST
    return {
        "id": sample_id("queued", who.number, number),
        "contact_id": who.id,
        "platform": who.platform,
        "message_body": message["body"],
        "message_type": "outreach" if number == 0 else "follow_up",
        "priority": 1 if who.warmth > HOT else 2 if who.warmth > WARM else 3,
        "ai_reasoning": "made up",
        "status": "failed" if is_lost else "sent",
        "error_message": "made up: recipient" if is_lost else None,
        "scheduled_for": message["sent_at"],
        "sent_at": None if is_lost else message["sent_at"],
        "created_at": message["sent_at"],
        "updated_at": message["sent_at"],
    }


def _interactions(who: Account, moment: Moment) -> Iterator[Row]:
    roll = dice("interactions", who.number)
    kinds: list[tuple[str, str, str]] = []
    if who.person % 3 == 0 and who.warmth > COLD:
        kinds.append(("email", "email", "outbound"))
        if roll.random() < 0.7:
            kinds.append(("email_open", "email", "inbound"))
        if who.warmth > HOT:
            kinds.append(("email_reply", "email", "inbound"))
    if who.platform == "twitter" and who.warmth > WARM:
        kinds.append((roll.choice(("like", "retweet", "mention")), "twitter", "inbound"))
    for number, (kind, platform, direction) in enumerate(kinds):
        at = moment.ago(days=roll.uniform(1, 30) / (number + 1))
        yield {
            "id": sample_id("interaction", who.number, number),
            "contact_id": who.id,
            "type": kind,
            "platform": platform,
            "direction": direction,
            "summary": THEIRS_KEEN[who.person % len(THEIRS_KEEN)] if "reply" in kind else None,
            "occurred_at": at,
            "created_at": at,
        }


def _association(who: Account, moment: Moment) -> Row:
    return {
        "contact_id": who.id,
        "platform": who.platform,
        "handle": who.username,
        "followers": 100 + who.person * 37 % 90_000,
        "first_seen_at": moment.ago(days=90),
        "last_active_at": moment.ago(days=3),
        "interaction_count": who.person % 5,
        "engagement_type": "crm_match",
    }
