from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import pytest

from actors.runtime.messages import Tick
from actors.runtime.timer import Timer
from tests.actors.house import House, Told

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "sleeper"
EARLY, MIDDLE, LATE = Tick("early"), Tick("middle"), Tick("late")


class Clock:
    """Stands still until a test moves it; however long a test takes to set its timers."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.close()


@pytest.fixture
def told(house: House) -> Told:
    return house.stand_in(NAME)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timer(house: House, clock: Clock) -> Iterator[Timer]:
    timer = Timer(house.registry, clock)
    yield timer
    timer.close()


def next_tick(told: Told) -> str:
    return told.take(Tick).what


def test_a_timer_rings_no_sooner_than_it_is_due(house: House, told: Told) -> None:
    began_at = monotonic()
    house.timer.after(0.05, NAME, EARLY)
    assert next_tick(told) == "early"
    assert monotonic() - began_at >= 0.05


def test_timed_messages_arrive_in_order_of_due_time(timer: Timer, told: Told, clock: Clock) -> None:
    timer.after(0.06, NAME, LATE)
    timer.after(0.02, NAME, EARLY)
    timer.after(0.04, NAME, MIDDLE)
    clock.now += 0.03
    assert next_tick(told) == "early"
    assert told.all_of(Tick) == []
    clock.now += 0.03
    assert [next_tick(told) for _ in range(2)] == ["middle", "late"]


def test_a_timer_that_is_set_again_is_moved(timer: Timer, told: Told, clock: Clock) -> None:
    timer.after(0.01, NAME, LATE)
    timer.after(0.06, NAME, LATE)
    timer.after(0.03, NAME, EARLY)
    clock.now += 0.06
    assert [next_tick(told) for _ in range(2)] == ["early", "late"]
    timer.after(5.0, NAME, LATE)
    timer.after(0.01, NAME, LATE)
    timer.after(0.03, NAME, MIDDLE)
    clock.now += 0.03
    assert [next_tick(told) for _ in range(2)] == ["late", "middle"]


def test_a_moment_in_the_past_is_now(timer: Timer, told: Told) -> None:
    timer.after(-1.0, NAME, EARLY)
    assert next_tick(told) == "early"


def test_each_actor_has_its_own(house: House, timer: Timer, told: Told, clock: Clock) -> None:
    other = house.stand_in("other")
    timer.after(0.01, NAME, EARLY)
    timer.after(0.01, "other", EARLY)
    timer.after(5.0, NAME, EARLY)
    clock.now += 0.01
    other.take(Tick)
    assert told.all_of(Tick) == []


def test_a_timer_for_nobody_stops_no_other(timer: Timer, told: Told, clock: Clock) -> None:
    timer.after(0.0, "nobody", EARLY)
    timer.after(0.01, NAME, LATE)
    clock.now += 0.01
    assert next_tick(told) == "late"


def test_a_closed_timer_delivers_nothing(timer: Timer, told: Told, clock: Clock) -> None:
    timer.after(0.02, NAME, EARLY)
    timer.close()
    timer.after(0.0, NAME, LATE)
    clock.now += 0.02
    with pytest.raises(AssertionError):
        told.take(Tick, seconds=0.06)
