"""Visits to services: one at a time with everybody else of the host, and only to the right ones."""

from __future__ import annotations

import shlex
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from actp.errors import (
    NotFound,
    SafariBusy,
    ServiceError,
    ServiceRefused,
    ServiceUnavailable,
)
from actp.safari.local import LocalOptions, run_local
from simulator.process import SimulatorProcess
from tests.support.visiting import SOMEBODY, is_free, taken, visitor, visitor_settings
from tests.unit.safari.commands_for_tests import local_command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actp.safari.visits import Visits
    from actp.settings import Settings

RESEARCH = "market-research"
SEARCH = "/api/research/twitter/search"
JOBS = "/api/research/status"
SECONDS = 5.0
DEADLINE_SECONDS = 20.0
# Says where its parent's turn stands, as the CRM brain would see it.
BRAIN = """
import os, sys
from pathlib import Path
with Path(sys.argv[1]).open("a") as seen:
    print(sys.argv[2], os.environ.get("ACTP_TURN_HELD", "0"), file=seen)
print("Synced 1 contacts total", "Scored 1 contacts", "1 messages queued")
"""


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(one_safari=True) as simulator:
        yield simulator


@pytest.fixture
def simulator(running: SimulatorProcess) -> SimulatorProcess:
    running.reset()
    return running


@pytest.fixture
def settings(simulator: SimulatorProcess, tmp_path: Path) -> Settings:
    return visitor_settings(simulator, tmp_path)


@pytest.fixture
def visits(settings: Settings) -> Iterator[Visits]:
    with visitor(settings) as visits:
        yield visits


def search(visits: Visits, query: str = "ai", seconds: float = SECONDS) -> Any:
    return visits.post(RESEARCH, SEARCH, body={"query": query}, timeout_seconds=seconds)


def play(simulator: SimulatorProcess, behaviour: str, **more: Any) -> None:
    rule = {"service": RESEARCH, "behaviour": behaviour, **more}
    simulator.play({"rules": [rule]})


def test_a_visit_brings_the_answer_and_gives_the_turn_back(
    visits: Visits, settings: Settings
) -> None:
    assert search(visits)["count"] == 10
    assert visits.get(RESEARCH, JOBS, timeout_seconds=SECONDS)["recentJobs"] == []
    assert is_free(settings)


def test_a_visit_with_a_token_and_parameters_is_let_in(visits: Visits) -> None:
    path, url = "/api/twitter/tweet/metrics", "https://x.com/a/status/1?s=20&t=a b"
    params = {"tweetUrl": url}
    said = visits.get("twitter-comments", path, params=params, timeout_seconds=SECONDS)
    assert said["tweetUrl"] == url


def test_a_wrong_token_is_a_no(simulator: SimulatorProcess, tmp_path: Path) -> None:
    wrong = {"SAFARI_TWITTER_COMMENTS_TOKEN": "wrong"}
    with visitor(visitor_settings(simulator, tmp_path, **wrong)) as visits:
        with pytest.raises(ServiceRefused) as caught:
            visits.get("twitter-comments", "/api/twitter/rate-limits", timeout_seconds=SECONDS)
        assert caught.value.status == 401


def test_a_visit_waits_for_its_turn(visits: Visits, settings: Settings) -> None:
    with taken(settings) as table, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(search, visits)
        table.release(SOMEBODY)
        assert answer.result(DEADLINE_SECONDS)["success"]


def test_nobody_waits_for_ever(settings: Settings, simulator: SimulatorProcess) -> None:
    with taken(settings), visitor(settings, wait_seconds=0.1) as visits:
        with pytest.raises(SafariBusy):
            search(visits)
        assert simulator.world() == []
    assert is_free(settings)


def test_a_route_that_leaves_the_page_alone_needs_no_turn(
    visits: Visits, settings: Settings
) -> None:
    with taken(settings):
        assert "recentJobs" in visits.get(RESEARCH, JOBS, timeout_seconds=SECONDS, turn=False)


def test_where_the_parent_holds_the_turn_none_is_taken(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTP_TURN_HELD", "1")
    with taken(settings), visitor(settings, wait_seconds=0.1) as visits:
        assert search(visits)["success"]


@pytest.mark.parametrize(
    ("action", "seen"),
    [
        ("sync", ["--sync 1"]),
        ("score", ["--score 0"]),
        ("pipeline", ["--sync 1", "--score 1", "--generate 1"]),
    ],
)
def test_the_brain_is_told_that_the_turn_is_held_where_it_is(
    tmp_path: Path, action: str, seen: list[str]
) -> None:
    script, log = tmp_path / "brain.py", tmp_path / "seen"
    script.write_text(BRAIN)
    line = shlex.join([sys.executable, str(script), str(log)])
    assert run_local(local_command(action), LocalOptions(crm_brain_command=line)).verdict == "sent"
    assert log.read_text().splitlines() == seen


def test_two_visitors_are_never_at_the_page_together(
    settings: Settings, simulator: SimulatorProcess
) -> None:
    simulator.play({"rules": [{"service": "*", "behaviour": "slow", "seconds": 0.1}]})
    path, body = "/api/twitter/messages/send-to", {"username": "maria", "text": "Hi"}
    with (
        visitor(settings, "one") as one,
        visitor(settings, "another") as another,
        ThreadPoolExecutor(2) as pool,
    ):
        both = [
            pool.submit(search, one),
            pool.submit(another.post, "twitter-dm", path, body=body, timeout_seconds=SECONDS),
        ]
        assert [answer.result(DEADLINE_SECONDS)["success"] for answer in both] == [True, True]
    assert [line["kind"] for line in simulator.world() if line["kind"] == "collision"] == []


def test_a_turn_is_kept_for_several_visits(visits: Visits, settings: Settings) -> None:
    with visits.turn(60.0):
        search(visits)
        assert not is_free(settings)
        search(visits)
    assert is_free(settings)


def test_safari_stays_taken_after_a_visit_without_an_answer(
    visits: Visits, settings: Settings, simulator: SimulatorProcess
) -> None:
    play(simulator, "hang")
    with pytest.raises(ServiceUnavailable) as caught:
        search(visits, seconds=0.2)
    assert caught.value.may_be_busy
    assert not is_free(settings)


def test_safari_is_free_after_a_service_that_is_not_there(
    visits: Visits, settings: Settings, simulator: SimulatorProcess
) -> None:
    search(visits)
    simulator.down(RESEARCH)
    with pytest.raises(ServiceUnavailable, match=RESEARCH) as caught:
        search(visits)
    assert not caught.value.may_be_busy
    assert "bin/health" in caught.value.remedy
    assert is_free(settings)


def test_a_gateway_timeout_leaves_safari_taken(
    visits: Visits, settings: Settings, simulator: SimulatorProcess
) -> None:
    play(simulator, "gateway_timeout", seconds=0.01)
    with pytest.raises(ServiceUnavailable):
        search(visits)
    assert not is_free(settings)


def test_a_no_is_told_with_its_words_and_frees_safari(visits: Visits, settings: Settings) -> None:
    with pytest.raises(ServiceRefused, match="query is required") as caught:
        search(visits, query="")
    assert (caught.value.status, caught.value.said) == (400, {"error": "query is required"})
    assert is_free(settings)


@pytest.mark.parametrize("behaviour", ["not_json", "truncated", "invalid_utf8", "html_error"])
def test_an_answer_that_is_no_json_is_an_error(
    visits: Visits, simulator: SimulatorProcess, behaviour: str
) -> None:
    play(simulator, behaviour)
    with pytest.raises(ServiceError):
        search(visits)


def test_another_program_on_the_port_is_not_asked(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    swapped = {
        "SAFARI_MARKET_RESEARCH_URL": simulator.url("tiktok-comments"),
        "SAFARI_TIKTOK_COMMENTS_URL": simulator.url(RESEARCH),
    }
    with visitor(visitor_settings(simulator, tmp_path, **swapped)) as visits:
        with pytest.raises(ServiceUnavailable, match="tiktok-comments") as caught:
            search(visits)
        assert "SAFARI_MARKET_RESEARCH_URL" in caught.value.remedy


def test_an_unknown_service_is_named(visits: Visits) -> None:
    with pytest.raises(NotFound, match="twitter"):
        visits.get("twitter", "/x", timeout_seconds=SECONDS)
