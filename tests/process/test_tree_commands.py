"""What a person does to a tree that is up, and what it refuses; one tree for all of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.actors.rows import Queue, eventually
from tests.actors.settings_for_tests import environment_for
from tests.process.test_doctor import run
from tests.process.test_tree import standing
from tests.process.workers import ROOT, START_SECONDS
from tests.support.databases import postgres_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.tree import Tree
    from simulator.process import SimulatorProcess
    from tests.support.databases import Databases

RIGHT, WRONG = "123456:the-token-of-the-bot", "654321:another-token"
REFUSED_SECONDS = 40


@dataclass(frozen=True, slots=True)
class Place:
    """A tree that is up, and how its commands are given."""

    tree: Tree
    environment: dict[str, str]
    queue: Queue

    def pids(self) -> dict[str, int]:
        return {it.name: it.pid for it in self.tree.supervisor.processes() if it.pid}

    def say(self, *arguments: str) -> str:
        done = run(self.environment, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments: str, **changes: str) -> tuple[int, str]:
        """Return the exit code of a command that does nothing, and what it says."""
        before = self.pids()
        done = run({**self.environment, **changes}, *arguments)
        assert "Traceback" not in done.stderr
        assert "unexpected" not in done.stderr
        assert self.pids() == before
        return done.returncode, done.stderr

    def report(self) -> Any:
        return json.loads(self.say("status", "--json"))


@pytest.fixture(scope="module")
def place(
    embedded_databases: Databases,
    running_simulator: SimulatorProcess,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    running_simulator.reset()
    running_simulator.play({"telegram": {"token": RIGHT}})
    with postgres_database(embedded_databases, "embedded") as database:
        settings_file = tmp_path_factory.mktemp("settings") / "settings.env"
        settings_file.write_text(f"TELEGRAM_BOT_TOKEN={WRONG}\n")
        environment = environment_for(
            database,
            running_simulator,
            tmp_path_factory.mktemp("tree"),
            ACTP_ENV_FILE=str(settings_file),
            WORKERS="1",
            TELEGRAM_CHAT_ID="42",
            TELEGRAM_API_URL=running_simulator.url("telegram"),
        )
        with standing(environment) as tree:
            yield Place(tree, environment, Queue(database))


def test_a_wrong_telegram_token_keeps_alerts_until_it_is_mended(
    place: Place, running_simulator: SimulatorProcess
) -> None:
    place.queue.execute(
        "select safari_alert('ours', 'made_for_a_test', '{\"error\": \"a cause\"}')"
    )

    def refusal() -> str:
        return str(place.report()["undelivered"].get("error"))

    eventually(lambda: "Unauthorized" in refusal(), "the refusal is known", START_SECONDS)
    shown = place.say("status")
    assert "Not delivered:" in shown
    assert "Unauthorized" in shown
    assert WRONG not in shown
    assert "made_for_a_test" in {it["kind"] for it in place.report()["alerts"]}
    assert running_simulator.messages() == []
    Path(place.environment["ACTP_ENV_FILE"]).write_text(f"TELEGRAM_BOT_TOKEN={RIGHT}\n")
    before = place.pids()
    assert "restarted background" in place.say("restart", "background")
    eventually(
        lambda: any("a cause" in text for text in running_simulator.messages()),
        "it is told",
        START_SECONDS,
    )
    assert [name for name, pid in place.pids().items() if before[name] != pid] == ["background"]


def test_restart_finishes_requests_in_flight_first(
    place: Place, running_simulator: SimulatorProcess
) -> None:
    running_simulator.play(
        {"rules": [{"service": "instagram-dm", "behaviour": "slow", "seconds": 1.0}]}
    )
    before = place.pids()
    first, second = place.queue.add("ada", "bob")
    running_simulator.wait_for(START_SECONDS, used=1)
    restarted = json.loads(place.say("restart", "--json"))["restarted"]
    assert sorted(restarted) == sorted(before)
    after = place.pids()
    assert [name for name, pid in before.items() if after.get(name) in {None, pid}] == []
    assert place.queue.statuses(first) == ["completed"]
    eventually(
        lambda: place.queue.statuses(second) == ["completed"], "so is the next", START_SECONDS
    )
    assert [it["recipient"] for it in running_simulator.effects()] == ["ada", "bob"]
    # The next one may have been begun just before the stop, and was begun anew then.
    assert place.queue.row(first)["attempt"] == 1


def test_unknown_program_is_refused_with_the_known_ones(place: Place) -> None:
    code, said = place.refused("restart", "postman")
    assert code == 66
    assert all(name in said for name in place.pids())
    code, said = place.refused("restart", "scheduler")
    assert code == 66
    assert "scheduler is part of background" in said
    code, said = place.refused("logs", "postman")
    assert code == 66
    assert "worker_00" in said


def test_logs_show_one_program_or_all_in_the_order_of_time(place: Place) -> None:
    path = place.tree.log_folder / "worker_00.log"
    # A worker at rest has written one line; a restart has it write more.
    place.say("restart", "worker")
    eventually(lambda: path.read_text().count("\n") >= 3, "it writes", START_SECONDS)
    own = place.say("logs", "worker", "-n", "3").splitlines()
    assert len(own) == 3
    assert set(own) <= set(path.read_text().splitlines())
    merged = place.say("logs", "-n", "2000").splitlines()
    told_by = [line.partition(" | ")[0].strip() for line in merged]
    assert {"worker_00", "background", "supervisord"} <= set(told_by)
    times = [line.partition(" | ")[2][:19].replace("T", " ") for line in merged]
    dated = [time for time in times if time[:2] == "20" and time[10:11] == " "]
    assert len(dated) > len(place.pids())
    assert dated == sorted(dated)


def test_the_jobs_that_ran_are_listed_with_what_became_of_them(place: Place) -> None:
    def jobs() -> dict[str, str]:
        listed = json.loads(place.say("status", "--jobs", "--json"))["jobs"]
        return {it["job"]: it["status"] for it in listed}

    # Midnight has passed: its work is caught up.
    eventually(lambda: jobs().get("safari_rate_reset") == "done", "a job is done", START_SECONDS)
    (row,) = [it for it in place.say("status", "--jobs").splitlines() if "safari_rate_reset" in it]
    assert "done" in row


def test_second_tree_in_the_same_folder_is_refused(
    place: Place,
) -> None:
    code, said = place.refused("up")
    assert code == 65
    assert "the tree is already up" in said
    before = place.pids()
    environment, arguments = place.tree.command()
    done = subprocess.run(
        arguments,
        env={**environment, **place.environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=REFUSED_SECONDS,
        check=False,
    )
    assert done.returncode != 0
    assert "already listening" in done.stdout + done.stderr
    assert place.pids() == before


def test_a_second_tree_for_the_same_services_is_refused(place: Place, tmp_path: Path) -> None:
    code, said = place.refused("up", ACTP_HOME=str(tmp_path / "another"))
    assert code == 78
    assert "another process on this host drives instagram-dm, twitter-dm" in said
    assert "bin/down" in said


def test_a_port_that_is_taken_is_named(place: Place, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = place.refused(
            "up",
            ACTP_HOME=str(tmp_path / "another"),
            ACTP_LOCK_DIR=str(tmp_path / "locks"),
            METRICS_PORT_BASE=str(port),
        )
    assert code == 78
    assert f"in use by another program: {port}" in said
    assert "METRICS_PORT_BASE" in said


@pytest.mark.parametrize("setting", ["ACTP_HOME", "ACTP_LOCK_DIR"])
def test_a_folder_that_cannot_be_written_is_named(
    place: Place, tmp_path: Path, setting: str
) -> None:
    folders = {"ACTP_HOME": str(tmp_path / "home"), "ACTP_LOCK_DIR": str(tmp_path / "locks")}
    folder = shut_folder(tmp_path)
    code, said = place.refused("up", **{**folders, setting: str(folder / "ours")})
    assert code == 78
    assert str(folder) in said
    assert setting in said


def shut_folder(tmp_path: Path) -> Path:
    """A folder in which nobody can make a file: not even root, whom no mode keeps out."""
    if os.geteuid() == 0:
        return Path("/proc")
    folder = tmp_path / "shut"
    folder.mkdir(mode=0o500)
    return folder
