"""The breaker opens, cools down, probes and closes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actp.safari.readiness import Breaker


def failing(times: int, now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        breaker = breaker.after("count", now)
    return breaker


def test_two_failures_do_not_open_it() -> None:
    assert failing(2).step(0.0) == "go"


def test_three_failures_in_a_row_open_it_for_five_seconds() -> None:
    breaker = failing(3)
    assert breaker.step(4.9) == "wait"
    assert breaker.wait_seconds(1.0) == 4.0
    assert breaker.step(5.0) == "probe"


def test_a_success_between_failures_starts_the_count_anew() -> None:
    breaker = failing(2).after("ok", 0.0).after("count", 0.0).after("count", 0.0)
    assert breaker.step(0.0) == "go"


def test_blocked_opens_it_at_once_for_as_long_as_the_outcome_waits() -> None:
    breaker = Breaker().after("open", 100.0, wait_seconds=900.0)
    assert breaker.step(999.0) == "wait"
    assert breaker.step(1000.0) == "probe"


def test_what_opens_it_at_once_without_a_time_cools_down_shortly() -> None:
    assert Breaker().after("open", 0.0).wait_seconds(0.0) == 5.0


def test_a_ready_service_gets_one_command_to_try() -> None:
    probed = failing(3).after_probe(is_ready=True, now=5.0)
    assert probed.step(5.0) == "go"
    assert probed.after("ok", 6.0) == Breaker()
    assert probed.after("count", 6.0).step(6.0) == "wait"


def test_each_opening_doubles_the_cool_down_up_to_half_a_minute() -> None:
    breaker, waits, now = failing(3), [], 0.0
    for _ in range(9):
        waits.append(breaker.wait_seconds(now))
        now = breaker.until
        breaker = breaker.after_probe(is_ready=False, now=now)
    assert waits == [5, 10, 20, 30, 30, 30, 30, 30, 30]


def test_jitter_lengthens_the_cool_down() -> None:
    assert failing(2).after("count", 0.0, jitter=1.0).wait_seconds(0.0) == 6.0


def test_a_probe_of_a_closed_breaker_changes_nothing() -> None:
    assert Breaker().after_probe(is_ready=False, now=0.0) == Breaker()


@given(st.lists(st.sampled_from(["count", "open", "ready", "unready"])))
def test_it_always_lets_a_probe_through_in_the_end(events: list[str]) -> None:
    breaker, now = Breaker(), 0.0
    for event in events:
        if event == "ready":
            breaker = breaker.after_probe(is_ready=True, now=now)
        elif event == "unready":
            breaker = breaker.after_probe(is_ready=False, now=now, jitter=1.0)
        else:
            breaker = breaker.after("open" if event == "open" else "count", now, jitter=1.0)
        assert breaker.wait_seconds(now) <= 1080
    assert breaker.step(now + 1081) in {"go", "probe"}
