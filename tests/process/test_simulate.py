"""``bin/simulate``: stand-ins that stay up, and settings that lead every command to them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actp.settings import load_settings
from simulator.process import free_port_base
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 90


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}


@pytest.fixture
def practice(environment: dict[str, str], tmp_path: Path) -> Iterator[Terminal]:
    options = ["--port-base", str(free_port_base()), "--folder", str(tmp_path / "practice")]
    command = [sys.executable, "-m", "demo.practice", *options]
    with Terminal(command, environment) as terminal:
        yield terminal


def actp(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "actp.cli", *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_command_reaches_the_stand_ins_and_nothing_else(
    practice: Terminal, environment: dict[str, str]
) -> None:
    path = practice.expect(r"export ACTP_ENV_FILE=\S+").partition("=")[2]
    practice.expect("What recipients see:")
    settings = load_settings({}, Path(path))
    assert settings.store_kind == "embedded"
    assert settings.actp_home.is_relative_to(Path(path).parent)
    assert settings.actp_lock_dir.is_relative_to(Path(path).parent)
    here = {**environment, "ACTP_ENV_FILE": path}
    text = f"Hello from {os.getpid()}"
    try:
        actp(here, "enqueue", "dm", "instagram", "ada", text, "--key", text)
        answer = json.loads(actp(here, "run-once", "--timeout", "60", "--json"))
        assert answer["completed"] == 1, answer
        practice.expect(rf"instagram-dm +DM to ada: {text}")
    finally:
        practice.type("\x03")
    assert practice.wait() == 128 + signal.SIGINT
    assert "The simulated services are down" in practice.output


def test_settings_in_the_environment_are_refused(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo.practice"],
        env={**environment, "DATABASE_URL": "postgresql://real@db/queue"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 65
    assert "DATABASE_URL" in done.stderr
    assert "unset" in done.stderr
