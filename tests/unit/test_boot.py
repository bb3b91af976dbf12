"""The files that start the tree with the machine."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from actp.boot import Service, installed_stop_seconds, service
from actp.settings import load_settings
from actp.tree import STOP_MARGIN_SECONDS
from tests.support.environment import skip_or_fail

AWKWARD = Path('/Users/ada/My Projects/50% <done> & "so" $on/actp-worker')
VERIFY_SECONDS = 60


def made(platform: str, home: Path, root: Path = AWKWARD, **settings: str) -> Service:
    loaded = load_settings({"ACTP_ENV_FILE": "", **settings})
    return service(loaded, platform=platform, env={"HOME": str(home)}, root=root)


def test_the_launchd_agent_runs_up_from_any_path(tmp_path: Path) -> None:
    agent = made("darwin", tmp_path)
    assert agent.path == tmp_path / "Library" / "LaunchAgents" / "actp-worker.plist"
    said = plistlib.loads(agent.text.encode())
    assert said["ProgramArguments"] == [str(AWKWARD / "bin" / "up"), "--foreground"]
    assert said["WorkingDirectory"] == str(AWKWARD)
    assert said["KeepAlive"] == {"SuccessfulExit": False}
    assert said["RunAtLoad"] is True
    assert said["ThrottleInterval"] == 10
    assert "/opt/homebrew/bin" in said["EnvironmentVariables"]["PATH"]
    assert Path(said["StandardErrorPath"]).is_absolute()


@pytest.mark.parametrize("platform", ["darwin", "linux"])
def test_the_tree_has_time_to_end_what_is_on_the_wire(platform: str, tmp_path: Path) -> None:
    assert installed_stop_seconds(platform, {"HOME": str(tmp_path)}) is None
    it = made(platform, tmp_path, STOP_SECONDS="77")
    it.path.parent.mkdir(parents=True)
    it.path.write_text(it.text)
    installed = installed_stop_seconds(platform, {"HOME": str(tmp_path)})
    assert installed is not None
    assert installed > 77 + STOP_MARGIN_SECONDS


def test_what_cannot_be_read_counts_as_not_installed(tmp_path: Path) -> None:
    it = made("darwin", tmp_path)
    it.path.parent.mkdir(parents=True)
    it.path.write_text("no plist")
    assert installed_stop_seconds("darwin", {"HOME": str(tmp_path)}) is None


def test_systemd_takes_the_unit_from_an_awkward_path(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        skip_or_fail("systemd-analyze is not installed")
    root = tmp_path / '50% "so" done'
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "up").write_text("#!/bin/sh\n")
    (root / "bin" / "up").chmod(0o755)
    unit = made("linux", tmp_path, root)
    assert unit.path == tmp_path / ".config" / "systemd" / "user" / "actp-worker.service"
    path = tmp_path / unit.path.name
    path.write_text(unit.text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", path],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
        timeout=VERIFY_SECONDS,
    )
    assert unit.path.name not in done.stderr
    assert done.returncode == 0, done.stderr


def test_it_is_the_system_of_the_user_that_is_told(tmp_path: Path) -> None:
    agent, unit = made("darwin", tmp_path), made("linux", tmp_path)
    assert agent.load[0][:2] == ("/bin/launchctl", "bootstrap")
    assert agent.load[0][2].startswith("gui/")
    assert [command[:2] for command in unit.load] == [("systemctl", "--user")] * 2
