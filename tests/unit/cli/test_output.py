"""Output to places that cannot take it, and help that is asked for by saying nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actp.cli.failures import explain
from actp.cli.group import COMMANDS, PROGRAMS
from actp.errors import ExitCode

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


ASCII_ONLY = {
    "asked for": {"PYTHONIOENCODING": "ascii"},
    "strict": {"PYTHONIOENCODING": "ascii:strict"},
    "C locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "unknown locale": {"LC_ALL": "xx_XX.ISO-8859-1", "PYTHONUTF8": "0"},
}


@pytest.mark.parametrize("how", ASCII_ONLY)
def test_output_in_ascii_replaces_letters(how: str) -> None:
    script = (
        "import click, sys; from actp.cli.main import run; from actp.cli.output import *\n"
        "@click.command()\n"
        "def show():\n"
        "    say(''.join(map(chr, (233, 32, 9608, 9617, 8230)))); warn(chr(252))\n"
        "    emit_json(chr(233))\n"
        "sys.exit(run(show, [], 'show'))"
    )
    inherited = {
        key: value for key, value in environment().items() if key[:3] not in {"LC_", "LAN"}
    }
    inherited.pop("PYTHONUTF8", None)
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        timeout=SECONDS,
        env=inherited | ASCII_ONLY[how],
        check=False,
    )
    assert done.stdout.splitlines() == [b"? #..", rb'"\u00e9"']
    assert (done.stderr, done.returncode) == (b"\\xfc\n", 0)


@pytest.mark.parametrize("command", [HELP, [sys.executable, "-m", "demo", "--help"]])
def test_a_full_disk_behind_the_output_is_named(command: list[str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            command,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=SECONDS,
            env=environment(),
            check=False,
        )
    assert done.returncode == 1
    first, *rest = done.stderr.splitlines()
    assert first.endswith(": cannot write: No space left on device")
    assert rest == ["  Free space, or write elsewhere."]


def test_a_path_that_cannot_be_used_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nowhere" / "backup.dump"
    with pytest.raises(OSError, match="No such file") as raised:
        missing.touch()
    assert explain(raised.value, "bin/db") == ExitCode.FAILED
    first, remedy = capsys.readouterr().err.splitlines()
    assert first == f"bin/db: cannot use {missing}: No such file or directory"
    assert remedy == "  Name a path that exists."


@pytest.mark.parametrize("module", ["demo", "demo.practice"])
def test_a_wrong_option_is_refused_in_two_lines(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "--bogus"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment(),
        check=False,
    )
    name = {"demo": "bin/demo", "demo.practice": "bin/simulate"}[module]
    assert done.returncode == 2
    assert done.stderr.startswith(f"{name}: No such option '--bogus'.")
    assert done.stderr.endswith(f"  See {name} --help.\n")


def test_a_closed_output_is_no_error() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *HELP],
        stderr=subprocess.PIPE,
        timeout=SECONDS,
        env=environment(),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_closed_input_holds_no_commands() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" <&-', "sh", *HELP[:3], "enqueue", "batch", "-"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment(),
        check=False,
    )
    assert done.returncode == 2
    assert "the file has no commands" in done.stderr
