"""Rescores contacts, the oldest scores first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from actp.domains.crm.warmth import by_claude, by_rule, question
from actp.domains.paging import batches
from actp.domains.prospect.tasks import score_all
from actp.errors import ClaudeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.domains.crm.warmth import Warmth
    from actp.domains.tools import Tools
    from actp.store import Json

__all__ = ["score"]

DEFAULT_CONTACTS: Final = 50
# After so many in a row Claude is not asked again in this run.
FAILURES_AT_MOST: Final = 3
RULE: Final = "rule"
CLAUDE: Final = "claude"
BATCH_ROWS: Final = 500


def score(tools: Tools, limit: int = DEFAULT_CONTACTS, *, dry_run: bool = False) -> dict[str, Any]:
    """Score at most ``limit`` contacts by Claude; without a key by the score of the funnel.

    Everybody's funnel score is brought up to date first. Where Claude fails the old score stays,
    and the contact is the last to be asked about again. A dry run stores nothing.
    """
    if dry_run:
        page = tools.store.call("agent_crm_to_score", row_limit=limit)
        return _told(len(page["contacts"]), 0, "dry_run")
    score_all(tools, limit=0)
    page = tools.store.call("agent_crm_to_score", row_limit=limit)
    as_of, contacts = page["as_of"], page["contacts"]
    if not tools.claude.is_configured:
        scored = 0
        for batch in batches(contacts, BATCH_ROWS):
            rows: list[Json] = [_row(each, _ruled(each), RULE) for each in batch]
            scored += tools.store.call("agent_crm_scored", as_of=as_of, scores=rows)
        return _told(scored, 0, "no_key")
    return _asked(tools, as_of, contacts)


def _asked(tools: Tools, as_of: str, contacts: list[dict[str, Any]]) -> dict[str, Any]:
    scored, failures, in_a_row, said = 0, 0, 0, "ok"
    for contact in contacts:
        try:
            verdict = tools.claude.ask(question(contact))
        except ClaudeError as error:
            said, failures, in_a_row = error.reason, failures + 1, in_a_row + 1
            if error.reason == "over_budget" or in_a_row == FAILURES_AT_MOST:
                break
            if error.reason != "unavailable":
                tools.store.call(
                    "agent_crm_scored", as_of=as_of, scores=[], tried=[contact["contact_id"]]
                )
            continue
        in_a_row = 0
        warmth = by_claude(verdict, has_replied=contact["has_replied"])
        # Each is stored at once: what was paid for is not lost.
        scored += tools.store.call(
            "agent_crm_scored", as_of=as_of, scores=[_row(contact, warmth, CLAUDE)]
        )
    return _told(scored, failures, said)


def _ruled(contact: Mapping[str, Any]) -> Warmth:
    return by_rule(
        contact["funnel_score"] or 0,
        contact["funnel_readiness"],
        has_replied=contact["has_replied"],
    )


def _row(contact: Mapping[str, Any], warmth: Warmth, model: str) -> dict[str, Json]:
    return {
        "contact_id": contact["contact_id"],
        "score": warmth.score,
        "stage": warmth.stage,
        "offer_readiness": warmth.offer_readiness,
        "summary": warmth.summary,
        "next_action": warmth.next_action,
        "reason": warmth.reason,
        "model": model,
    }


def _told(scored: int, failures: int, claude: str) -> dict[str, Any]:
    return {
        "ok": not failures,
        "scored": scored,
        "failed": failures,
        "claude": claude,
        "error": f"Claude gave no score for {failures} ({claude})" if failures else None,
        "headline": f"{scored} contacts scored",
    }
