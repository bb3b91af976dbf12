"""The limits of each service are read in its own wording, and compared with ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actp.doctor.safari import safari
from actp.doctor.services import services
from actp.safari.session_check import StatedLimits, limit_reason, stated_limits
from simulator.process import SimulatorProcess
from tests.support.safari_clients import simulator_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMITS = {"messagesPerHour": 10, "messagesPerDay": 30}


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as simulator:
        yield simulator


@pytest.mark.parametrize(
    ("said", "limits"),
    [
        (
            {"limits": LIMITS, "activeHours": {"start": 9, "end": 21, "isActive": True}},
            StatedLimits(10, 30, (9, 21)),
        ),
        (
            {"limits": {**LIMITS, "activeHoursStart": 8, "activeHoursEnd": 18}},
            StatedLimits(10, 30, (8, 18)),
        ),
        ({"config": {"messagesPerDay": 50}, "current": {}}, StatedLimits(None, 50, None)),
        (
            {"commentsToday": 1, "limits": {"commentsPerHour": 5, "commentsPerDay": 15}},
            StatedLimits(5, 15, None),
        ),
        ({"limits": {"commentsPerDay": "many"}, "activeHours": "9:00 - 21:00"}, (None,) * 3),
        ({}, (None,) * 3),
    ],
)
def test_every_wording_is_understood(said: dict[str, Any], limits: tuple[Any, ...]) -> None:
    assert stated_limits(said) == tuple(limits)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"limits": LIMITS, "activeHours": {"isActive": False}}, "hours"),
        ({"config": {}, "withinActiveHours": False}, "hours"),
        ({"limits": LIMITS, "messagesSentThisHour": 10, "messagesSentToday": 12}, "10 an hour"),
        ({"limits": LIMITS, "messagesSentThisHour": 1, "messagesSentToday": 30}, "30 a day"),
        ({"limits": LIMITS, "messagesSentThisHour": 9, "messagesSentToday": 29}, None),
        ({}, None),
    ],
)
def test_a_service_that_would_refuse_says_so(said: dict[str, Any], reason: str | None) -> None:
    found = limit_reason(said)
    assert found == reason if reason is None else reason in str(found)


def test_doctor_warns_where_our_limits_are_wider(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    wide = {"SAFARI_DAILY_LIMITS": '{"twitter": {"dm": 100000}}'}
    narrow = {"SAFARI_DAILY_LIMITS": '{"twitter": {"dm": 1}}', "SAFARI_ACTIVE_HOURS": "12-13"}
    for limits, is_warned in ((wide, True), (narrow, False)):
        findings = [
            finding
            for finding in services(simulator_settings(simulator, tmp_path, **limits))
            if finding.check == "twitter-dm" and "its own limits" in finding.said
        ]
        (finding,) = findings
        assert (finding.is_warning, finding.is_problem) == (is_warned, False)
        assert not is_warned or "bin/limits set twitter dm" in (finding.remedy or "")


def test_a_deep_look_names_what_is_wrong_in_safari(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    settings = simulator_settings(simulator, tmp_path, SAFARI_TIME_SCALE="0.001")
    simulator.reset()
    assert [each for each in safari(settings) if each.is_problem] == []
    simulator.safari(logged_out=["threads"], closed=["twitter-comments", "twitter-dm"])
    wrong = {each.check: each for each in safari(settings) if each.is_problem}
    assert "logged in" in wrong["threads-comments"].said
    assert "tab" in wrong["twitter-dm"].said
    assert "instagram-dm" not in wrong
