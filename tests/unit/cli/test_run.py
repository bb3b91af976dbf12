from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.errors import ExitCode
from tests.unit.cli.conftest import Cli, check_error

if TYPE_CHECKING:
    from tests.support.databases import Database


def test_a_run_ends_what_it_can_and_says_what_waits(run: Cli, queue: Database) -> None:
    with queue.connect() as connection:
        connection.execute("insert into safari_command_queue (action) values ('unheard_of')")
    run("enqueue", "tweet", "Hello", "--at", "150m")
    summary = run("run-once", "--timeout", "30", "--json").json
    assert (summary["failed"], summary["timed_out"]) == (1, False)
    (left,) = summary["waiting"]
    assert (left["service"], left["rows"], left["reason"]) == ("twitter-comments", 1, "scheduled")
    shown = run("run-once", "--services", "twitter-comments", "--timeout", "30").out
    assert "0 completed, 0 failed, 0 unknown." in shown
    assert "twitter-comments: 1 wait (scheduled, in 2h " in shown


@pytest.mark.parametrize("command", ["run-once", "daemon"])
def test_a_service_that_is_none_is_a_slip(run: Cli, command: str) -> None:
    check_error(run(command, "--services", "twiter-dm"), ExitCode.USAGE, "Did you mean twitter-dm?")
