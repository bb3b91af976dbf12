"""Nothing is sent to a process that is not the service it should be."""

from __future__ import annotations

from typing import Any

import pytest

from actp.safari.catalogue import HTTP_SERVICES, SERVICES
from actp.safari.session_check import identity_problem

LIMITS = {"messagesPerHour": 10, "messagesPerDay": 30}
INSTAGRAM_DM = {"status": "ok", "rateLimits": {"messagesSentToday": 0, "limits": LIMITS}}
REMOTION = {"status": "healthy", "uptime": 5, "timestamp": "2026-03-08T12:00:00Z"}


@pytest.mark.parametrize("service", HTTP_SERVICES, ids=lambda service: service.name)
def test_a_service_is_known_by_its_name_alone(service: Any) -> None:
    assert identity_problem(service, {"status": "ok", "service": service.name}) is None
    for other in HTTP_SERVICES:
        if other is not service:
            assert identity_problem(service, {"status": "ok", "service": other.name})


def test_instagram_dm_is_known_by_its_limits() -> None:
    assert identity_problem(SERVICES["instagram-dm"], INSTAGRAM_DM) is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        REMOTION,
        {"rateLimits": None},
        {"rateLimits": {"limits": []}},
        {**INSTAGRAM_DM, "service": "linkedin-automation"},
    ],
)
def test_others_are_not_instagram_dm(body: dict[str, Any]) -> None:
    assert identity_problem(SERVICES["instagram-dm"], body)


def test_the_problem_names_the_setting_and_what_was_found() -> None:
    problem = identity_problem(SERVICES["tiktok-dm"], {"service": "remotion"})
    assert problem == "SAFARI_TIKTOK_DM_URL leads to remotion, not to tiktok-dm"
    assert "SAFARI_TWITTER_DM_URL" in (identity_problem(SERVICES["twitter-dm"], REMOTION) or "")
