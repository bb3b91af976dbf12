"""A research that is interrupted keeps Safari only as long as its job runs."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actp.safari.turns import TurnTable, turns_here
from actp.settling import free_after_research
from simulator.process import SimulatorProcess
from tests.chaos.waiting import eventually
from tests.support.safari_clients import is_free, safari_client, simulator_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.safari.turns import TakenTurn
    from actp.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
ENDS_WITHIN_SECONDS = 60
RESEARCH = """
from actp.clients.research import MarketResearch
from actp.safari.client import SafariClient
from actp.settings import load_settings
settings = load_settings()
research = MarketResearch(settings, SafariClient(settings, holder="agent-3"))
research.niches("tiktok", ["ai"], creators_per_niche=1, posts_per_niche=1)
"""


@pytest.fixture
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(scenario={"services": {"market-research": {"job_seconds": 2.5}}}) as it:
        yield it


@pytest.fixture
def settings(simulator: SimulatorProcess, tmp_path: Path) -> Settings:
    return simulator_settings(simulator, tmp_path)


def taken(settings: Settings) -> tuple[TakenTurn, ...]:
    return turns_here(settings.actp_lock_dir, settings.safari_turns)


def test_an_interrupted_research_gives_safari_back_once_its_job_has_ended(
    simulator: SimulatorProcess, settings: Settings, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", RESEARCH],
        cwd=ROOT,
        env={
            "PYTHONPATH": str(ROOT),
            "ACTP_ENV_FILE": "",
            "ACTP_LOCK_DIR": str(tmp_path),
            "RESEARCH_POLL_SECONDS": "0.02",
            "SAFARI_MARKET_RESEARCH_URL": simulator.url("market-research"),
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    with process, safari_client(settings) as safari:

        def has_job() -> bool:
            said = safari.get(
                "market-research", "/api/research/status", timeout_seconds=20, turn=False
            )
            return bool(said["currentJob"])

        eventually(has_job, "the job runs")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=ENDS_WITHIN_SECONDS)
        assert "Safari stays reserved until" in said
        assert "bin/resume --safari" in said
        (left,) = taken(settings)
        assert (left.holder, left.is_left) == ("agent-3", True)
        assert left.why.startswith("market-research")
        assert "agent-3 was interrupted" in left.words
        # Safari is given back only when the job has ended, which it may have by now.
        freed = free_after_research(settings, safari)
        if freed or is_free(settings):
            assert not has_job()
        eventually(lambda: freed or free_after_research(settings, safari), "the job has ended")
        assert is_free(settings)


def test_a_turn_that_was_taken_for_another_service_is_not_freed(settings: Settings) -> None:
    with closing(TurnTable(settings.actp_lock_dir)) as table, safari_client(settings) as safari:
        assert table.try_take("agent-4", 2e9, "twitter-dm reads its inbox")
        table.release("agent-4", 2e9)
        assert free_after_research(settings, safari) == ()
        assert [turn.holder for turn in taken(settings)] == ["agent-4"]
