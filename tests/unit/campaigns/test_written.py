"""Texts of a campaign by Claude: only those that can be sent as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.campaigns.plan import plan_for
from actp.campaigns.written import written_wording
from actp.errors import ClaudeError, InvalidInput
from actp.settings import load_settings
from simulator.process import SimulatorProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.settings import Settings


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as simulator:
        yield simulator


@pytest.fixture
def settings(simulator: SimulatorProcess) -> Settings:
    simulator.reset()
    key = {"ANTHROPIC_API_KEY": "test-only", "ANTHROPIC_BASE_URL": simulator.url("claude")}
    return load_settings({"ACTP_ENV_FILE": "", **key})


@pytest.mark.parametrize("platform", ["twitter", "instagram", "tiktok"])
def test_every_step_gets_texts_about_the_subject(settings: Settings, platform: str) -> None:
    plan = plan_for("dm_sequence", platform)
    wording = written_wording(plan, platform, settings, "small looms")
    assert list(wording.steps) == [step for stage in plan for step in stage.steps]
    assert wording.source == "Claude"
    texts = [text for variants in wording.steps.values() for text in variants]
    assert texts
    assert all("http" not in text and "@" not in text for text in texts)


def test_a_text_that_leads_elsewhere_is_not_taken(
    settings: Settings, simulator: SimulatorProcess
) -> None:
    simulator.play({"claude": {"rules": [{"behaviour": "obey_injection"}]}})
    with pytest.raises(InvalidInput, match="no usable text for comment_1"):
        written_wording(plan_for("comment_warmup", "twitter"), "twitter", settings, "looms")


def test_without_a_key_it_is_said() -> None:
    plan = plan_for("comment_warmup", "twitter")
    with pytest.raises(ClaudeError) as told:
        written_wording(plan, "twitter", load_settings({"ACTP_ENV_FILE": ""}), "looms")
    assert (told.value.reason, "ANTHROPIC_API_KEY" in told.value.remedy) == ("no_key", True)


@pytest.mark.parametrize("about", ["", "  ", "x" * 501])
def test_a_subject_is_a_sentence_or_two(settings: Settings, about: str) -> None:
    with pytest.raises(InvalidInput):
        written_wording(plan_for("comment_warmup", "twitter"), "twitter", settings, about)
