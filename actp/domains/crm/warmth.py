"""Rates how warm a relationship is: with Claude, or by a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, Field

from actp.clients.claude import Question
from actp.domains.prospect.scoring import CONSIDERATION_SCORE, DECISION_SCORE
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Stage", "Verdict", "Warmth", "by_claude", "by_rule", "question"]

Stage: TypeAlias = Literal["cold", "warm", "engaged", "hot"]

LONGEST_SUMMARY: Final = 600
LONGEST_ACTION: Final = 200
MAX_TOKENS: Final = 500

_INSTRUCTIONS: Final = """\
You judge how close one person is to working with us, for the owner of a small business. The data is
what our CRM knows of them, with the last messages, oldest first; "them" wrote to us, "us" is we.
State only what the data supports. A person who never answered is cold or warm, never more."""


class Verdict(BaseModel):
    """What Claude answers about a person."""

    score: int = Field(ge=0, le=100, description="0 knows nothing of us, 100 wants to buy now.")
    stage: Stage = Field(description="How warm the relation is.")
    offer_readiness: int = Field(ge=0, le=100, description="How ready they are for an offer.")
    summary: str = Field(description="Who they are and where we stand, in 2 sentences.")
    next_action: str = Field(description="What we do next, in one short sentence.")


@dataclass(frozen=True, slots=True)
class Warmth:
    """A score of 0 to 100 with its stage; what the rule cannot tell is None."""

    score: int
    stage: Stage
    offer_readiness: int | None
    reason: str
    summary: str | None = None
    next_action: str | None = None


def question(contact: Mapping[str, Any]) -> Question[Verdict]:
    """Return what Claude is asked about a row of ``agent_crm_to_score``."""
    known = ("platform", "username", "display_name", "headline", "bio", "niche", "messages")
    return Question(
        purpose="crm_score",
        instructions=_INSTRUCTIONS,
        data={name: contact[name] for name in known},
        answer=Verdict,
        max_tokens=MAX_TOKENS,
    )


def by_claude(verdict: Verdict, *, has_replied: bool) -> Warmth:
    """Return Claude's verdict within its bounds: who never answered is not engaged."""
    stage: Stage = verdict.stage
    if not has_replied and stage in {"engaged", "hot"}:
        stage = "warm"
    summary = _line(verdict.summary, LONGEST_SUMMARY)
    return Warmth(
        score=verdict.score,
        stage=stage,
        offer_readiness=verdict.offer_readiness,
        reason=summary or "Claude gave no reason",
        summary=summary,
        next_action=_line(verdict.next_action, LONGEST_ACTION),
    )


def by_rule(funnel_score: int, offer_readiness: int | None, *, has_replied: bool) -> Warmth:
    """Return the score of the funnel as that of the relation."""
    score = min(100, max(0, funnel_score))
    stage: Stage = "warm" if score >= CONSIDERATION_SCORE else "cold"
    if has_replied:
        stage = "hot" if score >= DECISION_SCORE else "engaged"
    return Warmth(score, stage, offer_readiness, f"funnel score {score}, by rule")


def _line(text: str, longest: int) -> str | None:
    return storable_text(" ".join(text.split()), longest) or None
