"""Says when a platform tires of us: engagement falls by more than 30 percent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Saturation", "saturation"]

FEWEST_POSTS: Final = 3
TIRED_BELOW: Final = 0.70


@dataclass(frozen=True, slots=True)
class Saturation:
    """A platform that tires, and how many posts a day would be better."""

    platform: str
    drop_percent: int
    posts_per_day: int
    recommended: int


def saturation(row: Mapping[str, Any]) -> Saturation | None:
    """Return what is wrong with a platform's last seven days, or None.

    Fewer than three posts in either span say nothing.
    """
    recent, earlier = row["recent_mean"], row["earlier_mean"]
    if min(row["recent_posts"], row["earlier_posts"]) < FEWEST_POSTS:
        return None
    if earlier is None or recent is None or earlier <= 0 or recent / earlier >= TIRED_BELOW:
        return None
    posts = row["posts_per_day"]
    return Saturation(
        row["platform"], round(100 * (1 - recent / earlier)), posts, max(1, posts - 1)
    )
