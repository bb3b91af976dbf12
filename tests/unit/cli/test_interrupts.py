"""Ctrl-C before a command is ready, and while it runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from actp.checkout import PROJECT_ROOT

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 60
INTERRUPT = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
COMMAND = f"""
import sys
import click
from actp.cli.main import run
@click.command()
def wait():
    {INTERRUPT}
sys.exit(run(wait, sys.argv[1:], "wait"))
"""


def launched(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "interrupted_program.py").write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "actp.launch", "interrupted_program"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "PYTHONPATH": f"{PROJECT_ROOT}{os.pathsep}{folder}"},
        check=False,
    )


@pytest.mark.parametrize(
    ("text", "code"), [(INTERRUPT, -signal.SIGINT), (COMMAND, 130)], ids=["import", "command"]
)
def test_an_interrupted_program_prints_nothing(tmp_path: Path, text: str, code: int) -> None:
    done = launched(tmp_path, text)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (code, "", "")


def test_a_launched_module_sees_its_arguments() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "actp.launch", "actp.cli", "enqueue", "dm", "--help"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
        check=False,
    )
    assert done.stdout.startswith("Usage: bin/enqueue dm ")


def test_every_launcher_goes_through_it() -> None:
    assert "-m actp.launch " in (PROJECT_ROOT / "bin" / "_run").read_text(encoding="utf-8")
