"""The simulator as a process: start, steer, stop, and what remains after a kill."""

from __future__ import annotations

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from simulator.process import SimulatorFailed, SimulatorProcess, free_port_base

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Caller

START_SECONDS = 60


def test_it_stops_on_sigterm_with_exit_code_0_while_a_request_hangs(http: httpx.Client) -> None:
    scenario = {"rules": [{"service": "twitter-dm", "behaviour": "hang"}]}
    with SimulatorProcess(scenario=scenario) as simulator:
        body = {"username": "a", "text": "b"}
        url = f"{simulator.url('twitter-dm')}/api/twitter/messages/send-to"
        with pytest.raises(httpx.ReadTimeout):
            http.post(url, json=body, timeout=0.2)
        assert simulator.stop() == 0


def test_the_world_log_survives_a_kill_and_a_new_start_on_the_same_ports(
    http: httpx.Client,
) -> None:
    with SimulatorProcess() as simulator:
        body = {"username": "a", "text": "b"}
        path = "/api/twitter/messages/send-to"
        http.post(simulator.url("twitter-dm") + path, json=body)
        simulator.kill()
        assert [e["recipient"] for e in simulator.effects()] == ["a"]
        simulator.start()
        http.post(simulator.url("twitter-dm") + path, json=body)
        assert len(simulator.effects("twitter-dm")) == 2


def test_a_taken_port_is_one_clear_line_and_exit_code_75() -> None:
    base = free_port_base()
    with socket.create_server(("127.0.0.1", base + 3)):
        done = subprocess.run(
            [sys.executable, "-m", "simulator", "--port-base", str(base)],
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
    assert done.returncode == 75
    assert f"port {base + 3} for instagram-comments" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_it_ends_with_the_process_that_started_it() -> None:
    base = str(free_port_base())
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "--port-base", base, "--until-stdin-closes"],
        input=b"",
        capture_output=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.endswith(b"ready\n")


def test_a_service_goes_down_and_comes_up(call: Caller) -> None:
    call.simulator.down("tiktok-dm")
    with pytest.raises(httpx.ConnectError):
        call.get("tiktok-dm", "/health")
    call.simulator.up("tiktok-dm")
    assert call.get("tiktok-dm", "/health").status_code == 200


def test_work_in_hand_dies_with_the_service(call: Caller) -> None:
    call.play("twitter-dm", "slow", seconds=30)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(call.send, "twitter-dm")
        call.simulator.wait_for(used=1)
        call.simulator.crash("twitter-dm")
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            answer.result(START_SECONDS)
    assert call.seen() == []


def test_the_control_port_shows_the_world(call: Caller) -> None:
    call.send("twitter-dm")
    world = call.http.get(call.simulator.url("control") + "/world").json()
    assert world == call.simulator.world()


def test_waiting_in_vain_ends(call: Caller) -> None:
    with pytest.raises(SimulatorFailed, match="waited in vain"):
        call.simulator.wait_for(seconds=0.05, effects=1)


def test_reset_forgets_everything(call: Caller) -> None:
    call.play("twitter-dm", "fail")
    call.send("instagram-dm")
    call.simulator.reset()
    assert call.seen() == []
    assert call.send("twitter-dm").json()["success"] is True


def test_a_scenario_that_a_service_cannot_play_is_refused(call: Caller) -> None:
    with pytest.raises(SimulatorFailed, match="twitter-dm never answers lock"):
        call.play("twitter-dm", "lock")


def test_two_services_at_the_page_at_once_collide(call: Caller) -> None:
    call.play("*", "slow", seconds=0.4)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(call.send, ["twitter-dm", "instagram-dm"]))
    (collision,) = call.seen("collision")
    assert {collision["service"], collision["with_service"]} == {"twitter-dm", "instagram-dm"}


def test_requests_in_turn_do_not_collide(call: Caller) -> None:
    call.play("*", "slow", seconds=0.01)
    for service in ("twitter-dm", "instagram-dm", "linkedin-automation"):
        call.send(service)
    assert call.seen("collision") == []


def test_linkedin_locks_safari_for_itself(call: Caller) -> None:
    call.play("linkedin-automation", "slow", seconds=0.4)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(call.send, ["linkedin-automation"] * 2))
    assert sorted(answer.status_code for answer in answers) == [200, 429]


def test_tiktok_refuses_a_second_request_for_a_user_in_flight(call: Caller) -> None:
    call.play("tiktok-dm", "slow", seconds=0.4)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(call.send, ["tiktok-dm"] * 2))
    assert sorted(answer.status_code for answer in answers) == [200, 429]
    assert len(call.seen("dm")) == 1


def test_help_explains_every_behaviour() -> None:
    from simulator.scenario.behaviours import Behaviour

    done = subprocess.run(
        [sys.executable, "-m", "simulator", "--help"],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=True,
    )
    assert [b for b in Behaviour if f"  {b} " not in done.stdout] == []
