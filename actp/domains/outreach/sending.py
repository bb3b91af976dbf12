"""Hands due messages to the command queue, and reports the outcomes of earlier ones."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from actp.domains.outreach.hearing import Heard, hear
from actp.domains.outreach.suspicion import SERVICES
from actp.errors import InvalidInput
from actp.safari.texts import clean_text, rewritten_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.domains.tools import Tools
    from actp.store import Store

__all__ = ["list_emails", "mail_sent", "send", "tell_stats"]

BATCH_ROWS: Final = 500
LISTED: Final = 50
MOST_PREVIEWED: Final = 1000
STATS_DAYS: Final = 30


def send(tools: Tools, limit: int | None = None, *, dry_run: bool = False) -> dict[str, Any]:
    """Hand over what is due, at most ``limit``; a dry run only says what that would be.

    Each batch is one transaction. Whether and when a message is sent is up to its command: limits,
    hours, pauses and the do-not-contact list hold for it as for all others.
    """
    rows: list[dict[str, Any]] = []
    counts = {"handed": 0, "failed": 0, "interrupted": 0}
    heard = Heard() if dry_run else hear(tools.store)
    if dry_run:
        most = min(limit or MOST_PREVIEWED, MOST_PREVIEWED)
        rows = _preview(tools.store, most)
        counts["failed"] = sum(row["refusal"] is not None for row in rows)
        counts["handed"] = len(rows) - counts["failed"]
    else:
        for answer in _batches(tools.store, limit):
            for name in counts:
                counts[name] += answer[name]
            rows += islice(answer["rows"], LISTED - len(rows))
    return counts | {
        "heard": heard.as_json(),
        "dry_run": dry_run,
        "headline": f"{counts['handed']} message{'s' * (counts['handed'] != 1)} handed over",
        "rows": rows,
    }


def list_emails(tools: Tools, limit: int | None = None) -> dict[str, Any]:
    """Return mail that waits; no sender of this project takes it."""
    rows = tools.store.call("agent_outreach_emails", row_limit=limit or LISTED)
    return {"waiting": len(rows), "rows": rows}


def mail_sent(tools: Tools, value: str | None = None) -> dict[str, Any]:
    """Mark a mail as sent by hand, named by the beginning of its id."""
    if not value:
        raise InvalidInput("which mail?", remedy="--email-queue lists them with their ids.")
    answer: dict[str, Any] = tools.store.call("agent_outreach_mail_sent", beginning=value)
    return answer | {"headline": f"mail {answer['id'][:8]} marked sent"}


def tell_stats(tools: Tools) -> dict[str, Any]:
    """Return what happened to the messages of the last 30 days."""
    stats: dict[str, Any] = tools.store.call("agent_outreach_stats", days=STATS_DAYS)
    headline = f"{stats['sent']} sent in {STATS_DAYS} days, {stats['answered']} answered"
    return stats | {"headline": headline}


def _batches(store: Store, limit: int | None) -> Iterator[dict[str, Any]]:
    left = limit
    while left is None or left > 0:
        size = BATCH_ROWS if left is None else min(left, BATCH_ROWS)
        faults = {row["id"]: row["refusal"] for row in _preview(store, size) if row["is_fault"]}
        answer = store.call("agent_outreach_send", row_limit=size, faults=faults)
        yield answer
        taken = answer["handed"] + answer["failed"]
        if not taken:
            return
        left = None if left is None else left - taken


def _preview(store: Store, row_limit: int) -> list[dict[str, Any]]:
    """Return what is handed over next; where the text cannot be sent, ``refusal`` says why."""
    rows: list[dict[str, Any]] = store.call("agent_outreach_preview", row_limit=row_limit)
    for row in rows:
        fault = _fault(row["platform"], row["body"]) if row["refusal"] is None else None
        row["is_fault"] = fault is not None
        row["refusal"] = row["refusal"] or fault
    return rows


def _fault(platform: str, body: str) -> str | None:
    try:
        clean_text(SERVICES[platform], body)
    except InvalidInput as error:
        return str(error)
    if platform == "twitter" and (word := rewritten_word(body)):
        return f"Twitter's service would alter the word {word!r}"
    return None
