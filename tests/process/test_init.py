"""``bin/init``: what it asks, checks and writes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actp.settings import SERVICE_SETTINGS, load_settings
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from simulator.process import SimulatorProcess
    from tests.support.databases import Database

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "actp.cli", "init"]
SECONDS = 60


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


@pytest.fixture
def environment(env_file: Path, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "ACTP_ENV_FILE": str(env_file),
    }


def answer(
    environment: dict[str, str], answers: str, *options: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--answers", "-", *options],
        input=answers,
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_answers_are_checked_and_written_for_their_owner_alone(
    environment: dict[str, str], env_file: Path, database: Database
) -> None:
    answers = f"DATABASE_URL={database.dsn!r}\nSAFARI_ACTIVE_HOURS=08-20\nOUTREACH_SENDER=it's me\n"
    done = answer(environment, answers)
    assert done.returncode == 0, done.stderr
    assert "responds, and has the tables" in done.stdout
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    settings = load_settings({}, env_file)
    assert settings.store_kind == "postgres"
    assert str(settings.safari_active_hours) == "08-20"
    assert settings.outreach_sender == "it's me"
    assert "# ---- The nine Safari services ----" in env_file.read_text()


@pytest.mark.parametrize(
    ("answers", "code", "words"),
    [
        ("SAFARI_ACTIVE_HOURS=25-20\nWORKERS=x\n", 78, ("25-20", "WORKERS: 'x'")),
        ("DATABASE_URL=postgresql://x@127.0.0.1:1/none\n", 1, ("Nothing was written",)),
        ("WORKRES=2\n", 2, ("no settings: WORKRES",)),
    ],
)
def test_a_wrong_answer_writes_nothing(
    environment: dict[str, str], env_file: Path, answers: str, code: int, words: tuple[str, ...]
) -> None:
    done = answer(environment, answers)
    assert done.returncode == code
    for word in words:
        assert word in done.stderr
    assert not env_file.exists()


def test_a_database_that_is_away_can_be_written_on_purpose(
    environment: dict[str, str], env_file: Path
) -> None:
    done = answer(environment, "DATABASE_URL=postgresql://x@127.0.0.1:1/none\n", "--unchecked")
    assert done.returncode == 0
    assert "PROBLEM database" in done.stdout
    assert load_settings({}, env_file).store_kind == "postgres"


def test_a_file_that_is_there_is_changed_on_purpose_only(
    environment: dict[str, str], env_file: Path
) -> None:
    env_file.write_text("# mine\nSAFARI_ACTIVE_HOURS=10-12\n")
    refused = answer(environment, "SAFARI_ACTIVE_HOURS=08-20\n")
    assert refused.returncode == 65
    assert "would change: SAFARI_ACTIVE_HOURS" in refused.stderr
    assert env_file.read_text() == "# mine\nSAFARI_ACTIVE_HOURS=10-12\n"
    assert answer(environment, "SAFARI_ACTIVE_HOURS=08-20\n", "--yes").returncode == 0
    assert env_file.read_text() == "# mine\nSAFARI_ACTIVE_HOURS=08-20\n"


def test_without_a_terminal_it_asks_for_answers(environment: dict[str, str]) -> None:
    done = subprocess.run(
        COMMAND,
        stdin=subprocess.DEVNULL,
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert "--answers" in done.stderr


def test_at_a_terminal_each_answer_is_checked_until_it_is_right(
    environment: dict[str, str], env_file: Path, simulator: SimulatorProcess
) -> None:
    simulator.play({"services": {"linkedin-automation": {"token": "the-right-one"}}})
    urls = [f"{stem}_URL={simulator.url(name)}" for name, stem in SERVICE_SETTINGS.items()]
    env_file.write_text("\n".join(urls) + "\n")
    with Terminal(COMMAND, environment) as terminal:
        for question, keys in (
            (r"Database .*: ", "postgres\n"),
            (r"DATABASE_URL: ", "nonsense\n"),
            (r"is not a PostgreSQL address[^:]*://", ""),
            (r"DATABASE_URL: ", "postgresql://x@127.0.0.1:1/none\n"),
            (r"PROBLEM database", ""),
            (r"Keep it although the check fails\? \[y/N\]: ", "y\n"),
            (r"linkedin-automation: the token was rejected", ""),
            (r"SAFARI_LINKEDIN_TOKEN \[keep\]: ", "the-wrong-one\n"),
            (r"the token was rejected", ""),
            (r"Keep it although the check fails\? \[y/N\]: ", "n\n"),
            (r"SAFARI_LINKEDIN_TOKEN \[keep\]: ", "the-right-one\n"),
            (r"ok +linkedin-automation", ""),
            (r"instagram \[-\]: ", "a b\n"),
            *((rf"{name} \[-\]: ", "\n") for name in ("twitter", "threads", "tiktok", "linkedin")),
            (r"is not a handle", ""),
            (r"instagram \[.*\]: ", "@Me\n"),
            *((rf"{name} \[-\]: ", "\n") for name in ("twitter", "threads", "tiktok", "linkedin")),
            (r"Hours in which messages may be sent \[09-21\]: ", "7-30\n"),
            (r"Time zone of these hours \[.*\]: ", "Europe/Berlin\n"),
            (r"leaves the day", ""),
            (r"Hours in which messages may be sent \[09-21\]: ", "7-22\n"),
            (r"Time zone of these hours \[.*\]: ", "Europe/Berlin\n"),
            (r"Telegram\? \[y/N\]: ", "n\n"),
            (r"Claude .*\? \[y/N\]: ", "n\n"),
            (r"Change DATABASE_URL, .* in .*\? \[y/N\]: ", "y\n"),
        ):
            terminal.expect(question)
            terminal.type(keys)
        assert terminal.wait() == 0
    assert "the-right-one" not in terminal.output, "a secret was echoed"
    settings = load_settings({}, env_file)
    assert settings.safari_linkedin_token is not None
    assert settings.safari_linkedin_token.get_secret_value() == "the-right-one"
    assert settings.safari_own_handles == {"instagram": "me"}
    assert str(settings.safari_active_hours) == "07-22"


def test_ctrl_c_writes_nothing(environment: dict[str, str], env_file: Path) -> None:
    with Terminal(COMMAND, environment) as terminal:
        terminal.expect(r"Database .*: ")
        assert terminal.interrupt() == 130
    assert not env_file.exists()
