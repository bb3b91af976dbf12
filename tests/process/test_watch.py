"""``bin/status --watch`` at a terminal: it follows the window, answers keys, and ends with it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import Database

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "actp.cli", "status", "--watch"]
STYLES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.fixture
def environment(database: Database, tmp_path: Path) -> dict[str, str]:
    return {
        **database.environment,
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm",
        "ACTP_ENV_FILE": "",
        "ACTP_HOME": str(tmp_path / "home"),
    }


@pytest.fixture
def ids(database: Database) -> list[str]:
    """A failed command, and a newer one that waits."""
    with database.connect() as connection:
        rows = connection.execute(
            "insert into safari_command_queue"
            " (action, platform, params, status, reason, created_at, completed_at) values"
            " ('send_dm', 'twitter', '{\"username\": \"bob\", \"text\": \"Hi\"}', 'failed',"
            " 'retries_exhausted', now() - interval '1 hour', now() - interval '1 hour'),"
            " ('send_dm', 'instagram', '{\"username\": \"ada\", \"text\": \"Hi\"}', 'pending',"
            " null, now(), null) returning id::text"
        ).fetchall()
    return [row[0] for row in rows]


@pytest.fixture
def terminal(environment: dict[str, str], ids: list[str]) -> Iterator[Terminal]:
    with Terminal(COMMAND, environment, rows=30, columns=110) as terminal:
        terminal.expect(ids[1][:8])
        terminal.expect("q quit")
        yield terminal


def stored(database: Database, statement: str) -> object:
    with database.connect() as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row[0] if row is not None else None


def test_keys_move_show_retry_and_quit(
    terminal: Terminal, database: Database, ids: list[str]
) -> None:
    terminal.type("j\r")
    terminal.expect("retries_exhausted")
    terminal.expect("q back")
    terminal.type("r")
    terminal.expect(r"Retry send_dm on twitter .*y/n")
    terminal.type("y")
    terminal.expect(f"{ids[0][:8]} waits again")
    assert (
        stored(database, "select count(*) from safari_command_queue where status = 'failed'") == 0
    )
    terminal.type("q")
    terminal.expect("q quit")
    terminal.type("q")
    assert terminal.wait() == 0


def test_p_pauses_the_platform_of_the_command_and_resumes_it(
    terminal: Terminal, database: Database
) -> None:
    terminal.type("p")
    terminal.expect(r"Pause instagram\? y/n")
    terminal.type("y")
    terminal.expect("Paused instagram; p resumes it")
    assert stored(database, "select platform from safari_pauses") == "instagram"
    terminal.expect("Paused: instagram")
    terminal.type("p")
    terminal.expect(r"Resume instagram\? y/n")
    terminal.type("y")
    terminal.expect("Resumed instagram")
    assert stored(database, "select count(*) from safari_pauses") == 0


def test_a_filter_leaves_the_commands_that_match(terminal: Terminal, ids: list[str]) -> None:
    terminal.type("/bob\r")
    frame = STYLES.sub("", terminal.expect(r"Commands, with bob[\s\S]*q quit"))
    assert ids[0][:8] in frame
    assert ids[1][:8] not in frame


@pytest.mark.parametrize(("rows", "columns"), [(24, 60), (12, 80), (50, 160), (24, 40)])
def test_it_follows_the_window(terminal: Terminal, rows: int, columns: int) -> None:
    terminal.resize(rows, columns)
    # The first frame may have been under way when the window changed.
    for _ in range(2):
        terminal.type("j")
        terminal.expect(r"j/k move[^\n]*")
    frame = STYLES.sub("", terminal.output.rpartition("\x1b[H")[2])
    lines = [line.rstrip("\r") for line in frame.split("\n")]
    assert len(lines) == rows
    assert max(map(len, lines)) <= columns
    if rows > 12:
        assert "can run" in "\n".join(lines)


def test_it_ends_when_its_terminal_is_gone(environment: dict[str, str], ids: list[str]) -> None:
    with Terminal(COMMAND, environment) as terminal:
        terminal.expect(ids[1][:8])
        terminal.hang_up()
        assert terminal.wait() != 0
