"""Explains in one line why a person was selected."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.domains.outreach.prospect import Prospect

__all__ = ["why", "why_of"]

STRONGEST: Final = 2
LONGEST_WORDS: Final = 80
_LABELS: Final = MappingProxyType(
    {
        "dm_replied": "answered a DM",
        "dm_replies": "several replies",
        "twitter_engaged": "engages on Twitter",
        "email_opened": "opens mail",
        "email_replied": "answers mail",
        "icp_keyword": "fits an offer",
        "several_platforms": "on several platforms",
        "offer_keyword": "asked about an offer",
        "icp_score": "good fit",
    }
)


def why(prospect: Prospect) -> str:
    """Return the two strongest signals and their last words."""
    return why_of(prospect.breakdown, prospect.said[0].text if prospect.said else None)


def why_of(breakdown: object, last_words: str | None) -> str:
    """Return the two strongest signals of a score and what the person said last.

    A stored breakdown that is no object counts as none.
    """
    parts = [_signals(breakdown if isinstance(breakdown, dict) else {}) or "no signal yet"]
    if last_words:
        words = " ".join(last_words.split())
        cut = words if len(words) <= LONGEST_WORDS else words[: LONGEST_WORDS - 1] + "…"
        parts.append(f"said “{cut}”")
    return ", ".join(parts)


def _signals(breakdown: Mapping[str, int]) -> str:
    best = sorted(
        ((points, name) for name, points in breakdown.items() if _is_points(points)),
        key=lambda each: (-each[0], each[1]),
    )
    named = [f"{_LABELS.get(name, name.replace('_', ' '))} (+{points})" for points, name in best]
    return ", ".join(named[:STRONGEST])


def _is_points(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
