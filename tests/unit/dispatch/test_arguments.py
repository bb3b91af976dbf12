"""From JSON parameters to an argv."""

from __future__ import annotations

from typing import Any

import pytest

from actp.dispatch.agents import AGENTS
from actp.dispatch.arguments import arguments_for, find, parse_params
from actp.errors import InvalidInput


def argv(named: str, /, **params: Any) -> list[str]:
    domain, _, task = named.partition(".")
    return arguments_for(find(AGENTS, domain, task), params)


@pytest.mark.parametrize(
    ("params", "flags"),
    [
        ({}, []),
        ({"dry_run": True}, ["--dry-run"]),
        ({"dry-run": False, "limit": None, "handles": []}, []),
        ({"limit": 5, "share": 0.5, "seed": 0}, ["--limit=5", "--share=0.5", "--seed=0"]),
        ({"handles": ["ada", "bob"]}, ["--handles=ada,bob"]),
        ({"note": "--send; rm -rf / $(x)"}, ["--note=--send; rm -rf / $(x)"]),
        ({"note": ""}, ["--note="]),
    ],
)
def test_parameters_become_flags(params: dict[str, Any], flags: list[str]) -> None:
    assert argv("outreach.due", **params) == ["--due", *flags]


def test_some_flags_take_a_parameter_as_their_value() -> None:
    assert argv("prospect.score", id="c-1") == ["--score=c-1"]
    assert argv("prospect.top") == ["--top=10"]
    assert argv("prospect.top", limit=3) == ["--top=3"]
    assert argv("remotion.distribute", job_id="-x") == ["--distribute=-x"]
    created = argv("ab-tester.create", topic="why agents fail", niche="ai_automation")
    assert created == ["--create=why agents fail", "--niche=ai_automation"]


def test_creators_are_synced_for_one_niche_or_for_all() -> None:
    one = argv("creators.sync", platform="twitter", niche="ai_automation")
    assert one == ["--research", "--platform=twitter", "--niche=ai_automation"]
    assert argv("creators.sync") == argv("creators.sync", niche=None) == ["--market-sync"]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"--send": True}, "not a valid name"),
        ({"Limit": 1}, "not a valid name"),
        ({"limit=1 --send": True}, "not a valid name"),
        ({"where": {"a": 1}}, "dict"),
        ({"handles": ["a", ["b", None]]}, "NoneType"),
        ({"text": "a\0b"}, "character"),
        ({"text": "\ud800"}, "character"),
    ],
)
def test_what_cannot_be_a_flag_is_refused(params: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        argv("outreach.due", **params)


@pytest.mark.parametrize("params", [{}, {"id": None}, {"id": True}])
def test_a_flag_that_wants_a_value_says_which_parameter_is_missing(params: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="--score needs the parameter id"):
        argv("prospect.score", **params)


@pytest.mark.parametrize("text", ["", "[1]", "7", '"x"', "{", "[" * 100_000, "null"])
def test_parameters_that_are_no_object_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="the parameters"):
        parse_params(text)


def test_no_parameters_are_an_empty_object() -> None:
    assert parse_params(None) == parse_params(" {} ") == {}


@pytest.mark.parametrize(
    ("domain", "task", "remedy"),
    [
        ("prospects", "score", "Did you mean prospect?"),
        ("safari-cloud", "run", "Did you mean safari_cloud?"),
        ("ab_tester", "status", "Did you mean ab-tester?"),
        ("outreach", "build_queue", "Did you mean build-queue?"),
        ("zzz", "run", "There are prospect, ab-tester,"),
        ("youtube", "xyz", "There are analyze, resonance,"),
    ],
)
def test_an_unknown_name_brings_the_nearest_ones(domain: str, task: str, remedy: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        find(AGENTS, domain, task)
    assert remedy in raised.value.remedy
    assert raised.value.exit_code == 2


def test_a_value_as_long_as_a_system_takes_is_passed_on() -> None:
    text = "x" * 100_000
    assert argv("outreach.due", note=text) == ["--due", f"--note={text}"]
