"""The flags of safari_cloud_agent.py."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actp import __version__
from actp.cli.bootstrap import EXIT_CONFIG
from actp.errors import ExitCode
from tests.unit.cli.conftest import Cli, check_error

if TYPE_CHECKING:
    from tests.support.databases import Database

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "safari_cloud_agent.py"
PROCESS_TIMEOUT_SECONDS = 90


def test_no_flag_shows_what_there_is(script: Cli) -> None:
    result = script()
    assert result.code == 0
    assert "--enqueue-dm PLATFORM HANDLE TEXT" in result.out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--status", "--health"), ("--health and --status cannot go together",)),
        (("--run-once", "--retry-failed"), ("--run-once and --retry-failed",)),
        (("--status", "failed"), ("only with --history", "'failed'")),
        (("--history", "--status"), ("needs a value",)),
        (("--limit", "3"), ("--limit needs another option",)),
        (("--health", "--limit", "3"), ("--limit cannot be combined with --health",)),
        (("--daemon", "--json"), ("--json cannot be combined with --daemon",)),
        (("--cancel",), ("--cancel",)),
        (("--enqueue-dm", "instagram", "ada"), ("3 arguments",)),
        (("--enqueue-dm", "instagram", 'a"b', "Hi"), ("not a username of instagram",)),
        (("--enqueue-research", "twitter", "ai", "-5"), ("1 to 1000",)),
        (("--statuss",), ("--status",)),
        (("status",), ("status",)),
        (("--history", "--status", "faild"), ("faild",)),
    ],
)
def test_a_slip_is_named(script: Cli, flags: tuple[str, ...], words: tuple[str, ...]) -> None:
    check_error(script(*flags), ExitCode.USAGE, "safari_cloud_agent.py", *words)


@pytest.mark.usefixtures("queue")
def test_status_is_a_flag_alone_and_a_filter_of_history(script: Cli) -> None:
    assert "queue" in script("--status", "--json").json
    assert "Safari queue" in script("--status").out
    assert script("--history", "--status", "failed", "--json").json == []
    assert script("--history", "--status=failed", "--limit", "5").out == "No command matches.\n"


@pytest.mark.usefixtures("queue")
def test_a_command_goes_through_its_life_by_flags(script: Cli) -> None:
    made = script(
        *("--enqueue-dm", "instagram", "ada", "- hi", "--priority", "1", "--key", "k", "--json")
    ).json
    assert made["params"]["text"] == "- hi"
    assert script("--history", "--status", "pending", "--json").json[0]["id"] == made["id"]
    assert script("--cancel", made["id"]).code == 0
    check_error(script("--cancel", made["id"]), ExitCode.WRONG_STATE, "cancelled already")
    assert script("--retry", made["id"][:8]).code == 0
    check_error(script("--resolve", made["id"], "sent"), ExitCode.WRONG_STATE, "not unknown")
    events = script("--show", made["id"], "--json").json["events"]
    assert [event["event"] for event in events] == ["enqueued", "cancelled", "requeued"]


@pytest.mark.usefixtures("queue")
def test_the_rest_of_the_flags_reach_their_commands(script: Cli) -> None:
    post = "https://www.instagram.com/p/abc/"
    assert script("--enqueue-comment", "instagram", post, "Nice", "--dry-run").code == 0
    assert script("--enqueue-research", "twitter", "ai", "50", "--at", "2h").code == 0
    assert script("--rate-limits", "--json").json[0]["platform"] == "instagram"
    assert script("--retry-failed", "--json").json == {"requeued": 0}
    assert script("--health", "--json").code == ExitCode.FAILED


def test_a_python_without_the_packages_hands_over_to_the_projects_own(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False)
    project = tmp_path / "project"
    project.mkdir()
    for name in ("actp", "safari_cloud_agent.py"):
        (project / name).symlink_to(ROOT / name)
    script = project / "probe.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\n"
        "from actp.cli.bootstrap import ensure_packages\n"
        "ensure_packages(__file__, Path(__file__).parent)\n"
        "import click\n"
        "print('ready', *sys.argv[1:])\n"
    )
    command = [str(bare / "bin" / "python"), str(script), "--status"]
    lost = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PROCESS_TIMEOUT_SECONDS
    )
    assert lost.returncode == EXIT_CONFIG == ExitCode.CONFIG
    assert "bin/setup" in lost.stderr
    assert "Traceback" not in lost.stderr
    (project / ".venv").symlink_to(sys.prefix)
    found = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PROCESS_TIMEOUT_SECONDS
    )
    assert found.stdout == "ready --status\n", found.stderr


TALKATIVE = """
import sys, click
from actp.cli.main import run
sys.exit(run(click.command()(lambda: print("words " * 100_000)), [], "talk"))
"""


@pytest.mark.parametrize(
    "spoken", [(SCRIPT, "--rate-limits"), ("-c", TALKATIVE)], ids=["little", "much"]
)
def test_a_reader_that_leaves_is_no_error(queue: Database, spoken: tuple[str, str]) -> None:
    environment = {**os.environ, **queue.environment, "PYTHONPATH": str(ROOT)}
    read, write = os.pipe()
    os.close(read)
    try:
        process = subprocess.run(
            [sys.executable, *spoken],
            env=environment,
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=PROCESS_TIMEOUT_SECONDS,
        )
    finally:
        os.close(write)
    assert process.stderr == ""
    assert process.returncode == 141


def test_the_version_is_printed(run: Cli) -> None:
    assert run("--version").out == f"actp-worker, version {__version__}\n"
