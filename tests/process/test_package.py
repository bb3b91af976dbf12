"""The wheel: one import root, everything it needs beside it, and a command that runs from it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from actp.cli.group import PROGRAMS

ROOT = Path(__file__).parents[2]
BUILD_TIMEOUT_SECONDS = 60
RUN_TIMEOUT_SECONDS = 60


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=BUILD_TIMEOUT_SECONDS,
    )
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands of an environment that has the wheel and this one's packages."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "packages.pth").write_text(sysconfig.get_path("purelib"))
    with ZipFile(wheel) as archive:
        archive.extractall(site)
    command = folder / "bin" / "actp"
    program = "import sys\nfrom actp_worker import main\nsys.exit(main())\n"
    command.write_text(f"#!{folder / 'bin' / 'python'}\n{program}")
    command.chmod(0o700)
    return folder / "bin"


def run(installed: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [str(installed / "actp"), *arguments],
        env=environment,
        cwd=home,
        check=False,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_SECONDS,
    )


def test_only_one_import_root_is_installed(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        roots = {name.split("/")[0] for name in archive.namelist()}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"actp_worker"}


@pytest.mark.parametrize(
    "name",
    [
        "migrations/functions/claim.sql",
        "migrations/released.txt",
        "metrics/dashboards/queue.json",
        "metrics/rules/alerts.yml",
        "boot/launchd.plist",
        "supervisor.conf",
        "safari_cloud_agent.py",
        ".env.example",
    ],
)
def test_what_it_reads_at_run_time_is_in_the_wheel(wheel: Path, name: str) -> None:
    with ZipFile(wheel) as archive:
        assert f"actp_worker/{name}" in archive.namelist()


def test_no_test_is_in_the_wheel(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        assert [name for name in archive.namelist() if "/test_" in name] == []


def test_the_requirements_of_the_package_are_the_pinned_ones() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {(each := Requirement(line)).name: each for line in project["dependencies"]}
    pinned = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    direct = pinned.partition("# Direct\n")[2].partition("# Brought")[0]
    lines = [line.partition(" ")[0] for line in direct.splitlines() if line[:1].isalnum()]
    pins = {(each := Requirement(line)).name: each for line in lines}
    assert asked.keys() == pins.keys()
    for name, pin in pins.items():
        (version,) = (specifier.version for specifier in pin.specifier)
        assert asked[name].specifier.contains(version), name


def test_the_extras_name_what_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert extras.keys() == {"console", "demo", "dev", "notify", "report"}
    direct = {Requirement(line).name for line in project["dependencies"]}
    for part in ("console", "demo", "report"):
        assert {Requirement(line).name for line in extras[part]} <= direct
    pinned = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    listed = pinned.partition("# Direct")[2].partition("# Brought")[0].splitlines()
    lines = {line.partition(" ")[0] for line in listed if line[:1].isalnum()}
    assert set(extras["dev"]) == lines


@pytest.mark.parametrize("name", ["init", "status", *PROGRAMS])
def test_commands_and_programs_run_from_the_wheel(
    installed: Path, tmp_path: Path, name: str
) -> None:
    shown = run(installed, tmp_path, name, "--help")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("Usage: ")


def test_completion_works_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    script = run(installed, tmp_path, "completion", "bash").stdout
    words = "COMP_WORDS=(actp queue can); COMP_CWORD=2; _actp_words; echo ${COMPREPLY[@]}"
    done = subprocess.run(
        ["/bin/bash", "-c", f"{script}\n{words}"],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_SECONDS,
    )
    assert done.stdout.split() == ["cancel"]


def test_the_command_runs_from_the_wheel_and_keeps_its_state_in_the_home(
    installed: Path, tmp_path: Path
) -> None:
    shown = run(installed, tmp_path, "--help")
    assert shown.returncode == 0, shown.stderr
    assert "Usage: actp" in shown.stdout
    wrong = run(installed, tmp_path, "enqueue", "dm", "nowhere", "ada", "Hi")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("actp: ")
    assert "bin/" not in wrong.stderr
    down = run(installed, tmp_path, "db", "url")
    assert down.stderr == (
        "The tree is down, so nothing is listening at this address. Start it with actp up.\n"
    )
    inbox = run(installed, tmp_path, "inbox", "draft", "--help")
    assert "actp review" in " ".join(inbox.stdout.split())
    assert "bin/" not in inbox.stdout
