"""Whatever is typed wrong is answered by a cause, a remedy and an exit code."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import make_conninfo

from actp.cli.failures import explain
from actp.errors import ExitCode
from tests.unit.cli.conftest import Cli, Result, check_error

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import Database, Databases

UNKNOWN_ID = "8c5e1a52-9d6b-4f5f-b4f1-0f6d7f6a1b2c"
POST = "https://x.com/ada/status/1"
LONG = "x" * 281
WRONG = "not-this-one"
PROCESS_SECONDS = 60.0
CLOSES_ITS_INPUT = """
import sys
from actp.cli.main import main
sys.stdin.close()
sys.exit(main(["enqueue", "batch", "-"]))
"""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        # unknown platform, action, flag
        (("enqueue", "dm", "instagrm", "ada", "Hi"), ("instagrm", "Did you mean instagram?")),
        (("enqueue", "dm", "threads", "ada", "Hi"), ("Threads has no direct messages",)),
        (("enqueue", "comment", "linkedin", POST, "Hi"), ("no Safari service comments on",)),
        (("enqueue", "twet", "Hi"), ("No such command 'twet'", "tweet")),
        (("stats",), ("No such command 'stats'", "status")),
        (("status", "--jsn"), ("--jsn", "--json")),
        (("enqueue", "dm", "instagram", "ada", "Hi", "--prio", "1"), ("--prio",)),
        (("enqueue", "dm", "instagram", "ada"), ("TEXT",)),
        # a filter whose value is blank, as of a shell variable that is not set
        (
            ("queue", "cancel", "--platform", "twitter", "--to", "", "--yes"),
            ("an empty value after --to",),
        ),
        (
            ("queue", "retry", "--campaign", " ", "--since", "1d"),
            ("an empty value after --campaign",),
        ),
        (("history", "--until", ""), ("an empty value after --until",)),
        (("review", "approve", "--all", "--contains", " "), ("an empty value after --contains",)),
        (("resume", "--account", ""), ("an empty value after --account",)),
        # handles
        (("enqueue", "dm", "instagram", 'a"da', "Hi"), ("not a username of instagram",)),
        (("enqueue", "dm", "instagram", "ada'; rm -rf ~", "Hi"), ("1 to 30 letters",)),
        (("enqueue", "dm", "twitter", "$(id)", "Hi"), ("not a username of twitter",)),
        (("enqueue", "dm", "linkedin", "ada`id`", "Hi"), ("LinkedIn",)),
        # addresses
        (("enqueue", "comment", "twitter", "https://evil.org/a/status/1", "Hi"), ("host",)),
        (("enqueue", "comment", "twitter", "http://x.com/a/status/1", "Hi"), ("https",)),
        (("enqueue", "comment", "twitter", "javascript:alert(1)", "Hi"), ("https",)),
        (("enqueue", "comment", "twitter", "https://x.com/ada", "Hi"), ("not the address of",)),
        # texts
        (("enqueue", "dm", "instagram", "ada", ""), ("There is an empty value after ada.",)),
        (("enqueue", "dm", "instagram", "ada", "  \n "), ("There is an empty value after ada.",)),
        (("enqueue", "dm", "instagram", "ada", "--", " "), ("the text is empty",)),
        # values of shell variables that are not set: none of them may stand for "all"
        (("resume", "--account", ""), ("There is an empty value after --account.",)),
        (("queue", "cancel", "--campaign=", "--platform", "tiktok"), ("--campaign has an empty",)),
        (("review", "approve", "--all", "--platform", " ", "--yes"), ("after --platform.",)),
        (("db", "bundle", ""), ("There is an empty value after bundle.",)),
        # signs that a chat or a web page changed
        (("enqueue", "tweet", "\u2014dry-run"), ("a dash that is no hyphen", "Type plain")),
        (("pause", "\u2013platform", "tiktok"), ("a dash that is no hyphen", "Type plain")),
        (("enqueue", "tweet", "\u201cHi", "Ada\u201d"), ("extra argument", "Type plain")),
        (("enqueue", "tweet", LONG), ("281 characters", "Shorten it.")),
        (("enqueue", "tweet", "please delete this"), ("[FILTERED:delete]", "another word")),
        # numbers
        (("enqueue", "research", "twitter", "ai", "-5"), ("-5", "Put --")),
        (("enqueue", "research", "twitter", "ai", "--", "-5"), ("1 to 1000",)),
        (("enqueue", "research", "twitter", "ai", "many"), ("many",)),
        (("enqueue", "tweet", "Hi", "--priority", "-1"), ("-1",)),
        (("history", "--limit", "0"), ("0",)),
        (("limits", "set", "twitter", "dm", "--", "-1"), ("-1",)),
        (("limits", "set", "twitter"), ("Choose from: dm, comment\n",)),
        # times
        (("enqueue", "tweet", "Hi", "--at", "soon"), ("not a time: 'soon'", "2h")),
        (("enqueue", "tweet", "Hi", "--expires", "2020-01-01"), ("--expires is in the past",)),
        (
            ("enqueue", "tweet", "Hi", "--at", "3h", "--expires", "2h"),
            ("is before --at",),
        ),
        (("enqueue", "tweet", "Hi", "--at", "2020-01-01T00:00"), ("--at is in the past",)),
        (("pause", "--for", "0s"), ("0s",)),
        (("enqueue", "tweet", "Hi", "--key", " "), ("There is an empty value after --key.",)),
        (("enqueue", "tweet", "Hi", "--key", "k" * 201), ("the key must have 1 to 200",)),
        # states and names
        (("history", "--status", "faild"), ("faild",)),
        (("resolve", "abcdef", "maybe"), ("maybe",)),
        (("pause", "--platform", "twiter"), ("twiter", "Did you mean twitter?")),
        (("pause", "twitter"), ("Write --platform twitter",)),
        (("limits", "twitter"), ("twitter is a platform, not a command",)),
        (("enqueue", "tweet", "Hi", "--priority", "high"), ("'high' is not a whole number",)),
        (("run-once", "--services", "twitter-dn"), ("twitter-dn", "Did you mean twitter-dm?")),
        (("status", "--watch"), ("needs a terminal",)),
        (("campaign", "replied", "ada", "--platform", "twiter"), ("Did you mean twitter?",)),
        # times that nothing can match or wait for
        (("history", "--since", "2999-01-01"), ("since is in the future",)),
        (("queue", "cancel", "--since", "2999-01-01", "--yes"), ("since is in the future",)),
        (
            ("queue", "reschedule", "--status", "pending", "--at", "2020-01-01", "--yes"),
            ("'2020-01-01' is in the past",),
        ),
        # what PostgreSQL cannot store
        (("enqueue", "tweet", "Hi", "--metadata", '{"a": NaN}'), ("'metadata' holds", "not JSON")),
        (("enqueue", "tweet", "Hi", "--metadata", '{"a": "\\u0000"}'), ("a NUL character",)),
    ],
)
def test_a_slip_is_named_with_the_way_out(
    run: Cli, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    check_error(run(*arguments), ExitCode.USAGE, *words)


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize(
    "arguments",
    [("show",), ("cancel",), ("retry",), ("resolve",)],
)
def test_an_unknown_id_is_not_found(run: Cli, arguments: tuple[str, ...]) -> None:
    verdict = ("sent",) if arguments == ("resolve",) else ()
    result = run(*arguments, UNKNOWN_ID, *verdict)
    check_error(result, ExitCode.NOT_FOUND, "there is no command", "bin/history")


@pytest.mark.usefixtures("queue")
def test_a_person_is_found_by_handle_or_the_beginning_of_an_id(run: Cli, queue: Database) -> None:
    check_error(run("people", "show", "ada_made_up"), ExitCode.NOT_FOUND, "Give platform:handle")
    unknown = run("people", "show", "twitter:ada_made_up")
    assert "No contact has this address" in unknown.out
    with queue.connect() as connection:
        [(contact,)] = connection.execute(
            "insert into crm_contacts (platform, username)"
            " values ('twitter', 'ada_made_up') returning id::text"
        ).fetchall()
    for name in ("ada_made_up", "@Ada_Made_Up", contact[:8]):
        found = run("people", "show", name)
        assert "twitter:ada_made_up" in found.out
        assert "No contact" not in found.out


@pytest.mark.usefixtures("queue")
def test_an_id_that_is_none_is_a_slip(run: Cli) -> None:
    check_error(run("show", "xyz"), ExitCode.USAGE, "four hexadecimal digits")


def test_a_database_that_refuses_connections_is_unavailable(run: Cli) -> None:
    result = run("status")
    check_error(result, ExitCode.UNAVAILABLE, "Connection refused", "DATABASE_URL")
    assert "do-not-show" not in result.err


def test_a_database_that_never_answers_is_unavailable(
    run: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv(
            "DATABASE_URL", f"postgresql://app@127.0.0.1:{port}/none?connect_timeout=2"
        )
        check_error(run("history"), ExitCode.UNAVAILABLE, "timeout")


def test_a_wrong_password_is_denied(
    run: Cli, postgres15_databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = make_conninfo(postgres15_databases.server.owner_dsn, password=WRONG)
    monkeypatch.setenv("DATABASE_URL", dsn)
    result = run("limits")
    check_error(result, ExitCode.DENIED, "password authentication failed", "Check the password")
    assert WRONG not in result.err


def test_a_database_without_our_functions_says_how_to_get_them(
    run: Cli, unmigrated: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", unmigrated.dsn)
    check_error(run("status"), ExitCode.SCHEMA, "schema version", "bin/db migrate")


def test_wrong_settings_are_told_all_at_once(run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", "none")
    monkeypatch.setenv("SAFARI_TURNS", "0")
    check_error(run("status"), ExitCode.CONFIG, "WORKERS", "SAFARI_TURNS", ".env.example")


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOTDIR, errno.ENOSPC])
def test_a_file_that_is_not_for_us_is_named(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    error = OSError(code, os.strerror(code), "/home/var/spool")
    assert explain(error, "bin/run") == ExitCode.FAILED
    cause, remedy = capsys.readouterr().err.splitlines()
    assert "/home/var/spool" in cause
    assert os.strerror(code) in cause
    assert "ACTP_HOME" in remedy or "elsewhere" in remedy


def test_what_nobody_expected_is_one_line_and_a_log(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CLOSES_ITS_INPUT],
        capture_output=True,
        text=True,
        timeout=PROCESS_SECONDS,
        check=False,
    )
    result = Result(done.returncode, done.stdout, done.stderr)
    check_error(result, ExitCode.SOFTWARE, "unexpected ValueError", "cli.log")
    assert "Traceback" in (tmp_path / "home" / "logs" / "cli.log").read_text()


def test_debugging_shows_the_traceback(run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTP_DEBUG", "1")
    result = run("enqueue", "dm", "nowhere", "ada", "Hi")
    assert result.code == ExitCode.USAGE
    assert "Traceback" in result.err
