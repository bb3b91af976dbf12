"""Who wins, by how much, and how seldom by chance."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from actp.domains.abtest.timing import due_windows, late_windows
from actp.domains.abtest.variants import by_template
from actp.domains.abtest.verdict import (
    MOST_ROUNDS,
    SCATTER,
    Counts,
    Scatter,
    judge,
    scatter_of,
    unmeasured,
)
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


@pytest.mark.parametrize("views", [200, 1000, 5000])
@pytest.mark.parametrize("rounds", [2, MOST_ROUNDS])
def test_several_rounds_find_more_winners_and_no_more_false_ones(views: int, rounds: int) -> None:
    random = Random(22)
    tests = 600
    alone = sum(_winner(random, views, 2.0, 1) == "a" for _ in range(tests))
    found = sum(_winner(random, views, 2.0, rounds) == "a" for _ in range(tests))
    false_winners = sum(_winner(random, views, 1.0, rounds) != "tie" for _ in range(tests))
    assert found > alone
    assert false_winners / tests <= 0.06, "5 %, and what chance adds to 600 tests"


def _winner(random: Random, views: int, factor: float, rounds: int) -> str:
    """Play a test of several rounds that ends with its first winner."""
    earlier: list[tuple[Counts, Counts]] = []
    for _ in range(rounds):
        a = drawn(random, views, factor=factor, scatter=0.15)
        b = drawn(random, views, scatter=0.15)
        winner = judge(a, b, earlier, rounds).winner
        if winner != "tie":
            return winner
        earlier.append((a, b))
    return "tie"


@pytest.mark.parametrize("scatter", [0.15, 0.4])
def test_false_winners_stay_rare_for_accounts_whose_posts_vary_more(scatter: float) -> None:
    """After sixty earlier tests, a tenth of them with a post twice as good."""
    random = Random(23)

    def pair(factor: float = 1.0) -> tuple[Counts, Counts]:
        return drawn(random, 2000, factor=factor, scatter=scatter), drawn(
            random, 2000, scatter=scatter
        )

    learned = scatter_of([pair(2.0 if n % 10 == 0 else 1.0) for n in range(60)])
    tests = 400
    false = sum(judge(*pair(), scatter=learned).winner != "tie" for _ in range(tests))
    assert false / tests <= 0.07
    assert (learned.share > 2 * SCATTER) is (scatter > 2 * SCATTER)
    assert scatter_of([]) == Scatter(SCATTER, 0)
    assert scatter_of([(Counts(100, 10, 10, 1000),) * 2] * 30) == Scatter(SCATTER, 30)


@pytest.mark.parametrize(
    ("scatter", "earlier", "most"),
    [(0.15, 0, 0.07), (0.15, 5, 0.07), (0.25, 5, 0.11), (0.4, 5, 0.19)],
)
def test_a_few_tests_of_an_account_are_enough_to_doubt_winners(
    scatter: float, earlier: int, most: float
) -> None:
    random = Random(24)

    def pair() -> tuple[Counts, Counts]:
        a, b = (drawn(random, 1000, scatter=scatter) for _ in "ab")
        return a, b

    accounts, false = 300, 0
    for _ in range(accounts):
        learned = scatter_of([pair() for _ in range(earlier)])
        false += judge(*pair(), scatter=learned).winner != "tie"
    assert false / accounts <= most


def test_one_great_winner_does_not_keep_later_tests_from_a_verdict() -> None:
    great = Counts(300, 60, 40, 5000), Counts(60, 9, 6, 5000)
    assert judge(*great, scatter=scatter_of([great])).winner == "a"


@pytest.mark.parametrize(
    ("tests", "said"),
    [(0, "may differ by 30 %: no earlier test"), (1, "30 %, by 1 earlier test"), (None, "30 %")],
)
def test_a_verdict_says_where_its_scatter_is_from(tests: int | None, said: str) -> None:
    verdict = judge(Counts(30, 4, 3, 900), Counts(10, 2, 1, 900), scatter=Scatter(0.3, tests))
    assert said in verdict.conditions[1].text


def test_a_verdict_names_every_condition_with_its_figure() -> None:
    # Shown 200 times as often, but liked less by those who saw it.
    verdict = judge(Counts(300, 40, 30, 20_000), Counts(10, 2, 1, 100))
    assert (verdict.winner, round(verdict.margin, 3)) == ("tie", 0.983)
    assert [condition.is_met for condition in verdict.conditions] == [True, True, False]
    margin, chance, lead = (condition.text for condition in verdict.conditions)
    assert "98.3 %" in margin
    assert "0.05" in chance
    assert "score (A)" in lead
    assert "view (B)" in lead


WHOLE = {"likes": 20, "retweets": 2, "replies": 1, "views": 900}


def test_counts_that_are_text_or_decimal_are_numbers() -> None:
    said = {"likes": "12", "retweets": 3.0, "replies": "1,000", "views": "1.2K"}
    assert Counts.read(said) == Counts(12, 3, 1000, 1200)


@pytest.mark.parametrize("name", ["likes", "retweets", "replies", "views"])
@pytest.mark.parametrize("value", [None, "", "many", -3, True, "absent"])
def test_counts_that_lack_one_are_not_read(name: str, value: object) -> None:
    said: dict[str, Any] = {**WHOLE, name: value}
    if value == "absent":
        del said[name]
    assert Counts.read(said) is None
    assert unmeasured(said) == [name]


def test_a_post_that_is_out_has_been_seen() -> None:
    assert unmeasured({**WHOLE, "views": 0}) == ["views"]
    assert unmeasured({**WHOLE, "views": 19}) == ["views"], "nobody likes it unseen"
    assert unmeasured({**WHOLE, "views": 20}) == []


@pytest.mark.parametrize(
    ("age", "late"), [(1.5, []), (5.0, ["1h"]), (24.5, ["1h", "4h"]), (70.0, ["1h", "4h", "24h"])]
)
def test_a_look_that_comes_late_says_so(age: float, late: list[str]) -> None:
    test: dict[str, Any] = {"age_hours": age, "metrics_1h": None, "metrics_4h": None}
    test["metrics_24h"] = None
    assert late_windows(age, due_windows(test)) == late


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
