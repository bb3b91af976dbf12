"""Builds the message queue: one text for each due contact."""

from __future__ import annotations

from itertools import islice
from os import urandom
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from actp.domains.outreach.cooldown import PRIORITIES
from actp.domains.outreach.due import Due, shown
from actp.domains.outreach.hearing import Heard, hear
from actp.domains.outreach.texts import read_texts
from actp.domains.outreach.windows import active_hour
from actp.domains.outreach.writing import Writer
from actp.domains.paging import batches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from actp.domains.outreach.prospect import Touch
    from actp.domains.outreach.writing import Text
    from actp.domains.tools import Tools
    from actp.store import Json

__all__ = ["build_queue"]

CLAUDE_CALLS: Final = 40
BATCH_ROWS: Final = 500
LISTED: Final = 20


def build_queue(
    tools: Tools,
    limit: int | None = None,
    min_score: int = 0,
    claude_calls: int | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Queue one message for everybody who is due, the best scores first; again changes nothing.

    What people wrote since the last run is read first. ``limit`` bounds the messages,
    ``claude_calls`` how many of them Claude is asked for. A dry run writes nothing and asks nobody.
    """
    heard = Heard() if dry_run else hear(tools.store)
    due = Due(tools, min_score=min_score)
    calls = CLAUDE_CALLS if claude_calls is None else claude_calls
    settings = tools.settings
    writer = Writer(
        None if dry_run else tools.claude,
        calls,
        read_texts(settings.outreach_texts),
        settings.outreach_sender,
    )
    queued, open_already = 0, 0
    batch: list[Json] = []
    rows: list[dict[str, Any]] = []

    def flush() -> None:
        nonlocal queued, open_already
        stored = set() if dry_run else set(tools.store.call("agent_outreach_queue", messages=batch))
        queued += len(stored)
        open_already += 0 if dry_run else len(batch) - len(stored)
        batch.clear()

    written = 0
    for page in batches(islice(due, limit), BATCH_ROWS):
        posts = _posts(tools, page)
        for touch, id_ in zip(page, _ids(len(page)), strict=True):
            text = writer.write(touch, posts.get(touch.prospect.contact_id))
            written += 1
            batch.append(_row(id_, touch, text))
            if len(rows) < LISTED:
                rows.append(shown(touch) | {"message_type": text.kind, "message_body": text.body})
            # What Claude was paid for is stored at once.
            if text.is_by_claude:
                flush()
        flush()
    count = written if dry_run else queued
    return {
        "queued": count,
        "by_claude": writer.written,
        "claude": "dry_run" if dry_run else writer.excuse or "ok",
        "open_already": open_already,
        "scored": due.seen,
        "held": dict(due.held.most_common()),
        "elsewhere": due.elsewhere,
        "heard": heard.as_json(),
        "dry_run": dry_run,
        "headline": f"{count} message{'s' * (count != 1)} queued, {writer.written} by Claude",
        "rows": rows,
    }


def _posts(tools: Tools, page: Sequence[Touch]) -> Mapping[str, str]:
    """Return by contact a post of those we have not spoken with yet, where one was read."""
    asked: list[Json] = [
        {"contact_id": touch.prospect.contact_id, "addresses": dict(touch.prospect.addresses)}
        for touch in page
        if touch.prospect.is_stranger
    ]
    if not asked:
        return {}
    posts: dict[str, str] = tools.store.call("agent_outreach_posts", people=asked)
    return posts


def _ids(count: int) -> list[str]:
    """Return new ids; asking the kernel for each costs more than the rest of a row."""
    drawn = urandom(16 * count)
    return [str(UUID(bytes=drawn[16 * n :][:16], version=4)) for n in range(count)]


def _row(id_: str, touch: Touch, text: Text) -> dict[str, Json]:
    return {
        "id": id_,
        "contact_id": touch.prospect.contact_id,
        "platform": touch.platform,
        "message_body": text.body,
        "message_type": text.kind,
        "scheduled_for": touch.at.isoformat(),
        "ai_reasoning": text.reasoning,
        "offer_name": text.offer,
        "written_by": "claude" if text.is_by_claude else "template",
        "priority": PRIORITIES[touch.prospect.stage],
        "reader_hour": active_hour(touch.prospect.heard_hours),
    }
