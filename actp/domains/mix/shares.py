"""Target shares of niches, and the gaps to them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TARGETS", "Gap", "Item", "best_hook", "gaps", "recommended"]

TARGETS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "ai_automation": 0.35,
        "personal_brand": 0.20,
        "creator_economy": 0.20,
        "saas_growth": 0.15,
        "digital_marketing": 0.10,
    }
)
FEWEST_ITEMS: Final = 3
POSTS_A_WEEK: Final = 14
DEFAULT_PLATFORM: Final = "tiktok"
DEFAULT_TYPE: Final = "educational"


@dataclass(frozen=True, slots=True)
class Gap:
    """A niche with its shares of what was made, from 0 to 1; ``gap`` is never negative."""

    niche: str
    target: float
    actual: float

    @property
    def gap(self) -> float:
        """How much of all is missing."""
        return max(0.0, self.target - self.actual)


@dataclass(frozen=True, slots=True)
class Item:
    """Something to make next week."""

    niche: str
    content_type: str
    platform: str
    count: int
    hook: str


def gaps(counts: Mapping[str, int]) -> list[Gap]:
    """Return every niche that has a target, the largest gap first; others count as made too."""
    total = sum(counts.values())
    each = [
        Gap(niche, target, counts.get(niche, 0) / total if total else 0.0)
        for niche, target in TARGETS.items()
    ]
    return sorted(each, key=lambda gap: (-gap.gap, -gap.target, gap.niche))


def recommended(
    found: list[Gap], best: Mapping[str, Mapping[str, Any]], platform: str | None
) -> list[Item]:
    """Return what to make: every gap, and at least three niches."""
    wanted = [gap for gap in found if gap.gap > 0]
    wanted += [gap for gap in found if gap not in wanted][: max(0, FEWEST_ITEMS - len(wanted))]
    return [_item(gap, best.get(gap.niche, {}), platform) for gap in wanted]


def best_hook(row: Mapping[str, Any]) -> str | None:
    """Return the first hook of a row of resonance that says something."""
    hooks = row.get("top_hook_patterns") or []
    return next((hook for hook in hooks if hook and hook.strip()), None)


def _item(gap: Gap, row: Mapping[str, Any], platform: str | None) -> Item:
    spoken = gap.niche.replace("_", " ")
    return Item(
        gap.niche,
        row.get("content_type") or DEFAULT_TYPE,
        platform or row.get("platform") or DEFAULT_PLATFORM,
        max(1, math.ceil(gap.gap * POSTS_A_WEEK)),
        best_hook(row) or f"What nobody tells you about {spoken}",
    )
