"""bin/campaign and the flags of safari_cloud_agent.py, on their own database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.cli.entry_point import main as entry_point
from actp.cli.main import main
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
    assert entry_point([*WARMUP, *TEXTS[:3]]) == 0
    assert "2 targets, 6 commands enqueued" in capsys.readouterr().out
    assert rows_in(queue) == [
        (handle, f"comment_{number}", f"Text {number} for {handle}", number > 1)
        for handle in ("ada", "grace")
        for number in (1, 2, 3)
    ]


def test_a_file_holds_the_texts_and_names(queue: Database, tmp_path: Path) -> None:
    path = tmp_path / "texts.toml"
    path.write_text('comments = ["1 {name}", "2 {name}", "3"]\n[names]\nada = "Ada L."\n')
    assert entry_point([*WARMUP, f"--texts={path}"]) == 0
    assert [row[2] for row in rows_in(queue)][:4] == ["1 Ada L.", "2 Ada L.", "3", "1 grace"]


def test_a_research_sweep_is_one_search_for_each_query(queue: Database) -> None:
    flags = ["--campaign=research", "--platform=twitter", "--queries=ai agents,safari"]
    assert entry_point(flags) == 0
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
    entry_point(["--campaign=sequence", "--platform=tiktok", "--handles=ada,grace", *TEXTS[:4]])
    started = capsys.readouterr().out
    assert "no follow-up: the TikTok service messages a person only once" in started
    id_ = started.split()[1].rstrip(":")
    assert entry_point(["--mark-replied", "@Ada", "--platform", "tiktok"]) == 0
    assert "ada on tiktok: replied, was warmup" in capsys.readouterr().out
    assert entry_point(["--campaign-status"]) == 0
    assert "1 replied, 1 warmup" in " ".join(capsys.readouterr().out.split())
    assert entry_point(["--campaign-status", id_]) == 0
    assert "dm_sequence on tiktok, running" in capsys.readouterr().out
    assert entry_point(["--campaign-cancel", id_]) == 0
    assert "1 target" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
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
    assert entry_point(flags) != 0
    assert words in capsys.readouterr().err
    assert rows_in(queue) == []


def test_without_texts_those_of_the_project_are_taken_and_named(
    queue: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry_point(WARMUP) == 0
    said = capsys.readouterr().out
    assert "2 targets, 6 commands enqueued" in said
    assert "actp/campaigns/texts.toml" in said
    assert "SAFARI_CAMPAIGN_TEXTS" in said
    texts = [text for _, _, text, _ in rows_in(queue)]
    assert texts[:3] != texts[3:]
    assert not any("{" in text for text in texts)


def test_a_file_that_the_settings_name_is_taken_unless_another_is_given(
    queue: Database,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ours, other = tmp_path / "ours.json", tmp_path / "other.toml"
    ours.write_text('{"comments": ["1 {handle}", ["2"], "3"]}')
    other.write_text('comments = ["a", "b", "c"]')
    monkeypatch.setenv("SAFARI_CAMPAIGN_TEXTS", str(ours))
    assert entry_point([*WARMUP, "--dry-run"]) == 0
    assert "comment_1: 1 {handle}" in capsys.readouterr().out
    assert entry_point(WARMUP) == 0
    assert entry_point([*WARMUP, "--handles=cyd,dee", f"--texts={other}"]) == 0
    texts = {
        name: [t for handle, _, t, _ in rows_in(queue) if handle == name] for name in ("ada", "cyd")
    }
    assert texts == {"ada": ["1 ada", "2", "3"], "cyd": ["a", "b", "c"]}


def test_a_file_without_a_text_for_a_step_is_refused_by_name(
    queue: Database,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "short.toml"
    path.write_text('comments = ["1", "2"]')
    monkeypatch.setenv("SAFARI_CAMPAIGN_TEXTS", str(path))
    assert entry_point(WARMUP) != 0
    told = capsys.readouterr().err
    assert f"SAFARI_CAMPAIGN_TEXTS ({path}): no text for comment_3" in told
    assert 'comments = ["' in told, "the format is told"
    assert rows_in(queue) == []


def test_a_dry_run_stores_nothing(queue: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry_point([*WARMUP, *TEXTS[:3], "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "Nothing was stored" in said
    assert "comment_2: Text 2 for {handle}" in said
    assert rows_in(queue) == []


def started(path: Path, *more: str) -> int:
    return main(["campaign", "start", "warmup", "--platform", "twitter", "--csv", str(path), *more])


def test_a_spreadsheet_names_the_targets_and_fills_the_texts(
    queue: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "targets.csv"
    path.write_bytes(
        "\ufeffName;Twitter;Their Product\r\nAda L.;https://x.com/Ada;Engine\r\nBob;@bob;\r\n".encode()
    )
    texts = ("--text={name}: {their_product|it} is great", "--text=2 {handle}", "--text=3")
    assert started(path, *texts) == 0
    assert [row[:3] for row in rows_in(queue)][::3] == [
        ("ada", "comment_1", "Ada L.: Engine is great"),
        ("bob", "comment_1", "Bob: it is great"),
    ]
    assert started(path, *texts[:2], "--text={their_product}") != 0
    assert "bob has nothing in the column their_product" in capsys.readouterr().err
    assert started(path, *texts[:2], "--text={price}") != 0
    assert "unknown place: {price}" in capsys.readouterr().err
    assert len(rows_in(queue)) == 6


def test_a_spreadsheet_with_a_bad_line_starts_nothing(
    queue: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "targets.csv"
    path.write_text("handle,name\nada,Ada\n,Nobody\nbob,Bob,extra\n")
    assert started(path) != 0
    told = capsys.readouterr().err
    assert "line 3: no handle" in told
    assert "line 4: 3 cells for 2 columns" in told
    assert rows_in(queue) == []
    assert started(path, "--handles", "ada") != 0
    assert "cannot be combined with" in capsys.readouterr().err
    path.write_text("handle,notes\nada,asked us to stop\n")
    assert started(path, "--text=1", "--text=2", "--text=3", "--dry-run") != 0
    assert "ada: this person" in capsys.readouterr().err
