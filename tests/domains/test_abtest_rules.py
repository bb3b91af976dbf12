"""Who wins, by how much, and how seldom by chance."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from actp.domains.abtest.timing import due_windows
from actp.domains.abtest.variants import by_template
from actp.domains.abtest.verdict import Counts, judge
from actp.errors import InvalidInput
from tests.support.reactions import drawn


@pytest.mark.parametrize("scatter", [0.0, 0.15], ids=["by chance alone", "overdispersed"])
@pytest.mark.parametrize("views", [200, 1000, 5000, "any"])
def test_equal_posts_win_in_one_of_twenty_tests_at_most(views: int | str, scatter: float) -> None:
    random = Random(20)
    tests, false_winners = 1500, 0
    for _ in range(tests):
        shown = [v if isinstance(v := views, int) else random.randint(200, 5000) for _ in "ab"]
        a, b = (drawn(random, each, scatter=scatter) for each in shown)
        false_winners += judge(a, b).winner != "tie"
    assert false_winners / tests <= 0.05


def test_a_post_twice_as_good_is_mostly_found() -> None:
    random = Random(21)
    found = sum(
        judge(drawn(random, 4000, factor=2.0, scatter=0.15), drawn(random, 4000)).winner == "a"
        for _ in range(400)
    )
    assert found / 400 >= 0.75


@pytest.mark.parametrize(
    ("a", "b", "winner"),
    [
        (Counts(300, 60, 40, 5000), Counts(100, 20, 10, 5000), "a"),
        (Counts(100, 20, 10, 5000), Counts(300, 60, 40, 5000), "b"),
        (Counts(300, 60, 40, 5000), Counts(290, 55, 41, 5000), "tie"),
        (Counts(), Counts(), "tie"),
        (Counts(2, 0, 0, 200), Counts(0, 0, 0, 200), "tie"),
        (Counts(100, 10, 10, 1000), Counts(100, 10, 10, 9000), "tie"),
        (Counts(300, 60, 40, 0), Counts(30, 6, 4, 0), "a"),
    ],
    ids=["a", "b", "close", "all zero", "too few", "only shown more often", "views unknown"],
)
def test_the_winner_is_ahead_by_score_and_by_reactions(a: Counts, b: Counts, winner: str) -> None:
    verdict = judge(a, b)
    assert verdict.winner == winner
    assert 0 <= verdict.margin <= 1
    assert 0 <= verdict.p_value <= 1


def test_the_margin_is_the_difference_over_the_larger_score() -> None:
    # 3 a like: 300 against 240 is a difference of a fifth.
    assert judge(Counts(100), Counts(80)).margin == pytest.approx(0.2)


def test_odd_counts_are_none() -> None:
    said = {"likes": "12", "retweets": None, "replies": -3, "views": True, "bookmarks": 5}
    assert Counts.read(said) == Counts()


@pytest.mark.parametrize(
    ("age", "filled", "due"),
    [
        (0.9, (), ()),
        (1.0, (), ("metrics_1h",)),
        (5.0, ("metrics_1h",), ("metrics_4h",)),
        (5.0, (), ("metrics_1h", "metrics_4h")),
        (30.0, ("metrics_1h", "metrics_4h"), ("metrics_24h",)),
        (30.0, ("metrics_1h", "metrics_4h", "metrics_24h"), ()),
    ],
)
def test_each_count_is_taken_at_the_first_look_after_its_hour(
    age: float, filled: tuple[str, ...], due: tuple[str, ...]
) -> None:
    names = ("metrics_1h", "metrics_4h", "metrics_24h")
    test: dict[str, Any] = {
        "age_hours": age,
        **{name: {} if name in filled else None for name in names},
    }
    assert due_windows(test) == due


@pytest.mark.parametrize("topic", ["", "x" * 81, "how to create more"])
def test_a_topic_that_cannot_be_posted_is_refused(topic: str) -> None:
    with pytest.raises(InvalidInput):
        by_template(topic)
