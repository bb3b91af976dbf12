"""``bin/install-service`` on this system, with a stand-in for what the system would be told."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from configparser import RawConfigParser
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.process.test_doctor import run
from tests.process.workers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

VERIFY_SECONDS = 60
IS_MAC = sys.platform == "darwin"
MANAGER = "launchctl" if IS_MAC else "systemctl"
UP = str(ROOT / "bin" / "up")


@dataclass(frozen=True, slots=True)
class Machine:
    """A home and a manager of services that writes down what it is told."""

    folder: Path

    def stand_in(self, code: int) -> None:
        """Let the manager end with this code from now on."""
        program = self.folder / "bin" / MANAGER
        program.parent.mkdir(exist_ok=True)
        told = self.folder / "told"
        program.write_text(f'#!/bin/sh\necho "$*" >>"{told}"\necho no bus >&2\nexit {code}\n')
        program.chmod(0o755)

    def install(self, *options: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "ACTP_HOME": str(self.folder / "home"),
            "ACTP_ENV_FILE": "",
            "STOP_SECONDS": "77",
        }
        return run(environment, "install-service", *options)

    @property
    def told(self) -> list[str]:
        path = self.folder / "told"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def file(self) -> Path:
        if IS_MAC:
            return self.folder / "Library" / "LaunchAgents" / "actp-worker.plist"
        return self.folder / "config" / "systemd" / "user" / "actp-worker.service"

    @property
    def said(self) -> tuple[str, float]:
        """What is run, and how many seconds it is given to stop."""
        if IS_MAC:
            agent: dict[str, Any] = plistlib.loads(self.file.read_bytes())
            return " ".join(agent["ProgramArguments"]), float(agent["ExitTimeOut"])
        unit = RawConfigParser()
        unit.read(self.file)
        return unit["Service"]["ExecStart"], float(unit["Service"]["TimeoutStopSec"])


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.stand_in(0)
    return machine


def test_it_is_installed_replaced_and_removed(machine: Machine) -> None:
    assert machine.install().returncode == 0
    command, stop_seconds = machine.said
    assert UP in command
    assert command.endswith("--foreground")
    assert stop_seconds > 77
    first = machine.told
    assert any(str(machine.file) in line or machine.file.name in line for line in first)
    machine.file.write_text("of an older version")
    assert machine.install().returncode == 0
    assert machine.said == (command, stop_seconds)
    ended, *again = machine.told[len(first) :]
    assert ("bootout" if IS_MAC else "disable") in ended
    assert again == first
    assert machine.install("--uninstall").returncode == 0
    assert machine.told[-1] == ended
    assert not machine.file.exists()
    done = machine.install("--uninstall")
    assert done.returncode == 66
    assert "bin/install-service installs it" in done.stderr


def test_a_dry_run_shows_all_and_does_nothing(machine: Machine) -> None:
    shown = machine.install("--dry-run").stdout
    assert str(machine.file) in shown
    assert UP in shown
    assert f"\n{MANAGER} " in shown
    assert (machine.told, machine.file.exists()) == ([], False)


def test_a_system_that_refuses_is_quoted_with_what_helps(machine: Machine) -> None:
    machine.stand_in(1)
    done = machine.install()
    assert done.returncode != 0
    assert "no bus" in done.stderr
    assert "login session" in done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_finds_nothing_wrong_with_what_is_written(machine: Machine) -> None:
    machine.install()
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", machine.file],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(machine.folder)},
        timeout=VERIFY_SECONDS,
    )
    assert machine.file.name not in done.stderr
    assert done.returncode == 0, done.stderr
