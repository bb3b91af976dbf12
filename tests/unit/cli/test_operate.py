from __future__ import annotations

import shutil
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from actp.cli.main import main
from actp.errors import ExitCode
from actp.policy import policies
from actp.safari.turns import TurnTable
from actp.settings import load_settings
from tests.unit.cli.conftest import REFUSING_DATABASE, Cli, check_error

if TYPE_CHECKING:
    from tests.support.databases import Database


def add(queue: Database, **columns: Any) -> str:
    values = {"action": "send_dm", "platform": "twitter", **columns}
    statement = sql.SQL(
        "insert into safari_command_queue ({}) values ({}) returning id::text"
    ).format(
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
    )
    with queue.connect() as connection:
        row = connection.execute(statement, values).fetchone()
    assert row is not None
    return str(row[0])


def state(queue: Database, command: str) -> tuple[Any, ...]:
    with queue.connect() as connection:
        row = connection.execute(
            "select status, reason, hold from safari_command_queue where id = %s", (command,)
        ).fetchone()
    assert row is not None
    return tuple(row)


def test_pause_of_an_account_without_commands_is_doubted(run: Cli, queue: Database) -> None:
    add(queue, account="shop", status="pending")
    known, misspelled = (run("pause", "--account", name) for name in ("Shop", "shpo"))
    assert (known.code, known.err) == (ExitCode.OK, "")
    assert misspelled.code == ExitCode.OK
    doubt = "No command has account shpo. Check its name in bin/limits.\n"
    assert misspelled.err == doubt
    for more in ((), ("--service", "twitter-dm")):
        assert run("resume", "--account", "shpo", *more).err == doubt


@pytest.mark.usefixtures("queue")
def test_a_pause_for_a_time_and_its_end(run: Cli) -> None:
    assert run("pause", "--platform", "TikTok", "--for", "1h30m").out.startswith("Paused tiktok")
    assert run("pause", "--note", "holiday", "--json").json == {"platform": "all", "until": None}
    shown = run("status").out
    assert "Paused: all until bin/resume (holiday)" in shown
    assert "Paused: tiktok until " in shown
    assert run("resume", "--platform", "tiktok").out == "Resumed tiktok.\n"
    assert run("resume", "--platform", "tiktok").out == "Nothing was paused for tiktok.\n"
    assert run("resume", "--json").json == {"resumed": 1}


def test_the_beginning_of_an_id_will_do(run: Cli, queue: Database) -> None:
    command = add(queue)
    assert run("cancel", command[:8].upper()).out == f"Cancelled {command}.\n"
    assert state(queue, command)[0] == "cancelled"


@pytest.mark.parametrize(("verdict", "end"), [("sent", "completed"), ("not-sent", "failed")])
def test_an_unknown_outcome_is_settled(run: Cli, queue: Database, verdict: str, end: str) -> None:
    command = add(queue, status="failed", reason="unknown", effect="once")
    assert f"bin/queue resolve {command[:8]} sent|not-sent" in run("status").out
    check_error(run("retry", command), ExitCode.WRONG_STATE, "may have been sent")
    assert f"Settled {command}: {end}" in run("queue", "resolve", command, verdict).out
    assert state(queue, command)[0] == end


def test_the_backlog_is_accepted_or_discarded(run: Cli, queue: Database) -> None:
    first = add(queue, hold="backlog")
    assert "Held: 1 command from before" in run("status").out
    assert run("queue", "accept").out == "1 command accepted.\n"
    assert state(queue, first) == ("pending", None, None)
    second = add(queue, hold="backlog")
    assert "1 commands, 0 messages, 0 posts held" in run("queue", "backlog").out
    settled = {"commands": 1, "messages": 0, "posts": 0}
    assert run("queue", "discard", "--json").json == {"discarded": settled}
    assert state(queue, second) == ("cancelled", "discarded", None)


def test_what_ran_out_of_retries_is_tried_again(run: Cli, queue: Database) -> None:
    tried = add(queue, status="failed", reason="retries_exhausted")
    permanent = add(queue, status="failed", reason="before_send")
    assert run("retry-failed").out == "Retrying 1 command.\n"
    assert state(queue, tried)[0] == "pending"
    assert state(queue, permanent)[0] == "failed"


def test_a_contact_is_blocked_in_the_spelling_that_a_send_is_checked_by(
    run: Cli, queue: Database
) -> None:
    assert run("contacts", "list").out == "No contact is blocked.\n"
    for platform, handle, stored in (
        ("X", "@Ada", ("twitter", "ada")),
        ("linkedin", "https://www.linkedin.com/in/Ada-L/", ("linkedin", "ada-l")),
        ("all", "Ada", ("all", "ada")),
        ("email", "Ada <A.da+x@Gmail.com>", ("gmail", "ada@gmail.com")),
        ("all", "A.da@gmail.com", ("all", "ada@gmail.com")),
        ("ig", "instagram.com/Ada/reels?igsh=x", ("instagram", "ada")),
        ("threads", "https://www.threads.com/@ada/post/C9", ("threads", "ada")),
    ):
        run("contacts", "block", platform, handle, "--note", "asked us to stop")
        listed = run("contacts", "list", "--json").json
        assert [(row["platform"], row["recipient"]) for row in listed] == [stored]
        assert "asked us to stop" in run("contacts", "list").out
        run("contacts", "unblock", platform, handle)
        assert run("contacts", "list", "--json").json == []

    with queue.connect() as connection:
        connection.execute(
            "insert into crm_contacts (platform, username, email, instagram_handle)"
            " values ('twitter', 'mae_k', 'mae@kiln.example', 'mae.kiln')"
        )
    blocked = run("contacts", "block", "email", "mae@kiln.example").out.splitlines()
    assert blocked == [
        "Blocked mae@kiln.example on gmail.",
        "Blocked with it, as the same person: instagram:mae.kiln, twitter:mae_k.",
    ]
    refused = run("enqueue", "dm", "instagram", "mae.kiln", "Hi")
    check_error(refused, ExitCode.WRONG_STATE, "do-not-contact")
    nobody = run("contacts", "block", "email", "zoe@kiln.example").out
    assert "No other address of this person is known" in nobody
    check_error(run("contacts", "block", "email", "zoe"), ExitCode.USAGE, "not a mailbox")
    for platform, given in (("twitter", "a b"), ("all", "https://x.com/a")):
        check_error(run("contacts", "block", platform, given), ExitCode.USAGE, "not a username of")


@pytest.mark.usefixtures("queue")
def test_a_limit_is_set_and_shown(run: Cli) -> None:
    assert run("limits", "set", "Twitter", "dm", "7").out == "twitter dm: 7 a day, 0 used today.\n"
    rows = {(row["platform"], row["kind"]): row for row in run("limits", "--json").json}
    assert rows["twitter", "dm"]["daily_limit"] == 7
    assert rows["twitter", "comment"]["daily_limit"] == 100
    assert "00:00 UTC" in run("limits").out


def test_operators_limit_survives_a_worker_start(
    run: Cli, queue: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start_a_worker() -> None:
        seeds = policies(load_settings())
        queue.store.call("safari_configure", policies=list(seeds), settings={})

    monkeypatch.setenv("SAFARI_DAILY_LIMITS", '{"twitter": {"dm": 9}}')
    assert "50 is in force, SAFARI_DAILY_LIMITS says 9; the next start" in run("limits").out
    start_a_worker()
    assert "in force" not in run("limits").out
    assert run("limits", "set", "twitter", "dm", "7", "--json").json["limit_by_person"]
    start_a_worker()
    assert "7 is in force, SAFARI_DAILY_LIMITS says 9; bin/limits reset" in run("limits").out
    assert run("limits", "reset", "twitter", "dm").out.startswith("twitter dm: 9 a day")
    monkeypatch.setenv("SAFARI_DAILY_LIMITS", '{"twitter": {"dm": 8}}')
    start_a_worker()
    assert "twitter dm: 8 a day" in run("limits", "reset", "twitter", "dm").out


def test_history_and_show_tell_what_happened(run: Cli, queue: Database) -> None:
    command = add(
        queue,
        params='{"username": "ada", "text": "Hi [bold]there"}',
        status="failed",
        reason="before_send",
        error="no such \x1b[31muser\u202e",
        completed_at="2026-11-01T10:00:00Z",
    )
    listed = run("history", "--platform", "Twitter", "--action", "send_dm", "--status", "failed")
    assert command[:8] in listed.out
    assert "ada" in listed.out
    with queue.connect() as connection:  # the clock of the database was put back since
        connection.execute(
            "insert into safari_command_events (command_id, event, at)"
            " select %s, 'waiting', min(at) - interval '3 days' from safari_command_events",
            (command,),
        )
    shown = run("show", command[:6]).out
    assert "-3d 00h" in shown
    assert "Hi [bold]there" in shown
    assert "failed (before_send)" in shown
    assert "enqueued" in shown
    assert "\x1b" not in listed.out + shown
    assert "\u202e" not in listed.out + shown


def test_the_address_of_the_database_is_shown_without_its_password(run: Cli) -> None:
    address = run("db", "url").out.strip()
    without = REFUSING_DATABASE.replace(":do-not-show", "")
    assert conninfo_to_dict(address) == conninfo_to_dict(without)
    assert "do-not-show" not in run("db", "url", "--json").json["url"]
    assert run("db", "url", "--show-password").out == f"{REFUSING_DATABASE}\n"


@pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")
@pytest.mark.usefixtures("queue")
def test_a_shell_takes_the_arguments_of_psql(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "shell", "-Atc", "select 1 + 1"]) == 0
    assert capfd.readouterr().out == "2\n"
    assert main(["db", "shell", "-v", "ON_ERROR_STOP=1", "-qc", "nonsense"]) == 1
    assert "nonsense" in capfd.readouterr().err


def test_migrations_are_applied_once(
    run: Cli, unmigrated: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", unmigrated.dsn)
    assert "20261101000900_reports.sql" in run("db", "migrate", "--json").json["applied"]
    assert run("db", "migrate").out == "The database is up to date.\n"


def test_a_project_without_an_address_says_how_migrations_reach_it(
    run: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("SUPABASE_URL", "https://project.supabase.co")
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", "key")
    result = run("db", "migrate")
    check_error(result, ExitCode.USAGE, "cannot change the schema", "supabase db push")
    assert run("db", "url", "--json").json["url"] == "https://project.supabase.co"
    for command in ("url", "shell"):
        check_error(run("db", command), ExitCode.USAGE, "psql cannot reach", "DATABASE_URL")


def test_securing_closes_what_was_there_before_and_names_it(run: Cli, queue: Database) -> None:
    with queue.connect() as connection:
        connection.execute("alter table safari_rate_limits disable row level security")
        connection.execute("create table somebody_elses (id int)")
    result = run("db", "secure", "--json")
    assert result.json == {"secured": [{"table": "safari_rate_limits", "policies": 0}]}
    assert run("db", "secure").out == "Every table has row-level security.\n"
    with queue.connect() as connection:
        left = connection.execute(
            "select relname from pg_class where relname in ('safari_rate_limits',"
            " 'somebody_elses') and not relrowsecurity"
        ).fetchall()
    assert left == [("somebody_elses",)]


def test_commands_are_searched_and_exported(run: Cli, queue: Database) -> None:
    command = add(queue, params='{"username": "Ada", "text": "=The lamp"}', status="pending")
    add(queue, params='{"username": "bob", "text": "The kiln"}', status="pending")
    (row,) = run("history", "--to", "@ada", "--since", "7d", "--json").json
    assert row["id"] == command
    assert "ada" in run("history", "--text", "LAMP").out
    header, line = run("history", "--to", "ada", "--csv").out.splitlines()
    assert header.startswith("id,created_at")
    assert ",ada,'=The lamp,pending," in line  # no spreadsheet computes it
    page = run("history", "--status", "open", "--limit", "1")
    after = page.err.split()[-1]
    assert "There are more" in page.err
    assert command[:8] in run("history", "--status", "open", "--after", after).out
    check_error(run("history", "--since", "soon"), ExitCode.USAGE, "not a time")


def test_many_are_cancelled_by_the_number_that_was_shown(run: Cli, queue: Database) -> None:
    first, second = (add(queue, campaign_id="spring", status="pending") for _ in range(2))
    check_error(run("queue", "cancel", "--campaign", "spring"), ExitCode.USAGE, "Cancel 2 commands")
    check_error(
        run("queue", "cancel", "--campaign", "spring", "--expect", "3"),
        ExitCode.WRONG_STATE,
        "2 commands, not 3: nothing was changed",
    )
    assert state(queue, first)[0] == "pending"
    for option in ("campaign", "batch", "key", "account", "reason", "to", "text"):
        check_error(
            run("queue", "cancel", f"--{option}", "sprng", "--yes"),
            ExitCode.NOT_FOUND,
            f"No command has {option} sprng",
        )
    for option, name in (("service", "twiter-dm"), ("platform", "twiter"), ("action", "dm")):
        check_error(
            run("queue", "retry", f"--{option}", name, "--yes"),
            ExitCode.NOT_FOUND,
            f"{name} is no {option} of this worker",
        )
        for form in ((), ("--json",), ("--csv",)):
            check_error(
                run("history", f"--{option}", name, *form),
                ExitCode.NOT_FOUND,
                f"{name} is no {option}",
            )
    # Nothing was sent to them: that is an answer.
    assert run("history", "--to", "sprng").out == "No command matches.\n"
    # Names that exist, though nothing matches.
    assert run("queue", "cancel", "--platform", "tiktok").out == "Cancelled 0 commands.\n"
    assert run("queue", "cancel", "--campaign", "none", "--expect", "0").code == ExitCode.OK
    check_error(run("queue", "cancel"), ExitCode.USAGE, "Give an ID")
    check_error(run("queue", "cancel", first, "--campaign", "spring"), ExitCode.USAGE)
    out = run("queue", "reschedule", "--campaign", "spring", "--at", "2h", "--yes").out
    assert out.startswith("Rescheduled 2 commands to ")
    assert run("queue", "cancel", "--campaign", "spring", "--expect", "2").out == (
        "Cancelled 2 commands.\n"
    )
    assert run("queue", "retry", "--campaign", "spring", "--yes").out == ("Retrying 2 commands.\n")
    assert state(queue, second)[0] == "pending"
    assert run("queue", "resolve", "sent", "--campaign", "spring", "--yes").out.startswith(
        "Settled 0 commands"
    )


@pytest.mark.usefixtures("queue")
def test_safari_is_freed_from_a_program_that_was_interrupted(run: Cli) -> None:
    settings = load_settings()
    assert run("resume", "--safari").out == "Safari was not reserved.\n"
    with closing(TurnTable(settings.actp_lock_dir)) as table:
        until = time.time() + 300
        assert table.try_take("agent-1", until, "market-research on tiktok: ai")
        table.release("agent-1", until)
    (turn,) = run("status", "--json").json["safari"]
    assert (turn["holder"], turn["why"], turn["is_left"]) == (
        "agent-1",
        "market-research on tiktok: ai",
        True,
    )
    shown = run("status").out
    assert "reserved until" in shown
    assert "agent-1 was interrupted" in shown
    assert "bin/resume --safari" in shown
    assert run("resume", "--safari").out == "Released Safari from agent-1.\n"
    assert run("status", "--json").json["safari"] == []


@pytest.mark.usefixtures("queue")
def test_who_works_with_safari_is_shown_and_left_alone(run: Cli) -> None:
    settings = load_settings()
    with closing(TurnTable(settings.actp_lock_dir)) as table:
        assert table.try_take("twitter-dm", time.time() + 60, "send_dm ada (1f2e3d4c)")
        shown = run("status").out
        assert "in use by twitter-dm for send_dm ada (1f2e3d4c) since" in shown
        assert "Still using Safari: twitter-dm." in run("resume", "--safari").out
        assert run("resume", "--safari", "--json").json == {"freed": [], "kept": ["twitter-dm"]}
