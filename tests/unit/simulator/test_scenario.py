"""Rules: which request they decide, and how often."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.scenario import RuleBook, Scenario, ScenarioError
from simulator.scenario.behaviours import Behaviour


def _book(*rules: dict[str, Any]) -> RuleBook:
    return RuleBook(Scenario.parse(json.dumps({"rules": rules})))


def _decide(book: RuleBook, action: str = "send_dm", **body: str) -> Behaviour | None:
    rule = book.find("twitter-dm", action, body)
    return None if rule is None else rule.behaviour


def test_a_rule_is_used_up_after_its_times() -> None:
    book = _book({"service": "twitter-dm", "behaviour": "fail", "times": 2})
    assert [_decide(book) for _ in range(3)] == [Behaviour.FAIL, Behaviour.FAIL, None]


def test_a_rule_lets_the_first_requests_pass() -> None:
    book = _book({"service": "twitter-dm", "behaviour": "fail", "after": 2})
    assert [_decide(book) for _ in range(3)] == [None, None, Behaviour.FAIL]


def test_the_first_rule_that_matches_decides() -> None:
    book = _book(
        {"service": "twitter-dm", "behaviour": "fail", "times": 1},
        {"service": "*", "behaviour": "slow"},
    )
    assert [_decide(book) for _ in range(2)] == [Behaviour.FAIL, Behaviour.SLOW]


@pytest.mark.parametrize(
    ("match", "body", "matches"),
    [
        ({"username": "user1"}, {"username": "user1"}, True),
        ({"username": "user1"}, {"username": "user10"}, False),
        ({"username": "user*"}, {"username": "user10"}, True),
        ({"text": "sale"}, {"text": "big sale today"}, True),
        ({"text": "sale"}, {"message": "big\nsale"}, True),
        ({"recipient": "*maria*"}, {"profileUrl": "https://linkedin.com/in/maria"}, True),
        ({"username": "a", "text": "b"}, {"username": "a", "text": "c"}, False),
    ],
)
def test_a_rule_matches_fields_of_the_body(
    match: dict[str, str],
    body: dict[str, str],
    matches: bool,  # noqa: FBT001  a parameter
) -> None:
    book = _book({"service": "twitter-dm", "behaviour": "fail", "match": match})
    assert (_decide(book, **body) is Behaviour.FAIL) is matches


def test_a_rule_without_action_leaves_health_alone() -> None:
    book = _book({"service": "twitter-dm", "behaviour": "fail"})
    assert _decide(book, "health") is None
    assert _decide(_book({"service": "*", "behaviour": "hang", "action": "any"}), "health")


def test_chance_repeats_with_the_seed() -> None:
    rules = [{"service": "*", "behaviour": "fail", "chance": 0.5}]

    def draw(seed: int) -> list[Behaviour | None]:
        book = RuleBook(Scenario.parse(json.dumps({"rules": rules, "seed": seed})))
        return [_decide(book) for _ in range(50)]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert set(draw(1)) == {None, Behaviour.FAIL}


def test_usage_counts_what_a_rule_met_and_decided() -> None:
    book = _book({"service": "twitter-dm", "behaviour": "fail", "after": 1})
    _decide(book)
    _decide(book)
    assert book.usage() == [{"met": 2, "used": 1}]


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ('{"rules": [{"service": "myspace", "behaviour": "ok"}]}', "no service 'myspace'"),
        ('{"rules": [{"service": "*", "behaviour": "explode"}]}', "rules.0.behaviour"),
        ('{"rulez": []}', "rulez"),
        ("{", "JSON"),
        ('{"services": {"myspace": {}}}', "no service myspace"),
    ],
)
def test_a_wrong_scenario_names_its_fault(scenario: str, words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        Scenario.parse(scenario)
