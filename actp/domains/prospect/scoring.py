"""The score of a contact: a sum of named signals, and the stage that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from actp.domains.prospect.fit import asks_about_price
from actp.domains.taxonomy import matching_offers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.domains.outreach.cooldown import Stage
    from actp.domains.prospect.facts import Facts

__all__ = ["CONSIDERATION_SCORE", "DECISION_SCORE", "Score", "score", "stage_of"]

CONSIDERATION_SCORE: Final = 31
DECISION_SCORE: Final = 65
HIGHEST_SCORE: Final = 100

DM_REPLIED: Final = 15
EACH_DM_REPLY: Final = 5
TWITTER_ENGAGED: Final = 8
EMAIL_OPENED: Final = 6
EMAIL_REPLIED: Final = 12
ICP_KEYWORD: Final = 10
SEVERAL_PLATFORMS: Final = 5
OFFER_KEYWORD: Final = 15
EACH_SILENT_WEEK: Final = -2
ICP_SCORE_AT_MOST: Final = 10
DAYS_A_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Score:
    """A score of 0 to 100, and what each signal gave or took."""

    value: int
    stage: Stage
    breakdown: Mapping[str, int]


def score(facts: Facts) -> Score:
    """Return the score; the breakdown holds the signals that counted, before clamping."""
    signals = {
        "dm_replied": DM_REPLIED * (facts.dm_replies > 0),
        "dm_replies": EACH_DM_REPLY * facts.dm_replies,
        "twitter_engaged": TWITTER_ENGAGED * facts.is_on_twitter_with_us,
        "email_opened": EMAIL_OPENED * (facts.email_opens > 0),
        "email_replied": EMAIL_REPLIED * (facts.email_replies > 0),
        "icp_keyword": ICP_KEYWORD * bool(matching_offers(facts.about)),
        "several_platforms": SEVERAL_PLATFORMS * (facts.platforms > 1),
        # Who asks for the price speaks of the offer.
        "offer_keyword": OFFER_KEYWORD
        * bool(matching_offers(facts.words) or asks_about_price(facts)),
        "silent_weeks": EACH_SILENT_WEEK * _weeks(facts.silent_days),
        "icp_score": round(ICP_SCORE_AT_MOST * (facts.icp_score or 0) / HIGHEST_SCORE),
    }
    value = min(HIGHEST_SCORE, max(0, sum(signals.values())))
    return Score(
        value, stage_of(value), {name: points for name, points in signals.items() if points}
    )


def stage_of(value: int) -> Stage:
    """Return the stage of a score."""
    if value >= DECISION_SCORE:
        return "decision"
    return "consideration" if value >= CONSIDERATION_SCORE else "awareness"


def _weeks(days: float | None) -> int:
    return int(max(0.0, days or 0.0) // DAYS_A_WEEK)
