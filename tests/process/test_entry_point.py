"""``safari_cloud_agent.py`` at work: a run that ends, a daemon that stays."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.actors.rows import Queue, eventually
from tests.actors.settings_for_tests import environment_for
from tests.process.workers import ROOT, START_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.process import SimulatorProcess

RUN_SECONDS = 80
SCRIPT = [sys.executable, "safari_cloud_agent.py"]


@pytest.fixture
def environment(queue: Queue, simulator: SimulatorProcess, tmp_path: Path) -> dict[str, str]:
    return environment_for(queue.database, simulator, tmp_path)


def run(environment: dict[str, str], *arguments: str) -> Any:
    done = subprocess.run(
        [*SCRIPT, *arguments, "--json"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=True,
    )
    return json.loads(done.stdout)


def test_a_run_works_off_all_that_is_due_and_waits_out_its_retries(
    queue: Queue, simulator: SimulatorProcess, environment: dict[str, str]
) -> None:
    refused = {
        "service": "instagram-dm",
        "behaviour": "refuse_before_send",
        "match": {"recipient": "bob"},
        "times": 1,
        "error": "Message input not found",
    }
    simulator.play({"rules": [refused]})
    ids = queue.add("ada", "bob", "eve")
    summary = run({**environment, "SAFARI_RETRY_BASE_SECONDS": "0.2"}, "--run-once")
    assert (summary["completed"], summary["waiting"], summary["timed_out"]) == (3, [], False)
    assert set(queue.statuses(*ids)) == {"completed"}
    assert sorted(line["recipient"] for line in simulator.world()) == ["ada", "bob", "eve"]


def test_a_run_beside_a_daemon_wakes_it_and_watches(
    queue: Queue, simulator: SimulatorProcess, environment: dict[str, str]
) -> None:
    with subprocess.Popen([*SCRIPT, "--daemon"], cwd=ROOT, env=environment) as daemon:
        try:
            (first,) = queue.add("ada")
            eventually(lambda: queue.statuses(first) == ["completed"], "it works", START_SECONDS)
            queue.add("bob")
            summary = run(environment, "--run-once")
            assert (summary["timed_out"], summary["waiting"]) == (False, [])
        finally:
            daemon.terminate()
        assert daemon.wait(RUN_SECONDS) == 0
    assert sorted(line["recipient"] for line in simulator.world()) == ["ada", "bob"]
