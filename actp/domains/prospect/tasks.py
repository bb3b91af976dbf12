"""The tasks of the prospect agent."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from actp.domains.bots import is_bot
from actp.domains.paging import PAGE_ROWS, batches, pages
from actp.domains.prospect.facts import facts_of
from actp.domains.prospect.fit import icp_fit, offer_readiness
from actp.domains.prospect.research import brief_question, research_of
from actp.domains.prospect.scoring import DECISION_SCORE, score, stage_of
from actp.domains.prospect.touch import next_touch
from actp.errors import ClaudeError, InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from actp.domains.prospect.facts import Facts
    from actp.domains.tools import Tools
    from actp.store import Json

__all__ = [
    "next_actions",
    "research",
    "research_ready",
    "score_all",
    "score_one",
    "score_these",
    "top",
]

DEFAULT_ROWS: Final = 10
MOST_BRIEFS: Final = 10
# Scoring all contacts ends within a minute, briefs included.
BRIEFS_WITHIN_SECONDS: Final = 40.0
# After so many Claude is not asked again in this run.
FAILURES_AT_MOST: Final = 3
TOLD_OF: Final = 3
# Bots that are left out are named, so that a person taken for one is noticed.
NAMED_BOTS: Final = 20
HOPELESS: Final = frozenset({"no_key", "over_budget"})


def score_all(tools: Tools, limit: int = MOST_BRIEFS) -> dict[str, Any]:
    """Score every contact, tell who is new in decision, and have briefs written of the best."""
    counts = _score(tools, map(facts_of, pages(tools.store, "agent_prospect_page")))
    briefs = _research(tools, limit, BRIEFS_WITHIN_SECONDS)
    figures = tools.store.call("agent_prospect_figures", least_score=DECISION_SCORE)
    best = tools.store.call("agent_prospect_list", what="top", row_limit=TOLD_OF)
    return {
        **counts,
        **figures,
        **briefs,
        "headline": _headline(figures["research_ready"], best),
        "top": best,
    }


def score_one(tools: Tools, value: str | None = None) -> dict[str, Any]:
    """Score one contact, named by its id or its handle."""
    if not value:
        raise InvalidInput("which contact?", remedy="Give its id or its handle.")
    try:
        contact_id = tools.store.call("agent_prospect_find", who=value)
    except NotFound as error:
        raise NotFound(
            str(error), remedy="--top and --next-actions list those with a score."
        ) from None
    (facts,) = _facts(tools, [contact_id])
    counts = _score(tools, [facts])
    return {**counts, "prospect": {**_row(facts), "name": facts.name, "platform": facts.platform}}


def score_these(tools: Tools, ids: Sequence[str]) -> int:
    """Score some contacts without an alert, which the next run of all sends; return how many."""
    facts = _facts(tools, list(ids))
    rows: list[Json] = [
        _row(each) for each in facts if not is_bot(each.username, each.email, each.display_name)
    ]
    tools.store.call("agent_prospect_store", rows=rows)
    return len(rows)


def research(tools: Tools, limit: int = MOST_BRIEFS) -> dict[str, Any]:
    """Have briefs written of the best contacts that have none."""
    done = _research(tools, limit, within_seconds=None)
    return {"ok": done["claude"] == "ok", **done}


def top(tools: Tools, value: int | None = None) -> dict[str, Any]:
    """Return the best prospects."""
    return _listed(tools, "top", value)


def next_actions(tools: Tools, limit: int | None = None) -> dict[str, Any]:
    """Return whose next touch is due within a day, the best first."""
    return _listed(tools, "next_actions", limit)


def research_ready(tools: Tools, limit: int | None = None) -> dict[str, Any]:
    """Return who has a score that is worth a brief, and whether there is one."""
    return _listed(tools, "research_ready", limit, DECISION_SCORE)


def _score(tools: Tools, contacts: Iterable[Facts]) -> dict[str, Any]:
    counts = {"scored": 0, "bots": 0, "written": 0, "moved": 0}
    left_out: list[str] = []

    def rows() -> Iterator[Json]:
        for facts in contacts:
            if not is_bot(facts.username, facts.email, facts.display_name):
                counts["scored"] += 1
                yield _row(facts)
                continue
            counts["bots"] += 1
            if len(left_out) < NAMED_BOTS:
                left_out.append(f"{facts.name} ({facts.username or facts.email})")
            if facts.is_scored:
                # It was taken for a person before; nobody is to write to it now.
                yield _nobody(facts)

    for batch in batches(rows(), PAGE_ROWS):
        answer = tools.store.call("agent_prospect_store", rows=batch)
        counts["written"] += answer["written"]
        counts["moved"] += answer["moved"]
    announced = tools.store.call("agent_prospect_announce")
    return {**counts, "left_out": left_out, "new_decision": announced}


def _row(facts: Facts) -> dict[str, Any]:
    scored = score(facts)
    touch = next_touch(facts, scored.stage)
    return {
        "contact_id": facts.contact_id,
        "score": scored.value,
        "funnel_stage": scored.stage,
        "score_breakdown": dict(scored.breakdown),
        "offer_readiness": offer_readiness(facts),
        "icp_fit": icp_fit(facts),
        "next_touch_type": touch and touch.way,
        "next_touch_at": touch and touch.at and touch.at.isoformat(),
    }


def _nobody(facts: Facts) -> dict[str, Any]:
    return {
        "contact_id": facts.contact_id,
        "score": 0,
        "funnel_stage": stage_of(0),
        "score_breakdown": {},
        "offer_readiness": 0,
        "icp_fit": 0,
        "next_touch_type": None,
        "next_touch_at": None,
    }


def _research(tools: Tools, limit: int, within_seconds: float | None) -> dict[str, Any]:
    due = tools.store.call(
        "agent_prospect_list", what="research_due", row_limit=limit, least_score=DECISION_SCORE
    )
    began, briefs, failures, said = monotonic(), 0, 0, "ok"
    for facts in _facts(tools, [row["contact_id"] for row in due]):
        if within_seconds is not None and monotonic() - began > within_seconds:
            break
        try:
            found = research_of(tools.claude.ask(brief_question(facts)), facts)
        except ClaudeError as error:
            said, failures = error.reason, failures + 1
            if error.reason in HOPELESS or failures == FAILURES_AT_MOST:
                break
            continue
        # Each is stored at once: a kill loses one brief at most.
        briefs += tools.store.call(
            "agent_prospect_researched", contact_id=facts.contact_id, research=found
        )
    return {"briefs": briefs, "claude": said}


def _facts(tools: Tools, ids: list[str]) -> list[Facts]:
    if not ids:
        return []
    rows = tools.store.call("agent_prospect_page", ids=ids)
    known = {row["id"]: facts_of(row) for row in rows}
    return [known[each] for each in ids if each in known]


def _listed(tools: Tools, what: str, limit: int | None, least_score: int = 0) -> dict[str, Any]:
    rows = tools.store.call(
        "agent_prospect_list",
        what=what,
        row_limit=limit or DEFAULT_ROWS,
        least_score=least_score,
    )
    return {"prospects": len(rows), "rows": rows}


def _headline(count: int, best: list[dict[str, Any]]) -> str:
    if not best:
        return "no contact to score"
    first = best[0]
    return f"{count} research-ready, top @{first['username'].lstrip('@')} {first['score']}"
