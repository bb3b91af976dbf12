"""Reads the inboxes of all platforms into the CRM, and detects replies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from actp.domains.crm.inboxes import INBOXES, list_inbox
from actp.domains.crm.speaking import last_said
from actp.domains.outreach.hearing import Heard, hear
from actp.domains.paging import batches
from actp.errors import ServiceError, StoreRefused
from actp.settings import UNNAMED_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actp.domains.crm.conversations import Conversation
    from actp.domains.crm.inboxes import Inbox
    from actp.domains.tools import Tools
    from actp.store import Json

__all__ = ["sync", "sync_linkedin"]

PAGE_ROWS: Final = 100


@dataclass(slots=True)
class _Counts:
    contacts: int = 0
    new: int = 0
    replies: int = 0
    opted_out: int = 0


def sync(tools: Tools, *, dry_run: bool = False) -> dict[str, Any]:
    """Read every inbox; one that cannot be read does not keep the others from being read.

    A service that nobody has seen for a week is passed over. A dry run stores nothing.
    """
    store = tools.store
    unused = set(store.call("agent_crm_unused"))
    rows = [_read(tools, inbox, inbox.service in unused, dry_run=dry_run) for inbox in INBOXES]
    heard = Heard() if dry_run else hear(store)
    stopped = {} if dry_run else store.call("agent_crm_stop")
    failed = [row for row in rows if row["error"] is not None]
    counts = {
        name: sum(row[name] for row in rows) for name in ("contacts", "new", "replies", "opted_out")
    }
    return {
        "ok": not failed,
        "synced": counts["contacts"],
        "new": counts["new"],
        "replies": counts["replies"],
        "opted_out": counts["opted_out"] + heard.opted_out,
        "to_look_at": heard.to_look_at,
        "waiting": heard.waiting,
        "withdrawn": heard.withdrawn + stopped.get("withdrawn", 0),
        "campaigns_stopped": heard.campaigns_stopped + len(stopped.get("campaigns", ())),
        "error": "; ".join(row["error"] for row in failed) or None,
        "headline": f"{counts['contacts']} conversations read, {counts['replies']} new replies",
        "rows": rows,
    }


def sync_linkedin(tools: Tools) -> dict[str, Any]:
    """Make contacts of the prospects that were found on LinkedIn."""
    synced: int = tools.store.call("agent_crm_sync_linkedin")
    return {"ok": True, "synced_linkedin": synced, "headline": f"{synced} LinkedIn prospects"}


def _read(tools: Tools, inbox: Inbox, is_unused: bool, *, dry_run: bool) -> dict[str, Any]:  # noqa: FBT001 - one of two words
    row: dict[str, Any] = {
        "platform": inbox.platform,
        "state": "read",
        "error": None,
        "conversations": 0,
        **dict.fromkeys(("contacts", "new", "replies", "opted_out"), 0),
    }
    try:
        began_at: str = tools.store.call("safari_now")
        found = list_inbox(tools.safari, inbox)
        row["conversations"] = len(found)
        if not dry_run:
            counts = _store(tools, inbox, began_at, found)
            row |= {name: getattr(counts, name) for name in _Counts.__slots__}
            tools.store.call(
                "agent_crm_read",
                platform=inbox.platform,
                began_at=began_at,
                account=tools.settings.safari_accounts.get(inbox.platform, UNNAMED_ACCOUNT),
            )
    except ServiceError as error:
        if is_unused:
            return row | {"state": "unused"}
        return row | {"state": "failed", "error": f"{inbox.platform}: {error}"}
    except StoreRefused as error:
        return row | {"state": "failed", "error": f"{inbox.platform}: {error}"}
    return row


def _store(tools: Tools, inbox: Inbox, began_at: str, found: Sequence[Conversation]) -> _Counts:
    counts = _Counts()
    for page in batches(found, PAGE_ROWS):
        people = [_person(key, each) for key, each in enumerate(page)]
        met = tools.store.call("agent_crm_meet", platform=inbox.platform, people=people)
        rows: list[dict[str, Any]] = []
        stop: list[Json] = []
        for known in met:
            conversation = page[known["key"]]
            said = last_said(conversation, known["ours"])
            if said.wants_peace and said.text != known["before"]:
                stop.append(known["contact_id"])
            rows.append(
                {
                    "contact_id": known["contact_id"],
                    "name": conversation.name,
                    "handle": conversation.handle,
                    "thread": conversation.thread,
                    "text": said.text,
                    "at": conversation.at and conversation.at.isoformat(),
                    "is_unread": conversation.is_unread,
                    "direction": said.direction,
                    "is_recorded": said.is_recorded,
                    "is_doubtful": said.is_doubtful,
                }
            )
        if stop:
            # Before the words are kept: if this dies in between, they are read again.
            asked = tools.store.call("agent_outreach_opt_out", contact_ids=stop)
            counts.opted_out += asked["opted_out"]
        heard = tools.store.call(
            "agent_crm_hear", platform=inbox.platform, began_at=began_at, conversations=rows
        )
        counts.contacts += heard["contacts"]
        counts.new += sum(known["is_new"] for known in met)
        counts.replies += len(heard["heard"])
    return counts


def _person(key: int, conversation: Conversation) -> dict[str, Json]:
    text = (conversation.text or "").removesuffix("\u2026").removesuffix("...").rstrip()
    return {
        "key": key,
        "handle": conversation.handle,
        "name": conversation.name,
        "thread": conversation.thread,
        "text": text,
    }
