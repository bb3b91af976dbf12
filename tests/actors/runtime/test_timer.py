from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import pytest

from actors.runtime.messages import Tick
from tests.actors.house import House, Told

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "sleeper"
EARLY, MIDDLE, LATE = Tick("early"), Tick("middle"), Tick("late")


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.close()


@pytest.fixture
def told(house: House) -> Told:
    return house.stand_in(NAME)


def next_tick(told: Told) -> str:
    return told.take(Tick).what


def test_timed_messages_arrive_in_order_of_due_time(house: House, told: Told) -> None:
    began_at = monotonic()
    house.timer.after(0.06, NAME, LATE)
    house.timer.after(0.02, NAME, EARLY)
    house.timer.after(0.04, NAME, MIDDLE)
    assert [next_tick(told) for _ in range(3)] == ["early", "middle", "late"]
    assert monotonic() - began_at >= 0.06


def test_a_timer_that_is_set_again_is_moved(house: House, told: Told) -> None:
    house.timer.after(0.01, NAME, LATE)
    house.timer.after(0.06, NAME, LATE)
    house.timer.after(0.03, NAME, EARLY)
    assert [next_tick(told) for _ in range(2)] == ["early", "late"]
    house.timer.after(5.0, NAME, LATE)
    house.timer.after(0.01, NAME, LATE)
    house.timer.after(0.03, NAME, MIDDLE)
    assert [next_tick(told) for _ in range(2)] == ["late", "middle"]


def test_a_cancelled_timer_does_not_ring(house: House, told: Told) -> None:
    house.timer.after(0.01, NAME, EARLY)
    house.timer.cancel(NAME, EARLY)
    house.timer.cancel(NAME, MIDDLE)
    house.timer.after(0.02, NAME, LATE)
    assert next_tick(told) == "late"
    assert told.all_of(Tick) == []


def test_a_moment_in_the_past_is_now(house: House, told: Told) -> None:
    house.timer.after(-1.0, NAME, EARLY)
    assert next_tick(told) == "early"


def test_each_actor_has_its_own(house: House, told: Told) -> None:
    other = house.stand_in("other")
    house.timer.after(0.01, NAME, EARLY)
    house.timer.after(0.01, "other", EARLY)
    house.timer.cancel(NAME, EARLY)
    other.take(Tick)
    assert told.all_of(Tick) == []


def test_a_timer_for_nobody_stops_no_other(house: House, told: Told) -> None:
    house.timer.after(0.0, "nobody", EARLY)
    house.timer.after(0.01, NAME, LATE)
    assert next_tick(told) == "late"


def test_a_closed_timer_delivers_nothing(house: House, told: Told) -> None:
    house.timer.after(0.02, NAME, EARLY)
    house.timer.close()
    house.timer.after(0.0, NAME, LATE)
    with pytest.raises(AssertionError):
        told.take(Tick, seconds=0.06)
