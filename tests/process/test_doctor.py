"""The doctor names every trouble with its remedy."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from actp.doctor.examination import examine
from actp.doctor.host import environment_file
from actp.doctor.local import check_before_start
from actp.errors import SettingsError
from actp.locks import PortLock
from actp.settings import load_settings
from tests.actors.settings_for_tests import environment_for
from tests.process.workers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.process import SimulatorProcess
    from tests.support.databases import Database

DOCTOR_SECONDS = 120


@pytest.fixture
def environment(database: Database, simulator: SimulatorProcess, tmp_path: Path) -> dict[str, str]:
    return environment_for(database, simulator, tmp_path)


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "actp.cli", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=DOCTOR_SECONDS,
        check=False,
    )


def problems(environment: dict[str, str]) -> dict[str, tuple[str, str]]:
    findings: list[dict[str, Any]] = json.loads(run(environment, "doctor", "--json").stdout)[
        "findings"
    ]
    return {
        it["check"]: (it["said"], it["remedy"])
        for it in findings
        if it["remedy"] is not None and not it["is_warning"]
    }


def test_where_all_is_well_it_says_so(environment: dict[str, str]) -> None:
    done = run(environment, "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ok      version: actp-worker ")
    assert done.stdout.endswith("No problem.\n")
    assert "PROBLEM" not in done.stdout
    for name in ("Claude", "Blotato", "Remotion"):
        assert f"ok      {name}: " in done.stdout


def test_every_wrong_setting_is_named(environment: dict[str, str]) -> None:
    done = run({**environment, "WORKERS": "0", "SAFARI_TURNS": "many"}, "doctor")
    assert done.returncode == 1
    assert "WORKERS: '0' is too small" in done.stdout
    assert "SAFARI_TURNS: 'many'" in done.stdout
    lines = done.stdout.splitlines()
    assert all(lines[n + 1].startswith("        ") for n, it in enumerate(lines) if "PROBLEM" in it)


def test_a_deep_look_names_the_tab_and_the_login_that_a_service_lacks(
    environment: dict[str, str], simulator: SimulatorProcess
) -> None:
    def found(**safari: Any) -> dict[str, tuple[str, str]]:
        simulator.safari(**safari)
        quick = {**environment, "SAFARI_TIME_SCALE": "0.001"}
        findings = json.loads(run(quick, "doctor", "--deep", "--json").stdout)["findings"]
        return {it["check"]: (it["said"], it["remedy"]) for it in findings if it["remedy"]}

    said, remedy = found(closed=["twitter-dm", "twitter-comments"])["twitter-dm"]
    assert said.startswith("it has no tab in Safari (")
    assert said.endswith(")")
    assert remedy.startswith("Start Safari and open a tab of x.com")
    said, remedy = found(closed=[], logged_out=["tiktok"])["tiktok-dm"]
    assert said == "Safari is not logged in to tiktok.com"
    assert remedy.startswith("Log in there in Safari")


@pytest.mark.parametrize("setting", ["SAFARI_ACCOUNTS", "SAFARI_OWN_HANDLES"])
def test_another_account_than_the_settings_name_is_a_problem(
    environment: dict[str, str], simulator: SimulatorProcess, setting: str
) -> None:
    def problems(*options: str, handle: str) -> dict[str, str]:
        named = {**environment, setting: f"twitter={handle}", "SAFARI_TIME_SCALE": "0.001"}
        findings = json.loads(run(named, "doctor", "--json", *options).stdout)["findings"]
        return {it["check"]: it["said"] for it in findings if "is logged in to" in it["said"]}

    simulator.safari(accounts={"twitter": "old_shop"})
    said = "@old_shop is logged in to x.com, and this Mac's account is @shop"
    assert problems(handle="shop") == {
        "twitter-dm": f"{said}; commands wait",
        "twitter-comments": f"{said}; commands wait",
    }
    assert problems("--deep", handle="shop").keys() == {"twitter-dm", "twitter-comments"}
    assert problems("--deep", handle="old_shop") == {}


def test_missing_own_handles_are_asked_for(environment: dict[str, str]) -> None:
    def warned(**changes: str) -> list[str]:
        done = run({**environment, **changes}, "doctor", "--json")
        found = json.loads(done.stdout)["findings"]
        return [it["remedy"] for it in found if it["check"] == "own handles"]

    assert warned(SAFARI_OWN_HANDLES="threads=me,instagram=me") == [
        "Set SAFARI_OWN_HANDLES=tiktok=NAME,twitter=NAME."
    ]
    assert warned(SAFARI_VERIFY="off") == []
    assert warned(SAFARI_OWN_HANDLES="threads=me,instagram=me,tiktok=me,twitter=me") == []


def test_services_that_are_away_or_others_or_refuse_are_told_apart(
    environment: dict[str, str], simulator: SimulatorProcess
) -> None:
    found = problems(
        {
            **environment,
            "SAFARI_TWITTER_DM_URL": "http://127.0.0.1:1",
            "SAFARI_TIKTOK_DM_URL": simulator.url("linkedin-automation"),
            "SAFARI_LINKEDIN_URL": simulator.url("tiktok-dm"),
            "SAFARI_INSTAGRAM_COMMENTS_TOKEN": "not-the-one",
        }
    )
    assert found["twitter-dm"][1] == "Start it, or set SAFARI_TWITTER_DM_URL."
    assert "leads to linkedin-automation, not to tiktok-dm" in found["tiktok-dm"][0]
    assert "leads to tiktok-dm" in found["linkedin-automation"][0]
    assert "HTTP 401" in found["instagram-comments"][0]
    assert "SAFARI_INSTAGRAM_COMMENTS_TOKEN" in found["instagram-comments"][1]
    assert len(found) == 4


def test_a_research_service_that_refuses_our_token_is_told(
    environment: dict[str, str], simulator: SimulatorProcess
) -> None:
    simulator.play({"services": {"market-research": {"token": "another"}}})
    ((said, remedy),) = problems(environment).values()
    assert "HTTP 401" in said
    assert "SAFARI_MARKET_RESEARCH_TOKEN" in remedy


def test_the_database_s_troubles_are_named(environment: dict[str, str], database: Database) -> None:
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("alter table safari_command_queue disable row level security")
    said, remedy = problems(environment)["row-level security"]
    assert "safari_command_queue" in said
    assert "bin/db secure" in remedy
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("delete from safari_migrations where name like '%schedule%'")
    said, remedy = problems(environment)["migrations"]
    assert "20261101001200_schedule.sql" in said
    assert "bin/db migrate" in remedy
    away = problems({**environment, "DATABASE_URL": "postgresql://app:secret@127.0.0.1:1/none"})
    assert "secret" not in str(away)
    assert set(away) == {"database"}


def test_missing_programs_and_half_an_address_are_named(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    wrong = {"CRM_BRAIN_CMD": "/nowhere/brain.py", "TELEGRAM_CHAT_ID": "1"}
    found = problems({**environment, **wrong, "ACTP_LOCK_DIR": str(file)})
    # A folder that cannot be read ends its own check, not the others.
    assert found["services' owner"][0].startswith(f"cannot use {file}/")
    assert "/nowhere/brain.py" in found["CRM brain"][0]
    assert "TELEGRAM_BOT_TOKEN" in found["Telegram"][0]


def test_a_telegram_that_is_away_does_not_show_the_token(environment: dict[str, str]) -> None:
    telegram = {
        "TELEGRAM_API_URL": "http://127.0.0.1:1",
        "TELEGRAM_BOT_TOKEN": "123456:do-not-show",
        "TELEGRAM_CHAT_ID": "1",
    }
    done = run({**environment, **telegram}, "doctor")
    assert "does not answer" in done.stdout
    assert "do-not-show" not in done.stdout + done.stderr


def test_buttons_that_nobody_could_press_are_named(
    environment: dict[str, str], simulator: SimulatorProcess
) -> None:
    buttons = {
        "TELEGRAM_API_URL": simulator.url("telegram"),
        "TELEGRAM_BOT_TOKEN": "123456:do-not-show",
        "TELEGRAM_BUTTONS": "true",
    }
    simulator.play({"telegram": {"chat_id": "42"}})
    group = problems({**environment, **buttons, "TELEGRAM_CHAT_ID": "-1001"})
    assert "does not see the chat: HTTP 400: Bad Request: chat not found" in group["Telegram"][0]
    assert "TELEGRAM_USERS is empty" in group["Telegram buttons"][0]
    private = {**environment, **buttons, "TELEGRAM_CHAT_ID": "42"}
    assert "no host receives presses" in run(private, "doctor").stdout
    url = f"{simulator.url('telegram')}/bot123456:do-not-show/setWebhook"
    httpx.post(url, json={"url": "https://example.com/hook"}, timeout=5)
    said, remedy = problems(private)["Telegram buttons"]
    assert ("webhook" in said, "deleteWebhook" in remedy) == (True, True)


def test_up_refuses_what_could_not_work(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run({**environment, "ACTP_HOME": str(tmp_path / "file" / "home")}, "up")
    assert done.returncode == 78
    assert "is not a folder" in done.stderr

    locks = tmp_path / "open"
    locks.mkdir()
    locks.chmod(0o777)
    done = run({**environment, "ACTP_LOCK_DIR": str(locks)}, "up")
    assert done.returncode == 78
    assert "chmod 700" in done.stderr


def test_up_refuses_a_service_that_another_process_drives(environment: dict[str, str]) -> None:
    settings = load_settings(environment)
    check_before_start(settings)
    with PortLock(settings.actp_lock_dir, settings.service_url("twitter-dm")) as lock:
        assert lock.acquire()
        with pytest.raises(SettingsError, match="drives twitter-dm"):
            check_before_start(settings)
    check_before_start(settings)


def test_up_refuses_a_metrics_port_that_is_taken(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = load_settings({**environment, "METRICS_PORT_BASE": str(port)})
        with pytest.raises(SettingsError, match=f"in use by another program: {port}"):
            check_before_start(settings)


def test_what_is_found_without_settings_is_about_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACTP_ENV_FILE", "")
    monkeypatch.setenv("STOP_SECONDS", "never")
    assert {finding.check for finding in examine()} == {"version", "settings"}


def test_a_name_that_the_file_sets_twice_is_reported(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("SAFARI_SHADOW=true\nWORKERS=2\n\nWORKERS=2\n\n\nexport SAFARI_SHADOW=false\n")
    file.chmod(0o600)
    repeated, private = environment_file(file)
    assert repeated.is_warning
    assert repeated.said == f"SAFARI_SHADOW is set on lines 1 and 7 of {file}"
    assert private.check == "secrets"
