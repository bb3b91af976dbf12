"""Keeping a Mac awake, with programs in the place of macOS's own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from actp import awake
from actp.doctor.host import sleep
from actp.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

WAIT_SECONDS = 20
# As macOS 15 prints it, on a portable on battery.
PMSET = """\
System-wide power settings:
Currently in use:
 standby              1
 Sleep On Power Button 1
 hibernatefile        /var/vm/sleepimage
 powernap             1
 networkoversleep     0
 disksleep            10
 sleep                {sleep}
 hibernatemode        3
 ttyskeepawake        1
 displaysleep         2
 tcpkeepalive         1
"""


def program(folder: Path, name: str, body: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(autouse=True)
def on_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")


def sleeps_after(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **environment: str
) -> list[bool]:
    """Return for each finding of the doctor whether it is a problem."""
    (tmp_path / "said").write_text(PMSET.format(sleep=said))
    monkeypatch.setattr(awake, "PMSET", program(tmp_path, "pmset", f"cat '{tmp_path}/said'"))
    settings = load_settings({"ACTP_HOME": str(tmp_path), **environment}, tmp_path / "none")
    return [finding.is_problem for finding in sleep(settings)]


def test_a_mac_is_kept_awake_until_the_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    os.mkfifo(seen)
    monkeypatch.setattr(
        awake, "CAFFEINATE", program(tmp_path, "caffeinate", f"echo \"$@\" >'{seen}'")
    )
    keeper = awake.keep_awake(4711)
    assert keeper is not None
    with subprocess.Popen(["cat", seen], stdout=subprocess.PIPE, text=True) as reader:
        said, _ = reader.communicate(timeout=WAIT_SECONDS)
    keeper.wait(WAIT_SECONDS)
    assert said.split() == ["-i", "-s", "-w", "4711"]


def test_a_mac_without_caffeinate_runs_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awake, "CAFFEINATE", str(tmp_path / "none"))
    assert awake.keep_awake(os.getpid()) is None


@pytest.mark.parametrize(
    ("said", "keeps_awake", "problems"),
    [
        ("1", "true", [False]),
        ("1", "false", [True]),
        ("10 (sleep prevented by coreaudiod, caffeinate)", "false", [True]),
        ("0", "false", [False]),
        ("0 (sleep prevented by sharingd)", "false", [False]),
    ],
)
def test_the_doctor_names_a_mac_that_goes_to_sleep(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    keeps_awake: str,
    problems: list[bool],
) -> None:
    assert sleeps_after(said, tmp_path, monkeypatch, KEEP_AWAKE=keeps_awake) == problems


@pytest.mark.parametrize("body", ["exit 1", "echo nothing of use", "printf '\\377\\376'"])
def test_the_doctor_says_nothing_where_pmset_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.setattr(awake, "PMSET", program(tmp_path, "pmset", body))
    settings = load_settings({"ACTP_HOME": str(tmp_path)}, tmp_path / "none")
    assert not [finding for finding in sleep(settings) if finding.is_problem]
