"""The catalogue names nine services and routes every action to one of them."""

from __future__ import annotations

import pytest

from actp.errors import InvalidInput
from actp.safari.catalogue import ACTIONS, HTTP_SERVICES, SERVICES, route

PORTS = {
    "instagram-dm": 3001,
    "twitter-dm": 3003,
    "threads-comments": 3004,
    "instagram-comments": 3005,
    "tiktok-comments": 3006,
    "twitter-comments": 3007,
    "tiktok-dm": 3102,
    "linkedin-automation": 3105,
    "market-research": 3106,
}
ROUTES = [
    ("send_dm", "instagram", "instagram-dm"),
    ("send_dm", "twitter", "twitter-dm"),
    ("send_dm", "tiktok", "tiktok-dm"),
    ("send_dm", "linkedin", "linkedin-automation"),
    ("comment", "threads", "threads-comments"),
    ("comment", "instagram", "instagram-comments"),
    ("comment", "tiktok", "tiktok-comments"),
    ("comment", "twitter", "twitter-comments"),
    ("tweet", "twitter", "twitter-comments"),
    ("tweet", None, "twitter-comments"),
    ("market_research", "facebook", "market-research"),
    ("market_research", "twitter", "market-research"),
    ("navigate", None, "local"),
    ("sync", "instagram", "local"),
    ("pipeline", None, "local"),
]


def test_the_nine_services_listen_where_the_product_says() -> None:
    assert {service.name: service.port for service in HTTP_SERVICES} == PORTS


def test_settings_are_named_after_the_services() -> None:
    names = {service.url_setting for service in HTTP_SERVICES}
    assert {"SAFARI_INSTAGRAM_DM_URL", "SAFARI_LINKEDIN_URL", "SAFARI_MARKET_RESEARCH_URL"} < names
    tokens = {service.token_setting for service in HTTP_SERVICES}
    assert {"SAFARI_THREADS_COMMENTS_TOKEN", "SAFARI_LINKEDIN_TOKEN"} < tokens


def test_tokens_stay_out_of_the_representation() -> None:
    assert "threads-local-dev-token" not in repr(SERVICES["threads-comments"])


def test_no_two_services_share_a_quota() -> None:
    quotas = [(s.platform, s.kind) for s in HTTP_SERVICES if s.kind]
    assert len(quotas) == len(set(quotas)) == 8


def test_what_reaches_people_happens_once() -> None:
    assert {s.name for s in SERVICES.values() if s.effect == "repeatable"} == {
        "local",
        "market-research",
    }


@pytest.mark.parametrize(("action", "platform", "service"), ROUTES)
def test_an_action_finds_its_service(action: str, platform: str | None, service: str) -> None:
    assert route(action, platform).name == service


def test_the_platform_may_stand_in_the_params() -> None:
    assert route("send_dm", None, {"platform": "TikTok"}).name == "tiktok-dm"
    assert route("send_dm", "twitter", {"platform": "tiktok"}).name == "twitter-dm"


@pytest.mark.parametrize(
    ("action", "platform", "reason", "remedy"),
    [
        ("send_dm", "threads", "Threads has no direct messages", "instagram"),
        ("comment", "linkedin", "no Safari service comments on LinkedIn", "threads"),
        ("send_dm", "instagramm", "unknown platform for send_dm", "Did you mean instagram?"),
        ("send-dm", "instagram", "unknown action: send-dm", "Did you mean send_dm?"),
        ("market_research", "linkedin", "does not cover LinkedIn", "twitter"),
        ("comment", None, "needs a platform", "threads"),
    ],
)
def test_a_route_that_does_not_exist_is_refused_with_the_reason(
    action: str, platform: str | None, reason: str, remedy: str
) -> None:
    with pytest.raises(InvalidInput, match=reason) as refused:
        route(action, platform)
    assert remedy in refused.value.remedy


def test_every_action_has_a_route() -> None:
    assert all(route(action, "twitter") for action in ACTIONS)
