"""Reads who is due, page by page, the best scores first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from actp.domains.outreach.prospect import Touch, decide, read_prospect
from actp.domains.paging import pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.domains.outreach.channel import Place
    from actp.domains.tools import Tools

__all__ = ["Due", "list_due", "shown"]

PAGE_ROWS: Final = 1000
DEFAULT_LISTED: Final = 20


@dataclass(slots=True)
class Due:
    """Everybody who is due at one moment of the database's clock, each person once.

    While it is walked through, ``held`` counts why others are not, and ``seen`` all of them.
    """

    tools: Tools
    min_score: int = 0
    held: Counter[str] = field(default_factory=Counter)
    seen: int = 0

    def __iter__(self) -> Iterator[Touch]:
        store = self.tools.store
        now = datetime.fromisoformat(store.call("safari_now"))
        blocked = frozenset(
            (row["platform"], row["recipient"]) for row in store.call("safari_contacts")
        )
        met: set[Place] = set()
        rows = pages(store, "agent_outreach_page", row_limit=PAGE_ROWS, min_score=self.min_score)
        for row in rows:
            self.seen += 1
            decision = decide(read_prospect(row), now, blocked)
            if not isinstance(decision, Touch):
                self.held[decision] += 1
            elif (place := (decision.platform, decision.address)) in met:
                # Two rows of the CRM that are one person.
                self.held["same_person"] += 1
            else:
                met.add(place)
                yield decision


def list_due(tools: Tools, limit: int | None = None) -> dict[str, Any]:
    """Return who is due, the first ``limit`` of them in full."""
    due = Due(tools)
    count = 0
    rows: list[dict[str, Any]] = []
    for touch in due:
        count += 1
        if len(rows) < (limit or DEFAULT_LISTED):
            rows.append(shown(touch))
    return {
        "due": count,
        "scored": due.seen,
        "held": dict(due.held.most_common()),
        "headline": f"{count} due of {due.seen}",
        "rows": rows,
    }


def shown(touch: Touch) -> dict[str, Any]:
    """Return what a person sees of a due message."""
    prospect = touch.prospect
    return {
        "contact_id": prospect.contact_id,
        "name": prospect.name or prospect.username,
        "platform": touch.platform,
        "address": touch.address,
        "funnel_stage": prospect.stage,
        "score": prospect.score,
        "scheduled_for": touch.at.isoformat(),
        "last_touch_at": prospect.touched_at and prospect.touched_at.isoformat(),
    }
