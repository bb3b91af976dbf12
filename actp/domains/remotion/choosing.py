"""Chooses the niche and platform of the next video."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp2
from typing import TYPE_CHECKING, Any, Final

from actp.domains.taxonomy import CONTENT_TYPES, NO_OFFER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["DEFAULT_PLATFORM", "Subject", "best", "worth"]

DEFAULT_PLATFORM: Final = "tiktok"
HALF_LIFE_DAYS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Subject:
    """What a video is about and whom it is for.

    ``hooks`` are ours and worked before, the best first; ``inspiration`` are those of strangers,
    which are never published.
    """

    niche: str
    platform: str
    content_type: str = CONTENT_TYPES[0]
    offer_tag: str = NO_OFFER
    hooks: tuple[str, ...] = ()
    inspiration: tuple[str, ...] = ()

    @classmethod
    def of(cls, niche: str, platform: str, row: Mapping[str, Any]) -> Subject:
        """Return the subject with what a row of resonance knows of it."""
        return cls(
            niche,
            platform,
            row.get("content_type") or CONTENT_TYPES[0],
            row.get("offer_tag") or NO_OFFER,
            _texts(row.get("top_hook_patterns")),
            _texts(row.get("inspiration_hooks")),
        )


def best(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the row of resonance that is worth most, or None where there is none."""
    return max(rows, key=lambda row: (worth(row), row["platform"], row["niche"]), default=None)


def worth(row: Mapping[str, Any]) -> float:
    """Return views times engagement, halved for each ten days of age."""
    recency = exp2(-float(row["age_days"]) / HALF_LIFE_DAYS)
    return float(row["avg_views"]) * float(row["avg_engagement"]) * recency


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(value for value in values or () if isinstance(value, str) and value.strip())
