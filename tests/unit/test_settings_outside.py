"""Settings of what goes outside: who may decide in Telegram, and where results go."""

from __future__ import annotations

import pytest

from actp.errors import SettingsError
from actp.settings import load_settings
from actp.settings.describe import describe

SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105  # of nobody


def refused(**env: str) -> str:
    with pytest.raises(SettingsError) as error:
        load_settings({"ACTP_ENV_FILE": "", **env})
    return str(error.value)


@pytest.mark.parametrize(
    ("given", "users"),
    [("", ()), ("7", (7,)), (" 7 , 123456789012 ,", (7, 123456789012))],
)
def test_users_are_ids(given: str, users: tuple[int, ...]) -> None:
    settings = load_settings({"ACTP_ENV_FILE": "", "TELEGRAM_USERS": given})
    assert settings.telegram_users == users
    shown = {row.name: row.value for row in describe(settings, {})}
    assert shown["TELEGRAM_USERS"] == ",".join(map(str, users))


@pytest.mark.parametrize("given", ["ada", "@ada", "-1001234", "0", "1.5", "7 8", "7;8", "\u0667"])
def test_names_groups_and_other_things_are_no_users(given: str) -> None:
    assert "is not the id of a person" in refused(TELEGRAM_USERS=given)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/hooks/a?key=x",
        "http://127.0.0.1:8080/hook",
        "http://localhost/hook",
        "http://[::1]:8080/",
    ],
)
def test_results_go_to_https_or_this_machine(url: str) -> None:
    settings = load_settings(
        {"ACTP_ENV_FILE": "", "RESULT_WEBHOOK_URL": url, "RESULT_WEBHOOK_SECRET": SECRET}
    )
    assert settings.result_webhook_url is not None
    shown = {row.name: row.value for row in describe(settings, {})}
    assert {shown["RESULT_WEBHOOK_URL"], shown["RESULT_WEBHOOK_SECRET"]} == {"********"}


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "http://169.254.169.254/latest/meta-data",
        "http://192.168.1.1/",
        "http://127.0.0.1.evil.example/",
        "https://user:pass@example.com/",
        "https://example.com/#part",
        "https://example.com:99999/",
        "https:///hook",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://exa mple.com/",
        "https://example.com/\nHost: evil",
        "example.org/hook",
    ],
)
def test_other_addresses_for_results_are_refused_without_being_shown(url: str) -> None:
    said = refused(RESULT_WEBHOOK_URL=url, RESULT_WEBHOOK_SECRET=SECRET)
    assert said.startswith("RESULT_WEBHOOK_URL: ")
    assert url not in said


def test_results_are_always_signed() -> None:
    assert "always signed" in refused(RESULT_WEBHOOK_URL="https://example.com/")
    weak = refused(RESULT_WEBHOOK_URL="https://example.com/", RESULT_WEBHOOK_SECRET=SECRET[:20])
    assert "too short" in weak
    assert SECRET[:20] not in weak


@pytest.mark.parametrize(
    "secret",
    ["whsec_no base64 at all, !!!", "whsec_" + "A" * 25, "whsec_" + "!" * 32],
)
def test_a_key_of_standard_webhooks_is_base64(secret: str) -> None:
    said = refused(RESULT_WEBHOOK_URL="https://example.com/", RESULT_WEBHOOK_SECRET=secret)
    assert "whsec_" in said
    assert secret not in said
