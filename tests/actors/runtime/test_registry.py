from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actors.runtime.actor import SUPERVISOR
from actors.runtime.messages import Crashed, OffloadFailed, Tick
from actors.runtime.registry import Registry
from tests.actors.house import Grenade, House, StandIn, Told
from tests.actors.rows import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

HELLO = Tick("hello")


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.close()


def test_a_message_for_nobody_is_gone() -> None:
    assert not Registry().tell("nobody", HELLO)


def test_a_successor_takes_over_the_name(house: House) -> None:
    first = house.stand_in("ada")
    second = house.stand_in("ada")
    assert house.registry.tell("ada", HELLO)
    assert second.take(Tick) == HELLO
    assert first.all_of(Tick) == []


def test_the_dead_are_told_nothing_and_it_says_so(house: House) -> None:
    house.stand_in("ada")
    house.tell("ada", Grenade())
    eventually(lambda: not house.registry.tell("ada", HELLO), "ada is dead")


def test_everybody_but_one_is_told(house: House) -> None:
    told = {name: house.stand_in(name) for name in ("ada", "bob", "eve")}
    house.registry.tell_all(HELLO, but="bob")
    assert told["ada"].take(Tick) == told["eve"].take(Tick) == HELLO
    assert told["bob"].all_of(Tick) == []
    assert list(house.registry) == [SUPERVISOR, "ada", "bob", "eve"]


def test_a_crash_is_told_to_the_supervisor_with_its_cause(house: House) -> None:
    house.stand_in("ada")
    house.tell("ada", Grenade())
    crashed = house.supervisor.take(Crashed)
    assert crashed == Crashed("ada", "RuntimeError('a grenade')")


class Divider(StandIn):
    """Divides one by each number it is told, off its thread."""

    def receive(self, message: object) -> None:
        if isinstance(message, int):
            self.offload("divide", lambda: Tick(str(1 // message)))
        else:
            super().receive(message)


def test_the_end_of_an_offload_and_its_error_come_back_as_messages(house: House) -> None:
    told = Told()
    house.registry.connect("ada", Divider.start("ada", house.context, told))
    house.tell("ada", 1, 0, 1)
    failed = told.take(OffloadFailed)
    assert failed.what == "divide"
    assert isinstance(failed.error, ZeroDivisionError)
    assert [told.take(Tick).what for _ in range(2)] == ["1", "1"]
