"""The limits of each service are read in its own wording, and compared with ours."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from actp.doctor.safari import safari
from actp.doctor.services import services
from actp.safari.catalogue import SERVICES
from actp.safari.session_check import StatedLimits, limit_reason, stated_limits
from actp.safari.transport import HttpTransport
from simulator.process import SimulatorProcess
from tests.support.safari_clients import simulator_settings
from tests.unit.safari.commands_for_tests import command_of

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
    assert stated_limits(SERVICES["tiktok-dm"], said) == tuple(limits)


def test_the_hours_of_other_actions_are_no_limit_of_messages() -> None:
    said = {"config": {"messagesPerDay": 50, "activeHoursStart": 8, "activeHoursEnd": 18}}
    assert stated_limits(SERVICES["linkedin-automation"], said) == (None, 50, None)


CLOSED = {"limits": LIMITS, "activeHours": {"isActive": False}}
FULL_HOUR = {"limits": LIMITS, "messagesSentThisHour": 10, "messagesSentToday": 12}
FULL_DAY = {"limits": LIMITS, "messagesSentThisHour": 1, "messagesSentToday": 30}
LINKEDIN_CLOSED = {"config": {}, "current": {}, "withinActiveHours": False}
LINKEDIN_FULL = {"config": {"messagesPerDay": 50}, "current": {"messagesToday": 50}}


@pytest.mark.parametrize(
    ("name", "said", "reason"),
    [
        ("tiktok-dm", CLOSED, "hours"),
        ("tiktok-dm", FULL_HOUR, "10 an hour"),
        ("tiktok-dm", FULL_DAY, "30 a day"),
        (
            "tiktok-dm",
            {"limits": LIMITS, "messagesSentThisHour": 9, "messagesSentToday": 29},
            None,
        ),
        ("tiktok-dm", {}, None),
        # Their counters go back only when they are asked to send.
        *((name, CLOSED, "hours") for name in ("instagram-dm", "twitter-dm")),
        *((name, FULL_HOUR, None) for name in ("instagram-dm", "twitter-dm")),
        *((name, FULL_DAY, None) for name in ("instagram-dm", "twitter-dm")),
        # It states the hours of its other actions.
        ("linkedin-automation", LINKEDIN_CLOSED, None),
        ("linkedin-automation", LINKEDIN_FULL, "50 a day"),
    ],
)
def test_a_service_that_would_refuse_says_so(
    name: str, said: dict[str, Any], reason: str | None
) -> None:
    found = limit_reason(SERVICES[name], said)
    assert found == reason if reason is None else reason in str(found)


def test_a_counter_that_only_a_send_sets_back_stops_no_service(
    simulator: SimulatorProcess,
) -> None:
    """A worker that starts anew hours after the last message asks the service to send."""
    names = ("instagram-dm", "twitter-dm", "tiktok-dm")
    simulator.reset()
    simulator.play({"services": {name: {"per_hour": 1} for name in names}})
    said, again = {}, {}
    for name in names:
        with closing(HttpTransport(SERVICES[name], url=simulator.url(name), token=None)) as to:
            message = command_of(name)
            assert to.send(message, to.prepare(message)).verdict == "sent"
            said[name] = to.probe()
            again[name] = to.send(message, to.prepare(message)).reason
    assert (said["instagram-dm"], said["twitter-dm"]) == (None, None)
    assert "1 an hour" in str(said["tiktok-dm"])
    assert set(again.values()) == {"service_quota"}


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
