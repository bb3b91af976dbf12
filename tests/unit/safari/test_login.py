"""Nothing is sent from another account than the one that the settings of the Mac name."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from actp.safari.catalogue import SERVICES
from actp.safari.exchange import Connection
from actp.safari.hindrances import ask_ready
from actp.safari.login import login_script, shown_login
from actp.safari.outcomes import Outcome
from actp.settings import Settings
from simulator.process import SimulatorProcess
from tests.support.looking import commands_of, transport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actp.safari.transport import HttpTransport

TELLING = (
    "instagram-dm",
    "instagram-comments",
    "linkedin-automation",
    "threads-comments",
    "tiktok-dm",
    "twitter-comments",
    "twitter-dm",
)
ACCOUNTS = dict.fromkeys(("instagram", "linkedin", "threads", "tiktok", "twitter"), "shop_en")


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture
def simulator(running: SimulatorProcess) -> SimulatorProcess:
    running.reset()
    running.play({"safari": {"accounts": ACCOUNTS}})
    return running


def outcome(opened: HttpTransport) -> Outcome | None:
    """Look at a command, and send it where nothing keeps it back."""
    (command, *_) = commands_of(opened.service.name)
    found = opened.look(command)
    if isinstance(found, Outcome):
        return found
    opened.send(found, opened.prepare(found))
    return None


@pytest.mark.parametrize("service", TELLING)
def test_another_account_sends_nothing(
    service: str, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    site = SERVICES[service].platform or ""
    with transport(service, simulator, tmp_path, logins={site: "shop"}) as opened:
        found = outcome(opened)
    assert found is not None
    assert (found.verdict, found.reason) == ("wait", "wrong_account")
    assert "@shop_en is logged in to" in found.error
    assert "this Mac's account is @shop" in found.error
    assert found.alert == found.error
    assert simulator.world() == []


@pytest.mark.parametrize("service", TELLING)
def test_the_named_account_sends(service: str, simulator: SimulatorProcess, tmp_path: Path) -> None:
    site = SERVICES[service].platform or ""
    with transport(service, simulator, tmp_path, logins={site: "shop_en"}) as opened:
        assert outcome(opened) is None
    assert len(simulator.world()) == 1


@pytest.mark.parametrize("service", TELLING)
def test_an_account_that_changes_between_two_sends_is_noticed(
    service: str, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    site = SERVICES[service].platform or ""
    with transport(service, simulator, tmp_path, logins={site: "shop_en"}) as opened:
        assert outcome(opened) is None
        simulator.play({"safari": {"accounts": {}}})
        found = outcome(opened)
        # LinkedIn's own profile is opened with the check of the login alone, every five minutes.
        assert (found is None) == (service == "linkedin-automation")


def test_without_a_named_account_anybody_may_be_logged_in(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    with transport("twitter-dm", simulator, tmp_path) as opened:
        assert outcome(opened) is None


def test_tiktok_comments_cannot_tell_the_account(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    assert login_script(SERVICES["tiktok-comments"]) is None
    with transport("tiktok-comments", simulator, tmp_path, logins={"tiktok": "shop"}) as opened:
        assert outcome(opened) is None


def test_readiness_names_the_other_account(simulator: SimulatorProcess) -> None:
    def token(name: str) -> SecretStr | None:
        bearer = SERVICES[name].default_bearer
        return None if bearer is None else SecretStr(bearer)

    asked = [name for name in TELLING if name != "linkedin-automation"]
    logins = dict.fromkeys(ACCOUNTS, "shop")
    for name in asked:  # each holds a tab, as after its first command
        with closing(Connection(simulator.url(name), token(name))) as opened:
            opened.exchange("POST", "/api/session/ensure", b"{}", timeout_seconds=10)
    found = ask_ready(asked, simulator.url, token, logins)
    assert all("@shop_en is logged in" in str(found[name]) for name in asked), found
    assert set(ask_ready(asked, simulator.url, token, ACCOUNTS).values()) == {None}


@pytest.mark.parametrize(
    ("service", "address", "handle"),
    [
        ("twitter-dm", "https://x.com/Shop_EN", "shop_en"),
        ("twitter-dm", "https://mobile.x.com/shop", "shop"),
        ("twitter-dm", "https://x.com/home/shop", None),
        ("twitter-dm", "https://x.com.evil.example/shop", None),
        ("twitter-dm", "", None),
        ("twitter-dm", None, None),
        ("instagram-dm", "https://www.instagram.com/shop.en/", "shop.en"),
        ("instagram-dm", "https://www.instagram.com/direct/inbox/", None),
        ("threads-comments", "https://www.threads.net/@shop", "shop"),
        ("threads-comments", "https://www.threads.com/@me", "me"),
        ("tiktok-dm", "https://www.tiktok.com/@shop", "shop"),
        ("tiktok-dm", "https://www.tiktok.com/@", None),
        ("linkedin-automation", "https://www.linkedin.com/in/me/", None),
        ("linkedin-automation", "https://www.linkedin.com/in/J%C3%BCrgen-1/", "jürgen-1"),
        ("linkedin-automation", "https://www.linkedin.com/feed/", None),
    ],
)
def test_the_handle_in_the_address_of_a_profile(
    service: str, address: str | None, handle: str | None
) -> None:
    assert shown_login(SERVICES[service], address) == handle


def test_an_own_handle_is_more_exact_than_the_name_of_an_account() -> None:
    settings = Settings.model_validate(
        {"safari_accounts": "instagram=shop,twitter=shop", "safari_own_handles": "instagram=shop_1"}
    )
    assert settings.safari_logins == {"instagram": "shop_1", "twitter": "shop"}
