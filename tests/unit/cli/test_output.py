"""Output to places that cannot take it, and help that is asked for by saying nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actp.cli.group import COMMANDS, PROGRAMS

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Cli

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 60
HELP = [sys.executable, "-m", "actp.cli", "enqueue", "dm", "--help"]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


@pytest.mark.parametrize("group", ["campaign", "contacts", "db", "enqueue", "people", "queue"])
def test_a_group_alone_prints_its_help(run: Cli, group: str) -> None:
    result = run(group)
    assert result.code == 0
    assert result.out.startswith(f"Usage: bin/{group} ")
    assert "\nCommands:\n  " in result.out
    assert result.err == ""


@pytest.mark.parametrize("group", ["campaign", "db", "enqueue", "queue"])
def test_help_cuts_no_line(run: Cli, group: str) -> None:
    assert "..." not in run(group, "--help").out.partition("Commands:")[2]


def test_every_summary_is_one_short_sentence() -> None:
    for entry in (*COMMANDS.values(), *PROGRAMS.values()):
        assert len(entry.summary) <= 70
        assert entry.summary.endswith(".")


def test_help_imports_no_command() -> None:
    script = (
        "import sys; from actp.cli.main import main; main(['--help'])\n"
        "print([name for name in sys.modules if name in"
        " {'pydantic', 'psycopg', 'rich', 'httpx', 'actp.cli.status', 'actp.settings'}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment(),
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_terminal_without_a_letter_shows_a_question_mark() -> None:
    done = subprocess.run(
        [*HELP[:-3], "show", "é…"],
        capture_output=True,
        timeout=SECONDS,
        env=environment(PYTHONIOENCODING="ascii", ACTP_ENV_FILE=""),
        check=False,
    )
    assert b"unexpected" not in done.stderr


def test_a_full_disk_behind_the_output_is_named() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            HELP,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=SECONDS,
            env=environment(),
            check=False,
        )
    assert done.returncode == 1
    assert b"No space left on device" in done.stderr
    assert b"unexpected" not in done.stderr


def test_a_closed_output_is_no_error() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *HELP],
        stderr=subprocess.PIPE,
        timeout=SECONDS,
        env=environment(),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
