"""Completion as each shell asks for it, in the shell itself."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
from pathlib import Path
from time import monotonic

import pytest

from actp.cli.completion import candidates
from tests.support.environment import skip_or_fail

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 60


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["bin/queue", "can"], ["cancel"]),
        (["/somewhere/bin/queue", "res"], ["reschedule", "resolve"]),
        (["bin/history", "--status", "unk"], ["unknown"]),
        (["bin/history", "--te"], ["--text"]),
        (["bin/nothing", ""], []),
    ],
)
def test_what_may_follow_is_offered(words: list[str], expected: list[str]) -> None:
    assert candidates(words) == expected


def test_bash_completes_a_command_by_its_script() -> None:
    script = subprocess.run(
        [ROOT / "bin" / "completion", "bash"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
        cwd="/",
    ).stdout
    asked = f"""{script}
COMP_WORDS=(bin/queue can); COMP_CWORD=1; _actp_words; echo "${{COMPREPLY[@]}}"
complete -p bin/queue"""
    done = subprocess.run(
        ["bash", "-c", asked], capture_output=True, text=True, timeout=SECONDS, check=True
    )
    assert done.stdout.splitlines() == ["cancel", "complete -o default -F _actp_words bin/queue"]


def need(shell: str) -> None:
    if shutil.which(shell) is None:
        skip_or_fail(f"{shell} is not installed (apt install {shell})")


def script_for(shell: str) -> str:
    launcher = ROOT / "bin" / "completion"
    return subprocess.run(
        [launcher, shell], capture_output=True, text=True, timeout=SECONDS, check=True
    ).stdout


def typed(command: list[str], lines: list[str], wanted: str) -> str:
    """Type into a shell on its own terminal, and return what it shows until ``wanted``."""
    terminal, inner = pty.openpty()
    shown, deadline = b"", monotonic() + SECONDS
    shell = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "TERM": "dumb"},
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
    )
    try:
        for line in lines:
            os.write(terminal, line.encode())
        while wanted.encode() not in shown and monotonic() < deadline:
            if select.select([terminal], [], [], 1.0)[0]:
                shown += os.read(terminal, 65_536)
    finally:
        shell.kill()
        shell.wait(SECONDS)
        os.close(inner)
        os.close(terminal)
    return shown.decode(errors="replace")


def test_zsh_completes_what_is_typed(tmp_path: Path) -> None:
    need("zsh")
    setup = tmp_path / "setup.zsh"
    start = f"autoload -Uz compinit && compinit -u -d {tmp_path / 'dump'}\n"
    setup.write_text(start + script_for("zsh") + "print -r ready\n")
    lines = [f"source {setup}\n", "bin/history --status unk\t"]
    shown = typed(["zsh", "-f", "-i"], lines, "--status unknown")
    assert "--status unknown" in shown


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bin/queue can", ["cancel"]),
        (str(ROOT).replace(" ", "\\ ") + "/bin/queue res", ["reschedule", "resolve"]),
        ("bin/history --status unk", ["unknown"]),
    ],
)
def test_fish_completes_what_is_typed(tmp_path: Path, line: str, expected: list[str]) -> None:
    need("fish")
    setup = tmp_path / "setup.fish"
    setup.write_text(script_for("fish"))
    asked = f"source {setup}; complete -C {shlex.quote(line)}"
    done = subprocess.run(
        ["fish", "--no-config", "-c", asked],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.stdout.split() == expected


def test_a_command_works_through_links_and_from_any_folder(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(ROOT / "bin" / "history")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    (tmp_path / "click.py").write_text("raise SystemExit('taken')")
    done = subprocess.run(
        ["./two", "--help"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.startswith("Usage: bin/history")
