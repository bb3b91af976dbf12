"""Which of two posts did better, and whether chance explains it as well."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from actp.domains.engagement import engagement

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Counts", "Verdict", "judge"]

LEAST_MARGIN: Final = 0.15
LEAST_CONFIDENCE: Final = 0.05
# Likes, retweets and replies weigh as in the engagement score.
WEIGHTS: Final = (3.0, 5.0, 4.0)
# Even equal posts differ by more than their counts' own chance: who happens to see them first. So
# much of their rate is granted to that; the smaller, the more winners, also false ones.
SCATTER: Final = 0.18


@dataclass(frozen=True, slots=True)
class Counts:
    """What one post brought."""

    likes: int = 0
    retweets: int = 0
    replies: int = 0
    views: int = 0

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Self:
        """Return the counts that a service gave; what is missing or odd is 0."""
        values = {name: said.get(name) for name in ("likes", "retweets", "replies", "views")}
        return cls(**{n: max(0, v) for n, v in values.items() if type(v) is int})

    @property
    def score(self) -> float:
        """The engagement score."""
        return engagement(self.likes, self.retweets, self.replies, self.views)

    def to_json(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The winner; ``margin`` is the difference of scores over the larger one, 0 to 1."""

    winner: Literal["a", "b", "tie"]
    margin: float
    p_value: float


def judge(a: Counts, b: Counts) -> Verdict:
    """Return the winner: 15 percent ahead by score, and by more reactions than chance gives.

    Reactions are compared for each view, so that a post that was only shown more often does not
    win by that: the logarithm of the ratio, its variance being that of the counts and twice the
    scatter of equal posts. The one ahead by score must be ahead by reactions too.
    """
    highest = max(a.score, b.score)
    margin = abs(a.score - b.score) / highest if highest > 0 else 0.0
    z = _log_ratio(a, b)
    p_value = math.erfc(abs(z) / math.sqrt(2))
    agree = (z > 0) == (a.score > b.score)
    if margin <= LEAST_MARGIN or p_value >= LEAST_CONFIDENCE or not agree:
        return Verdict("tie", margin, p_value)
    return Verdict("a" if z > 0 else "b", margin, p_value)


def _log_ratio(a: Counts, b: Counts) -> float:
    """Return how many standard deviations a's reactions a view are ahead of b's."""
    # Views are not always known; then both are taken to have had the same.
    shown = (a.views, b.views) if a.views and b.views else (1, 1)
    (sum_a, events_a), (sum_b, events_b) = _weighed(a), _weighed(b)
    variance = 1 / events_a + 1 / events_b + 2 * SCATTER**2
    return (math.log(sum_a / shown[0]) - math.log(sum_b / shown[1])) / math.sqrt(variance)


def _weighed(counts: Counts) -> tuple[float, float]:
    """Return the weighed sum of reactions, and how many equal ones would scatter as much.

    One like is added to each, so that none at all is a number too.
    """
    reactions = (counts.likes + 1, counts.retweets, counts.replies)
    total = sum(weight * n for weight, n in zip(WEIGHTS, reactions, strict=True))
    squares = sum(weight**2 * n for weight, n in zip(WEIGHTS, reactions, strict=True))
    return total, total**2 / squares
