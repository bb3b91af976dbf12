"""The doctor asks Claude, Blotato and Remotion whether they take what is configured."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actp.doctor.agents import agents
from actp.settings import load_settings
from simulator.process import SimulatorProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.doctor.finding import Finding

KEY = "a-secret-nobody-may-read"
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: SimulatorProcess) -> SimulatorProcess:
    running.reset()
    return running


@pytest.fixture
def configured(simulator: SimulatorProcess) -> dict[str, str]:
    """Everything set, and right."""
    simulator.play({"claude": {"key": KEY}, "blotato": {"key": KEY}})
    return {
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": simulator.url("claude"),
        "BLOTATO_API_KEY": KEY,
        "BLOTATO_API_URL": f"{simulator.url('blotato')}/v2",
        "REMOTION_URL": simulator.url("remotion"),
    }


def findings(environment: dict[str, str]) -> list[Finding]:
    found = [*agents(load_settings(environment, Path(os.devnull)))]
    assert KEY not in repr(found)
    assert "wrong-key" not in repr(found)
    return found


def problems(environment: dict[str, str]) -> list[tuple[str, str, str]]:
    """What is wrong: who, what, and the remedy."""
    return [(it.check, it.said, it.remedy) for it in findings(environment) if it.remedy is not None]


def test_what_is_not_configured_is_a_calm_note() -> None:
    found = findings({})
    assert {it.check for it in found} == {"Claude", "Blotato", "Remotion"}
    assert not any(it.is_problem for it in found)
    assert "no key is set" in found[0].said


def test_what_is_configured_and_works_is_said(configured: dict[str, str]) -> None:
    found = findings(configured)
    assert not any(it.is_problem for it in found)
    said = " ".join(it.said for it in found)
    assert "claude-sonnet-4-6 is active" in said
    assert "twitter" in said
    assert configured["REMOTION_URL"] in said


def test_looking_asks_claude_no_question(
    configured: dict[str, str], simulator: SimulatorProcess
) -> None:
    findings(configured)
    assert simulator.world() == []


def test_refused_keys_are_told_with_their_settings(configured: dict[str, str]) -> None:
    wrong = {"ANTHROPIC_API_KEY": "wrong-key", "BLOTATO_API_KEY": "wrong-key"}
    claude, blotato = problems({**configured, **wrong})
    assert (claude[0], claude[2]) == ("Claude", "Check ANTHROPIC_API_KEY.")
    assert blotato[0] == "Blotato"
    assert "BLOTATO_API_KEY" in blotato[2]


@pytest.mark.parametrize(
    ("model", "said"), [("claude-3-5-haiku-20241022", "is retired"), ("gpt-4", "has no model")]
)
def test_a_model_that_is_gone_is_told(configured: dict[str, str], model: str, said: str) -> None:
    ((check, what, remedy),) = problems({**configured, "ANTHROPIC_MODEL_FAST": model})
    assert check == "Claude"
    assert said in what
    assert model in what
    assert "ANTHROPIC_MODEL_FAST" in remedy


def test_accounts_of_other_platforms_are_told_one_by_one(configured: dict[str, str]) -> None:
    swapped = "twitter=710,tiktok=4151,threads=999999"
    found = problems({**configured, "BLOTATO_ACCOUNTS": swapped})
    assert [it[0] for it in found] == ["Blotato"] * 3
    assert found[0][1] == "account 710 is tiktok, not twitter"
    assert "Set twitter in BLOTATO_ACCOUNTS to one of: 4151." in found[0][2]
    assert "none of yours" in found[2][1]


def test_a_remotion_of_another_style_or_another_program_is_told(
    configured: dict[str, str], simulator: SimulatorProcess
) -> None:
    others = {"claude": {"key": KEY}, "blotato": {"key": KEY}}
    simulator.play({**others, "remotion": {"style": "default"}})
    ((check, _, remedy),) = problems({**configured, "REMOTION_API_STYLE": "v1"})
    assert (check, remedy) == ("Remotion", "Set REMOTION_API_STYLE=default.")
    stranger = {**configured, "REMOTION_URL": simulator.url("instagram-dm")}
    ((_, said, remedy),) = problems(stranger)
    assert "not to Remotion" in said
    assert "REMOTION_URL" in remedy


def test_what_is_configured_but_away_is_a_problem(configured: dict[str, str]) -> None:
    away = {
        "ANTHROPIC_BASE_URL": NOWHERE,
        "BLOTATO_API_URL": f"{NOWHERE}/v2",
        "REMOTION_URL": NOWHERE,
    }
    found = problems({**configured, **away})
    assert [it[0] for it in found] == ["Claude", "Blotato", "Remotion"]
    assert all(remedy for _, _, remedy in found)
