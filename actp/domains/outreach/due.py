"""Reads due contacts page by page, the best scores first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from actp.domains.outreach.names import first_name
from actp.domains.outreach.prospect import Prospect, Touch, decide, read_prospect
from actp.domains.outreach.why import why
from actp.domains.outreach.windows import next_send_time
from actp.domains.paging import pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.domains.outreach.prospect import Held
    from actp.domains.tools import Tools

__all__ = ["Due", "list_due", "shown"]

PAGE_ROWS: Final = 1000
DEFAULT_LISTED: Final = 20
# How many days ahead somebody new may be scheduled where earlier ones are full.
DAYS_AHEAD: Final = 7


@dataclass(slots=True)
class Due:
    """Everybody who is due at one moment of the database's clock, each person once.

    While it is walked through, ``held`` counts why others are not, ``seen`` all of them, and
    ``elsewhere`` names some whom no service reaches. Strangers need ``OUTREACH_MIN_SCORE``, and
    each day takes ``OUTREACH_NEW_PER_DAY`` of them.
    """

    tools: Tools
    min_score: int = 0
    held: Counter[str] = field(default_factory=Counter)
    elsewhere: list[dict[str, str]] = field(default_factory=list)
    seen: int = 0
    _openers: Counter[date] = field(default_factory=Counter)
    # From which day on no day of a stage has room, for those whose hours are not known.
    _full_from: dict[str, date] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Touch]:
        store = self.tools.store
        now = datetime.fromisoformat(store.call("safari_now"))
        blocked = frozenset(
            (row["platform"], row["recipient"]) for row in store.call("safari_contacts")
        )
        for day, count in store.call("agent_outreach_openers").items():
            self._openers[date.fromisoformat(day)] = count
        met: set[str] = set()
        rows = pages(
            store,
            "agent_outreach_prospects",
            row_limit=PAGE_ROWS,
            ends="agent_outreach_prospect_ends",
            min_score=self.min_score,
        )
        for row in rows:
            self.seen += 1
            prospect = read_prospect(row)
            decision = decide(prospect, now, blocked)
            if isinstance(decision, Touch):
                decision = self._paced(decision, now)
            if not isinstance(decision, Touch):
                self._hold(prospect, decision)
            elif prospect.person in met:
                self.held["same_person"] += 1
            else:
                met.add(prospect.person)
                if decision.prospect.is_stranger:
                    self._openers[decision.at.date()] += 1
                yield decision

    def _paced(self, touch: Touch, now: datetime) -> Touch | Held:
        """Return the touch on the first day that has room for somebody new."""
        prospect = touch.prospect
        settings = self.tools.settings
        if not prospect.is_stranger:
            return touch
        if prospect.score < settings.outreach_min_score:
            return "low_score"
        at, first_day = touch.at, touch.at.date()
        has_hours = bool(prospect.heard_hours)
        if not has_hours and first_day >= self._full_from.get(prospect.stage, date.max):
            return "new_people_cap"
        while self._openers[at.date()] >= settings.outreach_new_per_day:
            midnight = at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            if midnight - now > timedelta(days=DAYS_AHEAD):
                if not has_hours:
                    earliest = self._full_from.get(prospect.stage, date.max)
                    self._full_from[prospect.stage] = min(first_day, earliest)
                return "new_people_cap"
            at = next_send_time(
                prospect.stage, midnight, prospect.heard_hours, spread=prospect.spread
            )
        return Touch(prospect, touch.platform, touch.address, at)

    def _hold(self, prospect: Prospect, reason: str) -> None:
        self.held[reason] += 1
        is_listed = reason == "no_address" and len(self.elsewhere) < DEFAULT_LISTED
        if is_listed and prospect.own_platform and prospect.username:
            self.elsewhere.append(
                {
                    "name": prospect.name or prospect.username,
                    "platform": prospect.own_platform,
                    "address": prospect.username,
                }
            )


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
        "elsewhere": due.elsewhere,
        "headline": f"{count} due of {due.seen}",
        "rows": rows,
    }


def shown(touch: Touch) -> dict[str, Any]:
    """Return what a person sees of a due message."""
    prospect = touch.prospect
    return {
        "contact_id": prospect.contact_id,
        "name": prospect.name or prospect.username,
        "first_name": first_name(prospect.name),
        "platform": touch.platform,
        "address": touch.address,
        "funnel_stage": prospect.stage,
        "score": prospect.score,
        "why": why(prospect),
        "scheduled_for": touch.at.isoformat(),
        "last_touch_at": prospect.touched_at and prospect.touched_at.isoformat(),
    }
