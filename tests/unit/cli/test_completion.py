from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from actp.cli.completion import candidates

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
