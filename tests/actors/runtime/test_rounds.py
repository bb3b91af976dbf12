"""Actors that work in rounds: what waits, what crashes, and when the next round begins."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from actors.runtime.messages import Crashed, Drained, Stop, StopNow
from actors.runtime.rounds import RoundsActor
from actp.errors import StoreUnavailable
from actp.store.reconnect import Backoff
from tests.actors.house import DEADLINE_SECONDS, Grenade

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.runtime.actor import ActorContext
    from tests.actors.house import House

NAME = "rounds"
NEVER_SECONDS = 3600.0


class Awake:
    """A message that asks for a round."""


class Rounds(RoundsActor):
    """Does what each round is given, and counts the rounds."""

    def __init__(
        self,
        context: ActorContext,
        rounds: list[Callable[[], float]],
        begun: SimpleQueue[int],
        released: threading.Event,
        retried: type[Exception],
    ) -> None:
        super().__init__(
            NAME, context, waits="rounds", retried=retried, backoff=Backoff(0.001, 0.001)
        )
        self._rounds, self._begun, self._released = rounds, begun, released
        self._count = 0

    def receive(self, message: object) -> None:
        if isinstance(message, Awake):
            self.wake()
        super().receive(message)

    def work(self) -> float:
        self._count += 1
        self._begun.put(self._count)
        return self._rounds.pop(0)() if self._rounds else NEVER_SECONDS

    def release(self) -> None:
        self._released.set()


class Scene:
    """A house with the actor, and what its rounds show."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.begun = SimpleQueue[int]()
        self.released = threading.Event()

    def begin(
        self, *rounds: Callable[[], float], retried: type[Exception] = StoreUnavailable
    ) -> None:
        ref = Rounds.start(self.house.context, list(rounds), self.begun, self.released, retried)
        self.house.move_in(NAME, ref)

    def await_round(self) -> int:
        return self.begun.get(timeout=DEADLINE_SECONDS)


@pytest.fixture
def scene(house: House) -> Scene:
    return Scene(house)


def failing(error: Exception) -> Callable[[], float]:
    def work() -> float:
        raise error

    return work


def test_an_error_that_is_retried_leads_to_another_round(scene: Scene) -> None:
    scene.begin(failing(StoreUnavailable("away")), failing(StoreUnavailable("still away")))
    assert [scene.await_round() for _ in range(3)] == [1, 2, 3]
    assert scene.house.supervisor.all_of(Crashed) == []


def test_any_other_error_ends_the_actor_and_gives_back_what_it_opened(scene: Scene) -> None:
    scene.begin(failing(KeyError("a fault of the program")))
    assert scene.house.supervisor.take(Crashed).name == NAME
    assert scene.released.wait(DEADLINE_SECONDS)


def test_an_actor_can_retry_every_error(scene: Scene) -> None:
    scene.begin(failing(KeyError("of whatever kind")), retried=Exception)
    assert [scene.await_round() for _ in range(2)] == [1, 2]


def test_a_wake_during_a_round_brings_another_at_its_end(scene: Scene) -> None:
    gate = threading.Event()

    def blocked() -> float:
        gate.wait(DEADLINE_SECONDS)
        return NEVER_SECONDS

    scene.begin(blocked)
    scene.await_round()
    scene.house.tell(NAME, Awake(), Awake())
    scene.house.settle(NAME)
    gate.set()
    assert scene.await_round() == 2
    scene.house.settle(NAME)
    scene.house.tell(NAME, Awake())
    assert scene.await_round() == 3


def test_the_end_of_a_round_of_a_crashed_predecessor_ends_no_other(scene: Scene) -> None:
    first, second = threading.Event(), threading.Event()
    scene.begin(lambda: float(first.wait(DEADLINE_SECONDS)))
    scene.await_round()
    scene.house.tell(NAME, Grenade())
    scene.house.supervisor.take(Crashed)
    scene.begin(lambda: float(second.wait(DEADLINE_SECONDS)))
    scene.await_round()
    first.set()
    assert scene.released.wait(DEADLINE_SECONDS)  # after the end of the first round was told
    scene.house.tell(NAME, Stop())
    scene.house.settle(NAME)
    assert scene.house.supervisor.all_of(Drained) == []
    second.set()
    assert scene.house.supervisor.take(Drained).name == NAME


@pytest.mark.parametrize("end", [Stop(), StopNow()], ids=["stop", "stop now"])
def test_a_stop_waits_for_the_round_under_way_and_stop_now_does_not(
    scene: Scene, end: object
) -> None:
    gate = threading.Event()
    scene.begin(lambda: float(gate.wait(DEADLINE_SECONDS)))
    scene.await_round()
    scene.house.tell(NAME, Stop(), end)
    scene.house.settle(NAME)
    assert bool(scene.house.supervisor.all_of(Drained)) == isinstance(end, StopNow)
    gate.set()
    assert scene.house.supervisor.take(Drained).name == NAME


@pytest.mark.parametrize(
    ("due_seconds", "expected"), [(None, (8.0, 12.0)), (2.5, (2.5, 2.5)), (60.0, (8.0, 12.0))]
)
def test_the_next_round_begins_when_something_is_due_or_at_the_next_look(
    scene: Scene, due_seconds: float | None, expected: tuple[float, float]
) -> None:
    actor = Rounds(scene.house.context, [], scene.begun, scene.released, StoreUnavailable)
    shortest, longest = expected
    assert shortest <= actor.until_next(10.0, due_seconds) <= longest
