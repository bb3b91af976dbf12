"""What only macOS has, with stand-ins that answer as the programs of macOS 14 and 15 do."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from actp import boot, macos
from actp.doctor.host import programs, sleep
from actp.errors import ActpError
from actp.safari.front import Front
from actp.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

WAIT_SECONDS = 60
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
    monkeypatch.setattr(macos, "PMSET", program(tmp_path, "pmset", f"cat '{tmp_path}/said'"))
    settings = load_settings({"ACTP_HOME": str(tmp_path), **environment}, tmp_path / "none")
    return [finding.is_problem for finding in sleep(settings)]


def test_a_mac_is_kept_awake_until_the_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    os.mkfifo(seen)
    monkeypatch.setattr(
        macos, "CAFFEINATE", program(tmp_path, "caffeinate", f"echo \"$@\" >'{seen}'")
    )
    keeper = macos.keep_awake(4711)
    assert keeper is not None
    with subprocess.Popen(["cat", seen], stdout=subprocess.PIPE, text=True) as reader:
        said, _ = reader.communicate(timeout=WAIT_SECONDS)
    keeper.wait(WAIT_SECONDS)
    assert said.split() == ["-i", "-s", "-w", "4711"]


def test_a_mac_without_caffeinate_runs_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(macos, "CAFFEINATE", str(tmp_path / "none"))
    assert macos.keep_awake(os.getpid()) is None


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
    monkeypatch.setattr(macos, "PMSET", program(tmp_path, "pmset", body))
    settings = load_settings({"ACTP_HOME": str(tmp_path)}, tmp_path / "none")
    assert not [finding for finding in sleep(settings) if finding.is_problem]


@pytest.mark.parametrize("said", ["14.7.1", "15.1"])
def test_the_doctor_names_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    body = f'[ "$*" = "-n kern.osproductversion" ] && echo {said}'
    monkeypatch.setattr(macos, "SYSCTL", program(tmp_path, "sysctl", body))
    monkeypatch.setattr(macos, "OSASCRIPT", program(tmp_path, "osascript", "exit 0"))
    assert macos.version() == said
    settings = load_settings({"ACTP_HOME": str(tmp_path)}, tmp_path / "none")
    assert any(said in finding.said for finding in programs(settings))


# What osascript prints to standard error when Safari is closed, and when it may not control it.
REFUSALS = {
    "closed": "31:40: execution error: Safari got an error: Application isn\u2019t running. (-600)",
    "denied": "0:9: execution error: Not authorized to send Apple events to Safari. (-1743)",
}


@pytest.mark.parametrize("why", REFUSALS)
def test_a_safari_that_refuses_has_no_front_tab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    body = f"echo {REFUSALS[why]!r} >&2\nexit 1"
    monkeypatch.setattr(macos, "OSASCRIPT", program(tmp_path, "osascript", body))
    assert Front().bring(1, 2) == ""


class Launchd:
    """A launchctl that remembers what is loaded, and unloads as slowly as macOS 15 does."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls, self.loaded = folder / "calls", folder / "loaded"
        self._folder, self._monkeypatch = folder, monkeypatch
        self.answer("0")

    def answer(self, bootstrap: str) -> None:
        """Let bootstrap end with a code, and print what macOS prints with it."""
        body = f"""
echo "$@" >>'{self.calls}'
case $1 in
    bootstrap)
        [ -e '{self.loaded}' ] && {{ echo 'Bootstrap failed: 5: Input/output error' >&2; exit 5; }}
        [ {bootstrap} = 0 ] ||
            {{ echo 'Bootstrap failed: {bootstrap}: refused' >&2; exit {bootstrap}; }}
        touch '{self.loaded}' ;;
    bootout)
        [ -e '{self.loaded}' ] || {{ echo 'Boot-out failed: 3: No such process' >&2; exit 3; }}
        echo 2 >'{self.loaded}.ending'
        exit 36 ;;
    print)
        [ -e '{self.loaded}' ] || {{ echo 'Could not find service' >&2; exit 113; }}
        [ -e '{self.loaded}.ending' ] || exit 0
        left=$(cat '{self.loaded}.ending')
        [ "$left" -gt 0 ] && {{ echo $((left - 1)) >'{self.loaded}.ending'; exit 0; }}
        rm '{self.loaded}' '{self.loaded}.ending'
        exit 113 ;;
esac"""
        made = program(self._folder, "launchctl", body)
        self._monkeypatch.setattr(macos, "LAUNCHCTL", made)


@pytest.fixture
def launchd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Launchd:
    return Launchd(tmp_path, monkeypatch)


def agent(folder: Path) -> boot.Service:
    settings = load_settings({"ACTP_HOME": str(folder)}, folder / "none")
    return boot.service(settings, platform="darwin", env={"HOME": str(folder)})


def test_an_agent_is_replaced_only_once_the_old_one_has_ended(
    tmp_path: Path, launchd: Launchd
) -> None:
    boot.install(agent(tmp_path))
    boot.install(agent(tmp_path))
    assert launchd.loaded.exists()
    words = [line.split()[0] for line in launchd.calls.read_text().splitlines()]
    assert words == ["bootstrap", "bootout", *["print"] * 3, "bootstrap"]
    boot.uninstall(agent(tmp_path))
    assert not launchd.loaded.exists()
    assert not agent(tmp_path).path.exists()


@pytest.mark.parametrize(("code", "words"), [("125", "ssh"), ("5", "--uninstall"), ("99", "login")])
def test_a_refusal_of_launchctl_has_a_remedy(
    tmp_path: Path, launchd: Launchd, code: str, words: str
) -> None:
    launchd.answer(code)
    with pytest.raises(ActpError, match=f"Bootstrap failed: {code}") as raised:
        boot.install(agent(tmp_path))
    assert words in (raised.value.remedy or "")


def test_a_mac_without_an_answer_has_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(macos, "SYSCTL", str(tmp_path / "none"))
    assert macos.version() is None


def test_elsewhere_nothing_of_macos_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert (macos.version(), macos.sleep_settings(), macos.keep_awake(1)) == (None, {}, None)
    assert macos.osascript() == "osascript"
