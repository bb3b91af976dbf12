from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from actp.errors import ExitCode
from tests.unit.cli.conftest import Cli, check_error

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import Database

POST = "https://x.com/ada/status/1"


def rows(queue: Database) -> list[tuple[Any, ...]]:
    with queue.connect() as connection:
        return connection.execute(
            "select action, platform, params, priority, service from safari_command_queue"
            " order by created_at"
        ).fetchall()


def test_a_direct_message_becomes_a_row(run: Cli, queue: Database) -> None:
    result = run("enqueue", "dm", "instagram", "@Ada", "Hey! Great content", "--priority", "2")
    assert result.code == 0
    assert "Enqueued send_dm to ada (instagram)" in result.out
    params = {"username": "ada", "text": "Hey! Great content"}
    assert rows(queue) == [("send_dm", "instagram", params, 2, "instagram-dm")]


@pytest.mark.parametrize(
    ("arguments", "action", "service"),
    [
        (("comment", "twitter", POST, "Great point"), "comment", "twitter-comments"),
        (("tweet", "Hello"), "tweet", "twitter-comments"),
        (("research", "tiktok", "ai automation", "50"), "market_research", "market-research"),
        (("dm", "linkedin", "ada-lovelace", "Hi"), "send_dm", "linkedin-automation"),
    ],
)
def test_each_kind_reaches_its_service(
    run: Cli, queue: Database, arguments: tuple[str, ...], action: str, service: str
) -> None:
    answer = run("enqueue", *arguments, "--json").json
    assert (answer["action"], answer["service"], answer["created"]) == (action, service, True)
    assert [(row[0], row[4]) for row in rows(queue)] == [(action, service)]


def test_a_key_enqueues_once(run: Cli, queue: Database) -> None:
    first = run("enqueue", "tweet", "Hello", "--key", "launch", "--json").json
    second = run("enqueue", "tweet", "Hello", "--key", "launch", "--json").json
    assert (first["created"], second["created"]) == (True, False)
    assert first["id"] == second["id"]
    assert "already has this key" in run("enqueue", "tweet", "Hello", "--key", " launch ").out
    other = run("enqueue", "tweet", "Good night", "--key", "launch")
    check_error(other, ExitCode.WRONG_STATE, f"{first['id']}, which has another text", "own key")
    with queue.connect() as connection:
        connection.execute(
            """update safari_command_queue
                  set params = '{"text": "Good day", "written_by": "operator"}'"""
        )
    assert not run("enqueue", "tweet", "Hello", "--key", "launch", "--json").json["created"]
    assert len(rows(queue)) == 1


def test_a_dry_run_enqueues_nothing(run: Cli, queue: Database) -> None:
    result = run("enqueue", "comment", "twitter", POST, "Great point", "--dry-run")
    assert result.code == 0
    assert "Would enqueue comment" in result.out
    assert "Nothing was enqueued" in result.out
    assert rows(queue) == []


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
def test_a_blocked_recipient_is_refused(run: Cli, dry_run: tuple[str, ...]) -> None:
    run("contacts", "block", "instagram", "ada")
    result = run("enqueue", "dm", "instagram", "@Ada", "Hi", *dry_run)
    check_error(result, ExitCode.WRONG_STATE, "do-not-contact", "bin/contacts list")


def test_a_text_that_already_waits_for_a_recipient_is_refused(run: Cli, queue: Database) -> None:
    run("enqueue", "dm", "instagram", "ada", "Hi")
    again = run("enqueue", "dm", "instagram", "https://www.instagram.com/Ada/", "Hi", "--dry-run")
    check_error(again, ExitCode.WRONG_STATE, "same recipient and text", "--key")
    assert run("enqueue", "dm", "instagram", "ada", "Hi", "--key", "twice").code == 0
    assert run("enqueue", "dm", "instagram", "ada", "Hello").code == 0
    assert run("enqueue", "dm", "twitter", "ada", "Hi").code == 0
    assert len(rows(queue)) == 4


@pytest.mark.usefixtures("queue")
def test_a_text_sent_within_a_day_is_refused(run: Cli, queue: Database) -> None:
    first = run("enqueue", "dm", "instagram", "ada", "Hi", "--json").json["id"]
    with queue.connect() as connection:
        connection.execute(
            "insert into safari_command_attempts (command_id, attempt, boot_id, lease_number,"
            " service, recipient, person, text_hash, quota_kind, outcome)"
            " values (%s, 1, gen_random_uuid(), 1, 'instagram-dm', 'ada', 'instagram:ada', %s,"
            " 'dm', 'sent')",
            (first, sha256(b"Hi").hexdigest()),
        )
        connection.execute(
            "update safari_command_queue set status = 'completed' where id = %s", (first,)
        )
    result = run("enqueue", "dm", "instagram", "ada", "Hi")
    check_error(result, ExitCode.WRONG_STATE, "within 24 hours", "--key")
    nobody = run("enqueue", "dm", "instagram", "none", "Hi")
    check_error(
        nobody, ExitCode.WRONG_STATE, "it names nobody", "Give the username, or the address"
    )


@pytest.mark.parametrize(("named", "is_refused"), [("", True), ("shop", True), ("other", False)])
def test_a_tweet_of_this_day_is_refused_unless_another_account_is_named(
    run: Cli, queue: Database, named: str, *, is_refused: bool
) -> None:
    first = run("enqueue", "tweet", "Hi", "--json").json["id"]
    with queue.connect() as connection:
        connection.execute(
            "insert into safari_command_attempts (command_id, attempt, boot_id, lease_number,"
            " service, account, text_hash, quota_platform, quota_kind, quota_day, outcome) values"
            " (%s, 1, gen_random_uuid(), 1, 'twitter-comments', 'shop', %s, 'twitter', 'comment',"
            " current_date, 'sent')",
            (first, sha256(b"Hi").hexdigest()),
        )
        connection.execute(
            "update safari_command_queue set status = 'completed' where id = %s", (first,)
        )
    account = ["--account", named] if named else []
    result = run("enqueue", "tweet", "Hi", *account)
    if is_refused:
        check_error(result, ExitCode.WRONG_STATE, "within 24 hours", "--key")
    else:
        assert result.code == 0
    assert run("enqueue", "tweet", "Hi", *account, "--key", "again").code == 0
    assert run("enqueue", "tweet", "Hello", *account).code == 0


def test_a_batch_names_each_line_that_would_not_be_sent(
    run: Cli, queue: Database, tmp_path: Path
) -> None:
    run("contacts", "block", "twitter", "bob")
    dms = [
        {"action": "send_dm", "platform": "twitter", "params": {"username": name, "text": "Hi"}}
        for name in ("ada", "bob", "ada")
    ]
    result = run("enqueue", "batch", write(tmp_path / "batch.jsonl", *dms))
    words = (
        "2 of 3 commands would not be sent",
        "command 2: bob",
        "command 3: command 1 of this batch",
    )
    check_error(result, ExitCode.WRONG_STATE, *words)
    assert rows(queue) == []


@pytest.mark.usefixtures("queue")
def test_research_on_a_paused_platform_says_that_it_waits(run: Cli) -> None:
    run("pause", "--platform", "instagram")
    assert "Waiting: paused" in run("enqueue", "research", "instagram", "ai", "5").out


@pytest.mark.usefixtures("queue")
def test_a_span_is_counted_from_now_and_stored_in_utc(run: Cli) -> None:
    answer = run("enqueue", "tweet", "Hi", "--at", "2h", "--expires", "3d", "--json").json
    at = datetime.fromisoformat(answer["scheduled_for"])
    expires = datetime.fromisoformat(answer["expires_at"])
    assert at.utcoffset() == timedelta(0)
    assert abs(at - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)
    assert expires - at == timedelta(days=3) - timedelta(hours=2)


@pytest.mark.usefixtures("queue")
def test_a_local_time_is_read_in_the_zone_of_the_settings(
    run: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFARI_TIME_ZONE", "Asia/Tokyo")
    answer = run("enqueue", "tweet", "Hi", "--at", "2030-01-01T09:00", "--dry-run", "--json").json
    assert answer["scheduled_for"] == "2030-01-01T00:00:00+00:00"


@pytest.mark.usefixtures("queue")
def test_it_says_why_a_command_will_wait(run: Cli) -> None:
    run("pause", "--platform", "twitter")
    assert "Waiting: paused. bin/resume" in run("enqueue", "tweet", "Hello").out


def write(path: Path, *items: Any) -> str:
    lines = [item if isinstance(item, str) else json.dumps(item) for item in items]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


TWEET = {"action": "tweet", "params": {"text": "Hello"}}


def test_a_batch_is_enqueued_in_order_with_its_own_terms(
    run: Cli, queue: Database, tmp_path: Path
) -> None:
    dm = {"action": "send_dm", "platform": "twitter", "priority": 1, "key": "a", "at": "2h"}
    dm["params"] = {"username": "ada", "text": "Hi"}
    file = write(tmp_path / "batch.jsonl", TWEET, "", dm)
    assert run("enqueue", "batch", file, "--priority", "7").out == "Enqueued 2 commands.\n"
    assert [(row[0], row[3]) for row in rows(queue)] == [("tweet", 7), ("send_dm", 1)]
    again = run("enqueue", "batch", file, "--json").json
    assert [item["created"] for item in again] == [True, False]


def test_every_bad_line_is_named_and_nothing_is_enqueued(
    run: Cli, queue: Database, tmp_path: Path
) -> None:
    file = write(
        tmp_path / "batch.jsonl",
        TWEET,
        "{nonsense",
        {"action": "zap"},
        ["list"],
        {**TWEET, "prio": 1},
        {**TWEET, "priority": -1},
        {**TWEET, "at": "soon"},
        {**TWEET, "params": "text"},
        {**TWEET, "action": 5},
    )
    result = run("enqueue", "batch", file)
    check_error(result, ExitCode.USAGE, "8 of 9 commands cannot be used; nothing was enqueued")
    for number in range(2, 10):
        assert f"line {number}: " in result.err
    assert "line 1:" not in result.err
    assert rows(queue) == []


def test_a_file_that_is_not_there_is_not_found(run: Cli) -> None:
    check_error(run("enqueue", "batch", "/nowhere/x"), ExitCode.NOT_FOUND, "/nowhere/x")


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "no command"), (b"\n \n", "no command"), (b"\n\xff\n", "line 2")]
)
def test_a_file_without_commands_is_a_slip(
    run: Cli, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "batch.jsonl"
    path.write_bytes(content)
    check_error(run("enqueue", "batch", str(path)), ExitCode.USAGE, words)


def test_a_text_with_a_placeholder_is_refused(run: Cli) -> None:
    result = run("enqueue", "dm", "instagram", "ada", "Hi %s, how are you?")
    check_error(result, ExitCode.USAGE, "placeholder: %s", "as the recipient should read it")


def test_a_text_may_hold_anything_that_a_shell_or_sql_would_mind(run: Cli, queue: Database) -> None:
    text = 'it\'s "quoted"; $(rm -rf ~) `id` -- 5% {x} 🎉\nsecond line'
    assert run("enqueue", "dm", "instagram", "ada", text).code == 0
    assert rows(queue)[0][2]["text"] == text


def test_the_audit_names_who_enqueued_and_who_asked_for_a_look(run: Cli, queue: Database) -> None:
    id_ = run("enqueue", "dm", "instagram", "ada", "Hi", "--json").json["id"]
    run("enqueue", "dm", "instagram", "bob", "Hi", "--dry-run")
    assert run("queue", "settle", id_).code == ExitCode.OK
    looked, enqueued = queue.store.call("safari_operator_log")
    assert (looked["action"], looked["arguments"]["only_id"]) == ("settle", id_)
    assert (enqueued["action"], enqueued["answer"][0]["id"]) == ("enqueue", id_)
    assert all(entry["operator"].endswith("/cli") for entry in (looked, enqueued))
