"""Settings: what is read, what wins, and that every mistake is named at once without its secret."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from actp.errors import ExitCode, NotFound, SettingsError
from actp.settings import (
    DEFAULT_DAILY_LIMITS,
    PROJECT_ROOT,
    SERVICE_SETTINGS,
    ActiveHours,
    Settings,
    describe,
    load_settings,
)
from actp.settings.values import parse_active_hours

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_FILE = Path(os.devnull)


def load(**env: str) -> Settings:
    return load_settings(env, NO_FILE)


def mistakes(env: Mapping[str, str], env_file: Path = NO_FILE) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(env, env_file)
    return str(caught.value).splitlines()


def mistake(name: str, value: str) -> str:
    [line] = mistakes({name: value})
    assert re.match(r"[A-Z_]+: .", line)
    assert " — " in line
    return line


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


# ---- where values come from ----


def test_nothing_set_gives_the_defaults() -> None:
    settings = load()
    assert settings.store_kind == "embedded"
    assert settings.explicit == frozenset()
    assert settings.actp_home == PROJECT_ROOT / "var"
    assert settings.safari_daily_limits == DEFAULT_DAILY_LIMITS
    assert settings.safari_active_hours == ActiveHours(9, 21)


def test_the_environment_wins_over_the_file(env_file: Path) -> None:
    env_file.write_text("WORKERS=4\nSAFARI_TURNS=2\n")
    settings = load_settings({"WORKERS": "5"}, env_file)
    assert (settings.workers, settings.safari_turns) == (5, 2)
    assert settings.explicit == {"workers", "safari_turns"}


def test_an_empty_value_counts_as_not_set(env_file: Path) -> None:
    env_file.write_text("WORKERS=4\nSTOP_SECONDS=\n")
    settings = load_settings({"WORKERS": " "}, env_file)
    assert (settings.workers, settings.stop_seconds) == (4, 30)
    assert settings.explicit == {"workers"}


def test_the_environment_may_name_another_file_or_none(env_file: Path) -> None:
    env_file.write_text("WORKERS=4\n")
    assert load_settings({"ACTP_ENV_FILE": str(env_file)}).workers == 4
    assert load_settings({"ACTP_ENV_FILE": ""}).workers == 1


def test_a_missing_file_is_no_mistake(env_file: Path) -> None:
    assert load_settings({}, env_file).workers == 1


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load().workers = 4  # type: ignore[misc]  # what must not work


@pytest.mark.parametrize("in_env", ["SUPABASE_SERVICE_KEY", "SUPABASE_SERVICE_ROLE_KEY"])
@pytest.mark.parametrize("in_file", ["SUPABASE_SERVICE_KEY", "SUPABASE_SERVICE_ROLE_KEY"])
def test_the_supabase_key_has_two_names(env_file: Path, in_env: str, in_file: str) -> None:
    env_file.write_text(f"SUPABASE_URL=https://p.supabase.co\n{in_file}=from-file\n")
    for env, expected in (({}, "from-file"), ({in_env: "from-env"}, "from-env")):
        settings = load_settings(env, env_file)
        assert settings.supabase_service_role_key is not None
        assert settings.supabase_service_role_key.get_secret_value() == expected
        assert settings.store_kind == "supabase"


@pytest.mark.parametrize("name", ["MARKET_RESEARCH_URL", "SAFARI_MARKET_RESEARCH_URL"])
def test_the_address_of_market_research_has_two_names(env_file: Path, name: str) -> None:
    env_file.write_text(f"{name}=http://localhost:4106\n")
    for env, port in (({}, 4106), ({name: "http://localhost:5106"}, 5106)):
        settings = load_settings(env, env_file)
        assert settings.service_url("market-research") == f"http://localhost:{port}"
    env_file.write_text(f"{name}=http://10.0.0.9:4106\n")
    with pytest.raises(SettingsError, match=r"SAFARI_MARKET_RESEARCH_URL: .* SAFARI_ALLOW_REMOTE"):
        load_settings({}, env_file)


# ---- mistakes ----


def test_every_mistake_is_reported_at_once(env_file: Path) -> None:
    env_file.write_text("SAFARI_TRUNS=2\nthis is no line\n")
    env = {"WORKERS": "many", "SAFARI_ACTIVE_HOURS": "25-3", "SAFARI_LEASE_SECONDS": "1"}
    lines = mistakes(env, env_file)
    assert [line.split(":")[0] for line in lines] == [
        ".env line 2",
        "SAFARI_TRUNS (.env)",
        "SAFARI_ACTIVE_HOURS",
        "SAFARI_LEASE_SECONDS",
        "WORKERS",
    ]


def test_a_mistake_ends_a_program_with_the_exit_code_for_configuration() -> None:
    assert SettingsError.exit_code is ExitCode.CONFIG


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WORKERS", "0", "at least 1"),
        ("WORKERS", "11", "at most 10"),
        ("WORKERS", "2.5", "a whole number"),
        ("SAFARI_TURNS", "10", "at most 9"),
        ("SAFARI_LEASE_SECONDS", "1.9", "at least 2"),
        ("SAFARI_MIN_GAP_SECONDS", "nan", "a number"),
        ("SAFARI_MIN_GAP_SECONDS", "-1", "at least 0"),
        ("SAFARI_ACTION_TIMEOUT_SECONDS", "0", "more than 0"),
        ("SAFARI_ALLOW_REMOTE", "perhaps", "true or false"),
        ("SAFARI_TIME_ZONE", "Europe/Berlni", "IANA"),
        ("SAFARI_TIME_ZONE", "Europe", "IANA"),
        ("SAFARI_ACTIVE_HOURS", "9", "09-21"),
        ("SAFARI_ACTIVE_HOURS", "09-09", "empty"),
        ("SAFARI_ACTIVE_HOURS", "09-25", "leaves the day"),
        ("LOG_LEVEL", "loud", "'WARNING'"),
        ("METRICS_PORT_BASE", "80", "1024"),
        ("SAFARI_LINKEDIN_URL", "127.0.0.1:3105", "http(s)"),
        ("SAFARI_LINKEDIN_URL", "http://127.0.0.1", "no port"),
        ("SAFARI_LINKEDIN_URL", "http://127.0.0.1:3105/api", "path"),
        ("SAFARI_LINKEDIN_URL", "http://127.0.0.1:31050000", "not a URL"),
        ("SAFARI_LINKEDIN_URL", "http://192.168.1.9:3105", "SAFARI_ALLOW_REMOTE"),
        ("SAFARI_LINKEDIN_URL", "http://127.0.0.1.evil.example:3105", "SAFARI_ALLOW_REMOTE"),
        ("SAFARI_LINKEDIN_URL", "http://127.0.0.1:3106", "is also"),
        ("ANTHROPIC_BASE_URL", "http://claude.example.com", "https://api.anthropic.com"),
        ("DATABASE_URL", "mysql://host/db", "postgresql://"),
        ("DATABASE_URL", "postgresql://u:[YOUR-PASSWORD]@h/db", "placeholder"),
        ("DATABASE_URL", '"postgresql://h/db"', "quotes"),
        ("DATABASE_URL", "postgresql://u:a b@h/db", "%20"),
        ("DATABASE_URL", "postgresql://u:a%b@h/db", "%25"),
        ("DATABASE_URL", "postgresql://u:a@b@h/db", "%40"),
        ("DATABASE_URL", "postgresql://u:12/34@h/db", "%2F"),
        ("DATABASE_URL", "postgresql://u:12#34@h/db", "%23"),
        ("DATABASE_URL", "postgresql://u:12?34@h/db", "%3F"),
        ("DATABASE_URL", "postgresql://u@h:1,i:two/db", "cannot be read"),
        ("SAFARI_LINKEDIN_TOKEN", "'token'", "quotes"),
        ("SUPABASE_URL", "https://p.supabase.co", "both or neither"),
        ("SUPABASE_SERVICE_ROLE_KEY", "key", "both or neither"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_expected(name: str, value: str, said: str) -> None:
    [line] = mistakes({name: value})
    assert re.match(r"[A-Z_]+: .", line)
    assert said in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://me:hunter2@host/db"),
        ("DATABASE_URL", "postgresql://me:hunter2@host:port/db"),
        ("DATABASE_URL", "hunter2"),
        ("DATABASE_URL", "postgresql://me:hunter2/x@host/db"),
        ("DATABASE_URL", "postgresql://me:hunter2 x@host/db"),
        ("DATABASE_URL", "postgresql://me:%hunter2@host/db"),
        ("DATABASE_URL", "'postgresql://me:hunter2@host/db'"),
        ("ANTHROPIC_API_KEY", "hunter2 hunter2"),
        ("SAFARI_LINKEDIN_TOKEN", "hunter2 hunter2"),
        ("SAFARI_LINKEDIN_URL", "http://me:hunter2@127.0.0.1:3105"),
        ("SUPABASE_URL", "https://me:hunter2@p.supabase.co"),
        ("TELEGRAM_BOT_TOKEN", "hunter2\nX-Header: 1"),
    ],
)
def test_a_wrong_secret_is_not_repeated(name: str, value: str) -> None:
    assert "hunter2" not in mistake(name, value)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ('{"instgram": {"dm": 1}}', "did you mean 'instagram'?"),
        ('{"twitter": {"comments": 1}}', "did you mean 'comment'?"),
        ('{"twitter": {"dm": -1}}', "twitter dm: -1"),
        ('{"twitter": {"dm": true}}', "twitter dm: True"),
        ('{"twitter": 5}', "twitter is not an object"),
        ("[1]", "not a JSON object"),
        ("twitter=5", "not JSON"),
    ],
)
def test_a_wrong_limit_is_named(limits: str, said: str) -> None:
    assert said in mistake("SAFARI_DAILY_LIMITS", limits)


# ---- names ----


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("SAFARI_TIMEZONE", "SAFARI_TIME_ZONE"),
        ("SAFARI_LINKEDIN_TOKN", "SAFARI_LINKEDIN_TOKEN"),
        ("SUPABASE_URI", "SUPABASE_URL"),
        ("ACTP_LOCKDIR", "ACTP_LOCK_DIR"),
        ("ANTHROPIC_API_KEYS", "ANTHROPIC_API_KEY"),
    ],
)
def test_a_typo_in_the_environment_is_a_mistake(typo: str, meant: str) -> None:
    [line] = mistakes({typo: "x"})
    assert f"did you mean {meant}?" in line


def test_names_of_other_tools_in_the_environment_are_ignored() -> None:
    load(SAFARI_GATEWAY_URL="x", SUPABASE_ANON_KEY="x", SAFARI_FROBNICATE="x", WORKER="x", PATH="x")


def test_an_unknown_name_of_ours_in_the_file_is_a_mistake(env_file: Path) -> None:
    env_file.write_text("SAFARI_FROBNICATE=1\nWORKER=3\nANTHROPIC_API_KEY=x\nEDITOR=vi\n")
    unknown, typo = mistakes({}, env_file)
    assert "SAFARI_FROBNICATE" in unknown
    assert "did you mean WORKERS?" in typo


@pytest.mark.parametrize("name", ["database_url", "Workers", "safari_active_hours"])
def test_a_name_in_small_letters_in_the_file_is_a_mistake(env_file: Path, name: str) -> None:
    env_file.write_text(f"{name}=2\n")
    [line] = mistakes({}, env_file)
    assert f"did you mean {name.upper()}?" in line


def test_a_link_that_leads_nowhere_is_a_mistake(tmp_path: Path) -> None:
    link = tmp_path / ".env"
    link.symlink_to(tmp_path / "gone")
    [line] = mistakes({}, link)
    assert "does not exist" in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TELEGRAM_CHAT_ID", "\u201c5\u201d"),
        ("TELEGRAM_CHAT_ID", "nan"),
        ("TELEGRAM_CHAT_ID", "5#x"),
        ("TELEGRAM_CHAT_ID", "\u0663"),
        ("OUTREACH_SENDER", "Ada\nfrom Acme"),
        ("OUTREACH_SENDER", "Ada\x00"),
        ("OUTREACH_SENDER", "\u202eadA"),
    ],
)
def test_a_chat_or_sender_that_cannot_be_one_is_a_mistake(name: str, value: str) -> None:
    assert name in mistake(name, value)


def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    [line] = mistakes({}, tmp_path)
    assert "cannot be read" in line


# ---- single values ----


@given(st.integers(0, 23), st.integers(1, 24))
def test_active_hours_hold_each_hour_from_start_until_end(start: int, end: int) -> None:
    if start == end:
        return
    hours = parse_active_hours(f"{start:02d}-{end:02d}")
    inside = {(start + passed) % 24 for passed in range((end - start) % 24 or 24)}
    assert {hour for hour in range(24) if hour in hours} == inside
    assert parse_active_hours(str(hours)) == hours


def test_limits_lie_over_the_defaults() -> None:
    limits = load(SAFARI_DAILY_LIMITS='{"instagram": {"dm": 5}}').safari_daily_limits
    assert limits["instagram"] == {"dm": 5, "comment": 50}
    assert DEFAULT_DAILY_LIMITS["instagram"]["dm"] == 20


def test_lists_are_written_with_commas() -> None:
    assert load(SAFARI_FOREIGN_ACTIONS="a, b,,").safari_foreign_actions == ("a", "b")


def test_remote_services_may_be_allowed() -> None:
    settings = load(SAFARI_ALLOW_REMOTE="true", SAFARI_LINKEDIN_URL="http://10.0.0.9:3105/")
    assert settings.service_url("linkedin-automation") == "http://10.0.0.9:3105"


def test_each_service_has_its_own_address_and_token() -> None:
    settings = load(SAFARI_TWITTER_DM_TOKEN="t")  # noqa: S106 - no secret
    assert len({settings.service_url(name) for name in SERVICE_SETTINGS}) == len(SERVICE_SETTINGS)
    token = settings.service_token("twitter-dm")
    assert token is not None
    assert token.get_secret_value() == "t"
    assert settings.service_token("tiktok-dm") is None
    with pytest.raises(NotFound, match="twitter-dm"):
        settings.service_url("twitter")


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:p%40@db.abc.supabase.co:5432/postgres?sslmode=require",
        "postgres:///db",
        "host=/var/run dbname=x",
        "postgresql://u:p@[::1]:5432,[fe80::2%25en0]:5433,third/db?target_session_attrs=read-write",
        "postgresql://%2Fvar%2Frun/db",
        "hostaddr=127.0.0.1 port=1 password='a://b@c d'",
        "postgresql://u:p@h/db?options=-c%20search_path%3Dx",
        "service=there",
    ],
)
def test_a_database_address_decides_the_store(dsn: str) -> None:
    settings = load(
        DATABASE_URL=dsn, SUPABASE_URL="https://p.supabase.co", SUPABASE_SERVICE_KEY="k"
    )
    assert settings.store_kind == "postgres"


@pytest.mark.parametrize(
    "line",
    [
        "DATABASE_URL=postgresql://u:p@h/db   ",
        "DATABASE_URL='postgresql://u:p@h/db'  ",
        'DATABASE_URL="postgresql://u:p@h/db "  # the address',
        "export DATABASE_URL = postgresql://u:p@h/db\t",
        "DATABASE_URL=postgresql://u:p@h/db\r",
    ],
)
def test_blanks_and_quotes_around_a_value_are_not_part_of_it(env_file: Path, line: str) -> None:
    env_file.write_text(f"{line}\n", newline="")
    address = load_settings({}, env_file).database_url
    assert address is not None
    assert address.get_secret_value() == "postgresql://u:p@h/db"


def test_paths_are_absolute_after_loading() -> None:
    settings = load(ACTP_HOME="elsewhere", ACTP_LOCK_DIR="~/locks")
    assert settings.actp_home == PROJECT_ROOT / "elsewhere"
    assert settings.actp_lock_dir == Path.home() / "locks"


# ---- the host ----


def test_secrets_are_masked_wherever_they_are_shown(env_file: Path) -> None:
    env_file.write_text("DATABASE_URL=postgresql://u:hunter2@h/d\n")
    env = {"SAFARI_LINKEDIN_TOKEN": "hunter2", "WORKERS": "2"}
    settings = load_settings(env, env_file)
    rows = {row.name: (row.value, row.source) for row in describe(settings, env)}
    assert "hunter2" not in repr(rows) + repr(settings) + str(settings) + settings.model_dump_json()
    assert rows["DATABASE_URL"] == ("********", ".env")
    assert rows["SAFARI_LINKEDIN_TOKEN"] == ("********", "env")
    assert rows["WORKERS"] == ("2", "env")
    assert rows["SAFARI_ACTIVE_HOURS"] == ("09-21", "default")
    assert rows["SUPABASE_URL"] == ("", "default")


# ---- .env.example ----


@pytest.fixture
def example() -> dict[str, str]:
    text = (PROJECT_ROOT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, re.MULTILINE))


def test_the_example_holds_every_setting_and_no_other(example: dict[str, str]) -> None:
    assert set(example) == {name.upper() for name in Settings.model_fields}


def test_the_examples_values_are_the_defaults(example: dict[str, str], env_file: Path) -> None:
    env_file.write_text("".join(f"{name}={value}\n" for name, value in example.items()))
    assert load_settings({}, env_file).model_dump() == load().model_dump()
