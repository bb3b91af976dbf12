"""Requests to services: one at a time with everybody else of the host, to the right ones only."""

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
from tests.support.safari_clients import SOMEBODY, is_free, safari_client, simulator_settings, taken
from tests.unit.safari.commands_for_tests import local_command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actp.safari.client import SafariClient
    from actp.settings import Settings

RESEARCH = "market-research"
SEARCH = "/api/research/twitter/search"
JOBS = "/api/research/status"
SECONDS = 20.0
DEADLINE_SECONDS = 40.0
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
    return simulator_settings(simulator, tmp_path)


@pytest.fixture
def safari(settings: Settings) -> Iterator[SafariClient]:
    with safari_client(settings) as safari:
        yield safari


def search(safari: SafariClient, query: str = "ai", seconds: float = SECONDS) -> Any:
    return safari.post(RESEARCH, SEARCH, body={"query": query}, timeout_seconds=seconds)


def play(simulator: SimulatorProcess, behaviour: str, **more: Any) -> None:
    rule = {"service": RESEARCH, "behaviour": behaviour, **more}
    simulator.play({"rules": [rule]})


def test_a_request_brings_the_answer_and_gives_the_turn_back(
    safari: SafariClient, settings: Settings
) -> None:
    assert search(safari)["count"] == 10
    assert safari.get(RESEARCH, JOBS, timeout_seconds=SECONDS)["recentJobs"] == []
    assert is_free(settings)


def test_a_request_with_a_token_and_parameters_is_let_in(safari: SafariClient) -> None:
    path, url = "/api/twitter/tweet/metrics", "https://x.com/a/status/1?s=20&t=a b"
    params = {"tweetUrl": url}
    said = safari.get("twitter-comments", path, params=params, timeout_seconds=SECONDS)
    assert said["tweetUrl"] == url


def test_a_wrong_token_is_a_no(simulator: SimulatorProcess, tmp_path: Path) -> None:
    wrong = {"SAFARI_TWITTER_COMMENTS_TOKEN": "wrong"}
    with safari_client(simulator_settings(simulator, tmp_path, **wrong)) as safari:
        with pytest.raises(ServiceRefused) as caught:
            safari.get("twitter-comments", "/api/twitter/rate-limits", timeout_seconds=SECONDS)
        assert caught.value.status == 401


def test_a_request_waits_for_its_turn(safari: SafariClient, settings: Settings) -> None:
    with taken(settings) as table, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(search, safari)
        table.release(SOMEBODY)
        assert answer.result(DEADLINE_SECONDS)["success"]


def test_nobody_waits_for_ever(settings: Settings, simulator: SimulatorProcess) -> None:
    with taken(settings), safari_client(settings, wait_seconds=0.1) as safari:
        with pytest.raises(SafariBusy):
            search(safari)
        assert simulator.world() == []
    assert is_free(settings)


def test_a_route_that_leaves_the_page_alone_needs_no_turn(
    safari: SafariClient, settings: Settings
) -> None:
    with taken(settings):
        assert "recentJobs" in safari.get(RESEARCH, JOBS, timeout_seconds=SECONDS, turn=False)


def test_where_the_parent_holds_the_turn_none_is_taken(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTP_TURN_HELD", "1")
    with taken(settings), safari_client(settings, wait_seconds=0.1) as safari:
        assert search(safari)["success"]


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


def test_two_clients_are_never_at_the_page_together(
    settings: Settings, simulator: SimulatorProcess
) -> None:
    simulator.play({"rules": [{"service": "*", "behaviour": "slow", "seconds": 0.1}]})
    path, body = "/api/twitter/messages/send-to", {"username": "maria", "text": "Hi"}
    with (
        safari_client(settings, "one") as one,
        safari_client(settings, "another") as another,
        ThreadPoolExecutor(2) as pool,
    ):
        both = [
            pool.submit(search, one),
            pool.submit(another.post, "twitter-dm", path, body=body, timeout_seconds=SECONDS),
        ]
        assert [answer.result(DEADLINE_SECONDS)["success"] for answer in both] == [True, True]
    assert [line["kind"] for line in simulator.world() if line["kind"] == "collision"] == []


def test_a_turn_is_kept_for_several_requests(safari: SafariClient, settings: Settings) -> None:
    with safari.turn(60.0):
        search(safari)
        assert not is_free(settings)
        search(safari)
    assert is_free(settings)


def test_safari_stays_taken_after_a_request_without_an_answer(
    safari: SafariClient, settings: Settings, simulator: SimulatorProcess
) -> None:
    play(simulator, "hang")
    with pytest.raises(ServiceUnavailable) as caught:
        search(safari, seconds=0.2)
    assert caught.value.may_be_busy
    assert not is_free(settings)


def test_safari_is_free_after_a_service_that_is_not_there(
    safari: SafariClient, settings: Settings, simulator: SimulatorProcess
) -> None:
    search(safari)
    simulator.down(RESEARCH)
    with pytest.raises(ServiceUnavailable, match=RESEARCH) as caught:
        search(safari)
    assert not caught.value.may_be_busy
    assert "bin/health" in caught.value.remedy
    assert is_free(settings)


def test_a_gateway_timeout_leaves_safari_taken(
    safari: SafariClient, settings: Settings, simulator: SimulatorProcess
) -> None:
    play(simulator, "gateway_timeout", seconds=0.01)
    with pytest.raises(ServiceUnavailable):
        search(safari)
    assert not is_free(settings)


def test_a_refusal_is_quoted_and_frees_safari(safari: SafariClient, settings: Settings) -> None:
    with pytest.raises(ServiceRefused, match="query is required") as caught:
        search(safari, query="")
    assert (caught.value.status, caught.value.said) == (400, {"error": "query is required"})
    assert is_free(settings)


@pytest.mark.parametrize("behaviour", ["not_json", "truncated", "invalid_utf8", "html_error"])
def test_an_answer_that_is_no_json_is_an_error(
    safari: SafariClient, simulator: SimulatorProcess, behaviour: str
) -> None:
    play(simulator, behaviour)
    with pytest.raises(ServiceError):
        search(safari)


def test_another_program_on_the_port_is_not_asked(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    swapped = {
        "SAFARI_MARKET_RESEARCH_URL": simulator.url("tiktok-comments"),
        "SAFARI_TIKTOK_COMMENTS_URL": simulator.url(RESEARCH),
    }
    with safari_client(simulator_settings(simulator, tmp_path, **swapped)) as safari:
        with pytest.raises(ServiceUnavailable, match="tiktok-comments") as caught:
            search(safari)
        assert "SAFARI_MARKET_RESEARCH_URL" in caught.value.remedy


def test_an_unknown_service_is_named(safari: SafariClient) -> None:
    with pytest.raises(NotFound, match="twitter"):
        safari.get("twitter", "/x", timeout_seconds=SECONDS)
