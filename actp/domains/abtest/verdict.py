"""The verdict of a test: which post did better, and whether the difference is significant."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias

from actp.counts import read_count
from actp.domains.engagement import engagement
from actp.plural import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "KNOWN",
    "MOST_ROUNDS",
    "SCATTER",
    "Condition",
    "Counts",
    "Scatter",
    "Verdict",
    "judge",
    "scatter_of",
    "unmeasured",
]

LEAST_MARGIN: Final = 0.15
# How many standard deviations a winner is ahead, by the rounds that the test may have. Pocock's
# bounds: a test that may be looked at several times names a false winner in one of twenty at most.
BOUNDS: Final[Mapping[int, float]] = MappingProxyType({1: 1.960, 2: 2.178, 3: 2.289})
MOST_ROUNDS: Final = max(BOUNDS)
# Likes, retweets and replies weigh as in the engagement score.
WEIGHTS: Final = (3.0, 5.0, 4.0)
# Even equal posts differ by more than their counts' own chance: who happens to see them first. So
# much of their rate is granted to that at least; the smaller, the more winners, also false ones.
SCATTER: Final = 0.155
# It counts like so many pairs against those of the account's own tests. A wider one for accounts
# without tests was tried: 0.3 halves the false winners where posts scatter by 0.4, but takes two of
# three winners from all others.
SCATTER_PAIRS: Final = 3
# What differs by more is no scatter of equal posts: one text five times better than the other must
# not keep the tests after it from a verdict.
MOST_SCATTER: Final = 0.8
# The median of a square that is drawn from a normal distribution.
MEDIAN_SQUARE: Final = 0.455
HALVINGS: Final = 30

Pair: TypeAlias = "tuple[Counts, Counts]"


@dataclass(frozen=True, slots=True)
class Counts:
    """What one post brought."""

    likes: int = 0
    retweets: int = 0
    replies: int = 0
    views: int = 0

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Self | None:
        """Return the counts that a service gave, None where it does not give all of them.

        Somebody has always seen a post that is out, so 0 views are none that were read.
        """
        if unmeasured(said):
            return None
        return cls(**{name: read_count(said[name]) or 0 for name in cls.__slots__})

    @property
    def score(self) -> float:
        """The engagement score."""
        return engagement(self.likes, self.retweets, self.replies, self.views)

    def to_json(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


def unmeasured(said: Mapping[str, Any]) -> list[str]:
    """Return the counts that an answer does not give; fewer views than likes are none either."""
    values = {name: read_count(said.get(name)) for name in Counts.__slots__}
    least_views = max(1, values["likes"] or 0)
    return [
        name for name, n in values.items() if n is None or (name == "views" and n < least_views)
    ]


@dataclass(frozen=True, slots=True)
class Scatter:
    """By how much of their rate equal posts differ, and of how many tests that is known."""

    share: float
    tests: int | None = None

    def __str__(self) -> str:
        differ = f"differ by {100 * self.share:.0f} %"
        if self.tests is None:
            return differ
        if self.tests == 0:
            return f"may {differ}: no earlier test shows by how much"
        return f"may {differ}, by {counted(self.tests, 'earlier test')}"


KNOWN: Final = Scatter(SCATTER)


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing a winner must meet, with the figure that decided it."""

    text: str
    is_met: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The winner; ``margin`` is the difference of scores over the larger one, 0 to 1."""

    winner: Literal["a", "b", "tie"]
    margin: float
    p_value: float
    conditions: tuple[Condition, ...]


def judge(
    a: Counts,
    b: Counts,
    earlier: Sequence[Pair] = (),
    rounds: int = 1,
    scatter: Scatter = KNOWN,
) -> Verdict:
    """Return the winner: 15 percent ahead by score, and by more reactions than chance gives.

    Reactions are compared for each view, so that a post that was only shown more often does not
    win by that: the logarithm of the ratio, its variance being that of the counts and twice the
    ``scatter`` of equal posts. The one ahead by score must be ahead by reactions too. ``earlier``
    are the pairs of the same test's rounds before this one, of ``rounds`` at most; each pair counts
    by the inverse of its variance.
    """
    pairs = (*earlier, (a, b))
    score_a, score_b = (sum(pair[arm].score for pair in pairs) for arm in (0, 1))
    highest = max(score_a, score_b)
    margin = abs(score_a - score_b) / highest if highest > 0 else 0.0
    z = _ahead(pairs, scatter.share)
    p_value = math.erfc(abs(z) / math.sqrt(2))
    bound = BOUNDS[min(max(rounds, len(pairs)), MOST_ROUNDS)]
    most = math.erfc(bound / math.sqrt(2))
    by_score, by_reactions = _leader(score_a - score_b), _leader(z)
    conditions = (
        Condition(
            f"margin of the scores {100 * margin:.1f} %, above {100 * LEAST_MARGIN:.0f} %",
            margin > LEAST_MARGIN,
        ),
        Condition(
            f"p = {p_value:.4f}, below {most:.3f}, as equal posts {scatter}",
            abs(z) > bound,
        ),
        Condition(
            f"the same post leads by score ({by_score}) and by reactions a view ({by_reactions})",
            by_score == by_reactions,
        ),
    )
    if not all(condition.is_met for condition in conditions):
        return Verdict("tie", margin, p_value, conditions)
    return Verdict("a" if z > 0 else "b", margin, p_value, conditions)


def scatter_of(pairs: Sequence[Pair]) -> Scatter:
    """Return by how much of their rate equal posts of an account differ, by its earlier tests.

    Most pairs are taken for equal: it is the scatter at which half of them differ by more than
    chance and scatter let half of all differ. Few pairs leave it near ``SCATTER``.
    """
    if not pairs:
        return Scatter(SCATTER, 0)
    ratios = [_log_ratio(a, b) for a, b in pairs]
    least, most = 0.0, MOST_SCATTER
    for _ in range(HALVINGS):
        tried = (least + most) / 2
        if median(log**2 / (variance + 2 * tried**2) for log, variance in ratios) > MEDIAN_SQUARE:
            least = tried
        else:
            most = tried
    weight = len(pairs) / (len(pairs) + SCATTER_PAIRS)
    found = math.sqrt(weight * least**2 + (1 - weight) * SCATTER**2)
    return Scatter(max(SCATTER, found), len(pairs))


def _leader(difference: float) -> str:
    return "neither" if difference == 0 else "A" if difference > 0 else "B"


def _ahead(pairs: Sequence[Pair], scatter: float) -> float:
    """Return how many standard deviations a's reactions a view are ahead of b's, over all pairs."""
    ratios = [
        (log, variance + 2 * scatter**2) for log, variance in (_log_ratio(a, b) for a, b in pairs)
    ]
    weight = sum(1 / variance for _, variance in ratios)
    return sum(log / variance for log, variance in ratios) / math.sqrt(weight)


def _log_ratio(a: Counts, b: Counts) -> tuple[float, float]:
    """Return the logarithm of a's reactions a view over b's, and its variance by the counts."""
    # Views are not always known; then both are taken to have had the same.
    shown = (a.views, b.views) if a.views and b.views else (1, 1)
    (sum_a, events_a), (sum_b, events_b) = _weighed(a), _weighed(b)
    return math.log(sum_a / shown[0]) - math.log(sum_b / shown[1]), 1 / events_a + 1 / events_b


def _weighed(counts: Counts) -> tuple[float, float]:
    """Return the weighed sum of reactions, and how many equal ones would scatter as much.

    One like is added to each, so that none at all is a number too.
    """
    reactions = (counts.likes + 1, counts.retweets, counts.replies)
    total = sum(weight * n for weight, n in zip(WEIGHTS, reactions, strict=True))
    squares = sum(weight**2 * n for weight, n in zip(WEIGHTS, reactions, strict=True))
    return total, total**2 / squares
