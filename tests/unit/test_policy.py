"""Which settings go into the database: those that a person has set."""

from __future__ import annotations

from typing import Any

from actp.policy import policies, shared_settings
from actp.settings import DEFAULT_DAILY_LIMITS, load_settings


def given(**env: str) -> Any:
    return load_settings({"ACTP_ENV_FILE": "", **env})


def test_host_without_settings_sets_only_a_missing_time_zone() -> None:
    settings = given()
    for policy in policies(settings):
        assert policy.keys() == {"platform", "kind", "default_time_zone"}
    assert shared_settings(settings) == {}


def test_there_is_one_for_each_platform_and_kind() -> None:
    named = [(policy["platform"], policy["kind"]) for policy in policies(given())]
    assert named == [
        (platform, kind) for platform, kinds in DEFAULT_DAILY_LIMITS.items() for kind in kinds
    ]


def test_hours_pace_and_zone_that_were_set_hold_everywhere() -> None:
    settings = given(
        SAFARI_ACTIVE_HOURS="22-06", SAFARI_MIN_GAP_SECONDS="0", SAFARI_TIME_ZONE="Europe/Berlin"
    )
    for policy in policies(settings):
        assert (policy["active_from"], policy["active_to"]) == (22, 6)
        assert policy["min_gap_seconds"] == 0
        assert policy["time_zone"] == "Europe/Berlin"
        assert "default_time_zone" not in policy
        assert "daily_limit" not in policy


def test_limits_that_were_set_are_named_with_the_defaults_of_the_others() -> None:
    settings = given(SAFARI_DAILY_LIMITS='{"instagram": {"dm": 3}}')
    limits = {
        (policy["platform"], policy["kind"]): policy["daily_limit"] for policy in policies(settings)
    }
    assert limits["instagram", "dm"] == 3
    assert limits["twitter", "dm"] == DEFAULT_DAILY_LIMITS["twitter"]["dm"]


def test_shared_settings_are_those_that_were_set() -> None:
    settings = given(SAFARI_RETRY_LIMIT="5", SAFARI_FOREIGN_ACTIONS="scan,probe")
    assert shared_settings(settings) == {"retry_limit": 5, "foreign_actions": ["scan", "probe"]}
