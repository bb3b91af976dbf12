"""What is kept of a script's end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actp.dispatch.reading import masked, read, secrets_of
from actp.dispatch.running import Run
from actp.processes import Finished
from actp.settings import load_settings

SECRET = "postgresql://app:p%40ssword@127.0.0.1/db"  # noqa: S105  # of no database


def ended(stdout: str = "", code: int = 0, stderr: str = "", **more: Any) -> Finished:
    return Finished(code, stdout.encode(), stderr.encode(), more.pop("timed_out", False), **more)


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (ended("done"), None),
        (ended(code=2, stderr="x.py: no\n  Do."), "x.py: no\n  Do."),
        (ended(code=1), "ended with exit code 1"),
        (ended('{"ok": false, "error": "half"}', code=1, stderr="noise"), "half"),
        (ended(code=-15), "ended by signal 15"),
        (ended(code=-15, timed_out=True), "did not end within 5 s"),
        (ended(code=-15, stopped=True), "interrupted: the lease was lost"),
    ],
)
def test_a_failure_says_why(end: Finished, error: str | None) -> None:
    result, why = read(end, (), 5)
    assert (why or "").startswith(error or "")
    assert (why is None) == (error is None)
    assert result.get("error") == why
    assert result["returncode"] == end.returncode


def test_json_becomes_data_and_anything_else_stays_text() -> None:
    assert read(ended('{"scored": 3}'), (), 5)[0]["data"] == {"scored": 3}
    assert read(ended("✅ Scored 3 contacts"), (), 5)[0] == {
        "stdout": "✅ Scored 3 contacts",
        "returncode": 0,
        "data": None,
    }


def test_what_no_column_could_hold_is_made_storable() -> None:
    result, _ = read(ended(json.dumps({"a": ["\0x"] * 20_000, "b": "\ud800"})), (), 5)
    assert len(json.dumps(result)) < 60_000
    assert "\\u0000" not in json.dumps(result["data"])


def test_tokens_and_the_database_s_password_are_secrets() -> None:
    settings = load_settings(
        {"ACTP_ENV_FILE": "", "DATABASE_URL": SECRET, "ANTHROPIC_API_KEY": "sk-ant-1"}
    )
    secrets = secrets_of(settings)
    assert {"sk-ant-1", SECRET, "p@ssword", "p%40ssword"} <= set(secrets)
    shown = masked(f"{SECRET} p@ssword sk-ant-1", secrets)
    assert shown == "******** ******** ********"


@pytest.mark.parametrize(
    "address",
    [
        "host=h user=app password='hunter2 hunter2'",
        "postgresql://app@h/db?password=hunter2%20hunter2",
        "postgresql://app:hunter2%20hunter2@h1:1,h2:2/db",
    ],
)
def test_a_password_is_a_secret_in_every_form_of_address(address: str) -> None:
    settings = load_settings({"ACTP_ENV_FILE": "", "DATABASE_URL": address})
    assert "hunter2 hunter2" in secrets_of(settings)


def test_a_run_has_one_line_for_a_person() -> None:
    def of(data: Any) -> str:
        return Run("prospect", "score-all", "ok", {"data": data}).headline

    assert of({"headline": "12 scored", "scored": 12}) == "12 scored"
    assert of({"ok": True, "scored": 12, "bots_left_out": 3}) == "scored 12, bots left out 3"
    assert of([]) == of(None) == of({}) == "done"
