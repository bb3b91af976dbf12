"""bin/campaign and the flags of safari_cloud_agent.py, on a database of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.cli.face import main as face_main
from actp.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import Database

TEXTS = [f"--text=Text {number} for {{handle}}" for number in range(1, 7)]
WARMUP = ("--campaign", "warmup", "--platform", "twitter", "--handles", "ada,@Grace")


@pytest.fixture
def queue(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Database:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ACTP_ENV_FILE", "")
    monkeypatch.setenv("ACTP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ACTP_LOCK_DIR", str(tmp_path / "locks"))
    for name, value in database.environment.items():
        monkeypatch.setenv(name, value)
    return database


def rows_in(database: Database) -> list[tuple[str, str, str, bool]]:
    with database.connect() as connection:
        return connection.execute(
            "select params ->> 'handle', params ->> 'campaign_step', params ->> 'text',"
            " scheduled_for is not null from safari_command_queue order by created_at"
        ).fetchall()


def test_a_warmup_puts_six_comments_for_two_handles_into_the_queue(
    queue: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert face_main([*WARMUP, *TEXTS[:3]]) == 0
    assert "2 targets, 6 commands enqueued" in capsys.readouterr().out
    assert rows_in(queue) == [
        (handle, f"comment_{number}", f"Text {number} for {handle}", number > 1)
        for handle in ("ada", "grace")
        for number in (1, 2, 3)
    ]


def test_a_file_holds_the_texts_and_names(queue: Database, tmp_path: Path) -> None:
    path = tmp_path / "texts.toml"
    path.write_text('comments = ["1 {name}", "2 {name}", "3"]\n[names]\nada = "Ada L."\n')
    assert face_main([*WARMUP, f"--texts={path}"]) == 0
    assert [row[2] for row in rows_in(queue)][:4] == ["1 Ada L.", "2 Ada L.", "3", "1 grace"]


def test_a_research_sweep_is_one_search_for_each_query(queue: Database) -> None:
    flags = ["--campaign=research", "--platform=twitter", "--queries=ai agents,safari"]
    assert face_main(flags) == 0
    with queue.connect() as connection:
        rows = connection.execute(
            "select params ->> 'query', status, service from safari_command_queue order by 1"
        ).fetchall()
    assert rows == [
        ("ai agents", "pending", "market-research"),
        ("safari", "pending", "market-research"),
    ]


def test_status_reply_and_cancel(queue: Database, capsys: pytest.CaptureFixture[str]) -> None:
    del queue
    face_main(["--campaign=sequence", "--platform=tiktok", "--handles=ada,grace", *TEXTS[:4]])
    started = capsys.readouterr().out
    assert "it ends there: the TikTok service messages a person only once ever" in started
    id_ = started.split()[1].rstrip(":")
    assert face_main(["--mark-replied", "@Ada", "--platform", "tiktok"]) == 0
    assert "ada on tiktok: replied, was warmup" in capsys.readouterr().out
    assert face_main(["--campaign-status"]) == 0
    assert "1 replied, 1 warmup" in " ".join(capsys.readouterr().out.split())
    assert face_main(["--campaign-status", id_]) == 0
    assert "dm_sequence on tiktok, running" in capsys.readouterr().out
    assert face_main(["--campaign-cancel", id_]) == 0
    assert "1 target" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--campaign=warmup", "--platform=twitter", "--handles=ada"], "no texts"),
        ([*WARMUP, *TEXTS[:2]], "2 texts for 3 steps"),
        (["--campaign=warmup", "--platform=twitter", "--handles=,"], "no handle"),
        (["--campaign=warmup", "--platform=twitter", "--handles=ada,@ADA"], "ada is there twice"),
        (["--campaign=warmup", "--platform=twitter", "--handles=a b"], "not a username"),
        (["--campaign=dance", "--platform=twitter", "--handles=ada"], "unknown type of campaign"),
        (["--campaign=warmup", "--platform=linkedin", "--handles=ada"], "comments on LinkedIn"),
        (["--campaign=sequence", "--platform=threads", "--handles=ada"], "no direct messages"),
        (["--campaign=research", "--platform=twitter"], "no query"),
        (["--campaign=warmup", "--handles=ada"], "--platform"),
        ([*WARMUP, "--text={nmae}", *TEXTS[:2]], "unknown place: {nmae}"),
        ([*WARMUP, "--texts=/nowhere.toml"], "cannot be read"),
        ([*WARMUP, "--text=UPDATE now", *TEXTS[:2]], "FILTERED"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_stored(
    flags: list[str], words: str, queue: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert face_main(flags) != 0
    assert words in capsys.readouterr().err
    assert rows_in(queue) == []


def test_without_texts_the_format_of_the_file_is_told(
    queue: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    del queue
    face_main(WARMUP)
    assert 'comments = ["' in capsys.readouterr().err


def test_a_dry_run_stores_nothing(queue: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert face_main([*WARMUP, *TEXTS[:3], "--dry-run"]) == 0
    assert "Nothing was stored" in capsys.readouterr().out
    assert rows_in(queue) == []
