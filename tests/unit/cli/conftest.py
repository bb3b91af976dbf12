"""The command line, run in this process, on its own database where a test needs one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from actp.cli.entry_point import main as entry_point
from actp.cli.main import main
from actp.settings import SERVICE_SETTINGS, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import Database

REFUSING_DATABASE = "postgresql://app:do-not-show@127.0.0.1:1/none"


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Result]


def check_error(result: Result, code: int, *words: str) -> None:
    """Assert a cause and a remedy on standard error, the exit code, and nothing else."""
    assert result.code == code, result
    lines = result.err.splitlines()
    assert len(lines) >= 2, result.err
    assert lines[-1].startswith("  ")
    assert lines[-1].strip()
    assert "Traceback" not in result.err
    assert result.out == ""
    for word in words:
        assert word in result.err


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the developer's own settings; a database that refuses; services nowhere."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("ACTP_DEBUG", raising=False)
    monkeypatch.setenv("ACTP_ENV_FILE", "")
    monkeypatch.setenv("ACTP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ACTP_LOCK_DIR", str(tmp_path / "locks"))
    monkeypatch.setenv("DATABASE_URL", REFUSING_DATABASE)
    monkeypatch.setenv("SAFARI_TIME_ZONE", "Etc/UTC")
    for port, prefix in enumerate(SERVICE_SETTINGS.values(), start=1):
        monkeypatch.setenv(f"{prefix}_URL", f"http://127.0.0.1:{port}")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command of the group."""

    def run_command(*arguments: str) -> Result:
        code = main(arguments)
        return Result(code, *capsys.readouterr())

    return run_command


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run safari_cloud_agent.py with flags."""

    def run_flags(*flags: str) -> Result:
        code = entry_point(flags)
        return Result(code, *capsys.readouterr())

    return run_flags


@pytest.fixture
def queue(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database that the commands use."""
    for name, value in database.environment.items():
        monkeypatch.setenv(name, value)
    return database
