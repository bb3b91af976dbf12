"""A task ends with its starter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from actp.dispatch.parent import VARIABLE, parent_pipe

ROOT = Path(__file__).parents[3]
END_SECONDS = 60.0
PROGRAM = """
from actp.dispatch.parent import follow
import os, sys
follow()
print(os.environ.get("ACTP_PARENT_PIPE"), flush=True)
sys.stdin.read()
"""


def start(*, descriptor: int | None = None, number: str = "") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, VARIABLE: number or str(descriptor)},
        pass_fds=() if descriptor is None else (descriptor,),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "None\n"
    return process


def test_it_is_killed_when_the_other_end_closes() -> None:
    with parent_pipe() as descriptor:
        process = start(descriptor=descriptor)
        assert process.poll() is None
    assert process.wait(END_SECONDS) == -9
    process.communicate()


@pytest.mark.parametrize("number", ["", "999", "-1", "x"])
def test_without_a_parent_pipe_it_goes_its_way(number: str) -> None:
    process = start(number=number or "none")
    process.communicate("", END_SECONDS)
    assert process.returncode == 0
