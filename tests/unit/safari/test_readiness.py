from __future__ import annotations

from dataclasses import dataclass
from random import SystemRandom

import pytest

from actp.safari.outcomes import Outcome
from actp.safari.readiness import PROBE_AGAIN_SECONDS, RECHECK_SECONDS, Readiness

SENT = Outcome("sent", "sent")
NOBODY_THERE = Outcome("retry", "never_connected", error="refused", breaker="count")
NO_ANSWER = Outcome("unknown", "no_answer", breaker="count")
MISCONFIGURED = Outcome("wait", "misconfigured", error="401", wait_seconds=900.0, breaker="open")
BUSY_PERSON = Outcome("wait", "in_flight", wait_seconds=30.0)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def readiness(clock: Clock) -> Readiness:
    """A service that has been identified."""
    readiness = Readiness(SystemRandom(), clock)
    readiness.probed(None)
    return readiness


def test_nothing_is_sent_to_somebody_unknown() -> None:
    readiness = Readiness(SystemRandom())
    assert readiness.state["state"] == "probe"
    assert readiness.state["reason"] == "checked before its next command"
    readiness.probed(None)
    assert readiness.state == {"state": "ready"}


@pytest.mark.parametrize("outcome", [NOBODY_THERE, NO_ANSWER])
def test_after_a_broken_connection_it_is_identified_again(
    readiness: Readiness, outcome: Outcome
) -> None:
    readiness.learn(outcome)
    assert readiness.step == "probe"


def test_three_probes_in_vain_make_it_wait(readiness: Readiness) -> None:
    steps = []
    for _ in range(3):
        readiness.probed("another service")
        steps.append(readiness.step)
    assert steps == ["probe", "probe", "wait"]
    assert readiness.wait_seconds > PROBE_AGAIN_SECONDS
    assert readiness.state["reason"] == "another service"


def test_a_wait_that_the_service_asks_for_is_kept(readiness: Readiness) -> None:
    readiness.learn(MISCONFIGURED)
    assert readiness.step == "wait"
    assert 890 < readiness.wait_seconds <= 900 * 1.2
    assert readiness.state["reason"] == "401"


def test_a_message_that_arrived_garbled_holds_the_next(readiness: Readiness) -> None:
    garbled = Outcome("sent", "sent", wait_seconds=900.0, breaker="open", alert="no locale")
    readiness.learn(garbled)
    assert readiness.step == "wait"
    assert 890 < readiness.wait_seconds <= 900 * 1.2
    assert readiness.state["reason"] == "no locale"


def test_a_person_who_is_busy_says_nothing_about_the_service(readiness: Readiness) -> None:
    readiness.learn(BUSY_PERSON)
    assert readiness.step == "go"


def test_success_clears_what_went_before(readiness: Readiness) -> None:
    for _ in range(2):
        readiness.learn(Outcome("retry", "server_error", breaker="count"))
    readiness.learn(SENT)
    for _ in range(2):
        readiness.learn(Outcome("retry", "server_error", breaker="count"))
    assert readiness.step == "go"


OUTSIDE_HOURS = Outcome("wait", "outside_hours", error="closed", wait_seconds=40_000.0)


def test_a_wait_for_the_hours_of_a_service_is_looked_at_again(
    readiness: Readiness, clock: Clock
) -> None:
    readiness.learn(OUTSIDE_HOURS)
    assert (readiness.step, readiness.wait_seconds) == ("wait", RECHECK_SECONDS)
    clock.now += RECHECK_SECONDS
    assert readiness.state["state"] == "probe"
    readiness.probed("it is outside its own hours")
    assert (readiness.step, readiness.wait_seconds) == ("wait", RECHECK_SECONDS)
    clock.now += RECHECK_SECONDS
    readiness.probed(None)
    assert readiness.state == {"state": "ready"}


def test_a_wait_of_which_a_probe_shows_nothing_is_kept(clock: Clock) -> None:
    readiness = Readiness(SystemRandom(), clock, limits_told=frozenset({"service_quota"}))
    readiness.probed(None)
    readiness.learn(OUTSIDE_HOURS)
    steps = []
    for seconds in (2 * RECHECK_SECONDS, 40_000.0):
        clock.now += seconds
        steps.append(readiness.step)
    assert steps == ["wait", "go"]


def test_a_wait_for_a_person_is_not_ended_by_a_probe(readiness: Readiness, clock: Clock) -> None:
    readiness.learn(MISCONFIGURED)
    clock.now += RECHECK_SECONDS + 1
    assert readiness.step == "wait"


def test_an_operator_can_lift_a_wait(readiness: Readiness) -> None:
    readiness.learn(MISCONFIGURED)
    assert readiness.step == "wait"
    readiness.lift()
    assert readiness.state["state"] == "probe"
    readiness.probed(None)
    assert readiness.state == {"state": "ready"}
