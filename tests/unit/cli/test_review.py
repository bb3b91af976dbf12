"""Many drafts are decided by the number that was shown, and only as they were then."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from actp.errors import ExitCode
from actp.settings import PROJECT_ROOT
from tests.support.terminal import Terminal
from tests.unit.cli.conftest import Cli, check_error
from tests.unit.cli.test_operate import add

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import Database

WAITING = {"status": "pending", "batch_id": "spring"}


@pytest.fixture
def drafts(queue: Database) -> list[str]:
    with queue.connect() as connection:
        connection.execute("update safari_settings set value = '\"all\"' where key = 'review'")
    return [
        add(queue, params=f'{{"username": "{name}", "text": "Hi {name}"}}', **WAITING)
        for name in ("ada", "bob")
    ]


def decided(queue: Database) -> list[tuple[Any, ...]]:
    with queue.connect() as connection:
        return connection.execute(
            "select state from safari_reviews where state <> 'pending' order by 1"
        ).fetchall()


@pytest.mark.usefixtures("drafts")
def test_all_drafts_are_decided_by_the_number_that_was_shown(run: Cli, queue: Database) -> None:
    asked = run("review", "approve", "--all")
    check_error(asked, ExitCode.USAGE, "Approve 2 drafts (send dm on twitter)?", "--expect N")
    check_error(
        run("review", "approve", "--all", "--expect", "3"),
        ExitCode.WRONG_STATE,
        "2 drafts match, not 3: nothing was decided",
    )
    assert decided(queue) == []
    assert run("review", "reject", "--all", "--contains", "bob", "--yes").out == (
        "1 draft rejected.\n"
    )
    assert run("review", "approve", "--all", "--expect", "1").out == "1 draft approved.\n"
    assert run("review", "approve", "--all").out == "0 drafts approved.\n"
    for command in (("review",), ("review", "reject", "--all"), ("review", "--json")):
        check_error(
            run(*command, "--platform", "twiter"),
            ExitCode.NOT_FOUND,
            "twiter is no platform of this worker",
        )
    assert run("review", "--platform", "youtube").out == "No draft matches.\n"
    assert run("review", "--contains", "nobody").out == "No draft matches.\n"
    check_error(
        run("review", "approve", "--all", "--contains", "nobody"),
        ExitCode.NOT_FOUND,
        "no draft contains nobody",
    )


@pytest.mark.usefixtures("drafts")
def test_new_draft_before_the_confirmation_refuses_the_decision(
    queue: Database, tmp_path: Path
) -> None:
    environment = {
        **queue.environment,
        **{name: os.environ[name] for name in ("PATH", "TERM") if name in os.environ},
        "PYTHONPATH": str(PROJECT_ROOT),
        "HOME": str(tmp_path),
        "ACTP_ENV_FILE": "",
        "ACTP_HOME": str(tmp_path / "home"),
    }
    command = (sys.executable, "-m", "actp.cli", "review", "approve", "--all")
    with Terminal(command, environment) as terminal:
        terminal.expect(r"Approve 2 drafts \(send dm on twitter\)\?")
        add(queue, params='{"username": "cyd", "text": "Hi cyd"}', **WAITING)
        terminal.type("y\n")
        assert terminal.wait() == ExitCode.WRONG_STATE
    assert "the drafts have changed, 3 match now: nothing was decided" in terminal.output
    assert decided(queue) == []


def test_a_draft_that_is_named_is_decided_without_a_question(run: Cli, drafts: list[str]) -> None:
    assert run("review", "--json").json["waiting"] == len(drafts)
    (first, *_) = run("review", "--json").json["rows"]
    assert run("review", "approve", first["id"][:8]).out == "1 draft approved.\n"
