"""The actor of one service: rows, demand, readiness, crashes and stops."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from time import time
from typing import TYPE_CHECKING

import pytest

from actors.runtime.messages import Crashed, Drained, PeerRestarted, Stop, StopNow
from actors.worker.attempt_thread import AttemptThread
from actors.worker.messages import Demand, LeasesLost, Work
from actors.worker.poller import POLLER
from actp.safari.turns import TurnTable
from tests.actors.house import Grenade
from tests.actors.postman import MISCONFIGURED, SENT
from tests.actors.rows import eventually, row_of
from tests.actors.worker.scene import OTHER, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from actors.worker.messages import Row
    from tests.actors.house import House

SERVICE = "instagram-dm"
ADA, BOB, EVE = row_of("ada"), row_of("bob"), row_of("eve")


class ThreadAhead(AttemptThread):
    """Gets ahead of the actor that gives it rows, before the actor's next step."""

    given: Callable[[], None] | None = None

    def give(self, rows: Iterable[Row]) -> None:
        super().give(rows)
        if self.given is not None:
            self.given()


@pytest.fixture
def scene(house: House, tmp_path: Path) -> Iterator[Scene]:
    turns = TurnTable(tmp_path / "locks")
    scene = Scene(house, turns, tmp_path)
    yield scene
    scene.close()
    turns.close()


def test_it_asks_for_no_rows_before_it_knows_who_listens(scene: Scene) -> None:
    scene.postman.problem = "another service listens there"
    scene.move_in()
    scene.poller.take(Demand, lambda demand: demand.fresh)
    eventually(lambda: scene.house.settle(SERVICE).state["state"] == "wait", "it has looked")
    assert scene.house.settle(SERVICE).state["reason"] == "another service listens there"
    assert [demand for demand in scene.poller.all_of(Demand) if demand.more > 0] == []


def test_one_row_is_attempted_at_a_time(scene: Scene) -> None:
    scene.open()
    scene.give(ADA, BOB)
    assert scene.desk.asked().id == ADA.id
    scene.desk.answer()
    scene.postman.sent()
    scene.settle()
    assert not scene.desk.was_asked
    scene.postman.answer(SENT)
    assert scene.desk.asked().id == BOB.id


def test_when_one_must_wait_the_others_are_handed_back(scene: Scene) -> None:
    scene.open()
    scene.give(ADA, BOB)
    scene.desk.asked()
    scene.desk.answer("wait", 0)
    finished = scene.desk.finished(BOB)
    assert (finished.attempt, finished.verdict) == (0, "wait")
    eventually(lambda: scene.settle() == (), "nothing is held")


def test_a_stop_ends_what_is_on_the_wire_and_hands_back_the_rest(scene: Scene) -> None:
    scene.open()
    scene.send(ADA)
    scene.give(BOB, EVE)
    scene.tell(Stop())
    for row in (BOB, EVE):
        assert scene.desk.finished(row).reason == "handed_back"
    scene.settle()
    assert scene.house.supervisor.all_of(Drained) == []
    scene.desk.shut()
    scene.postman.answer(SENT)
    assert scene.desk.finished(ADA).verdict == "sent"
    scene.settle()
    assert scene.house.supervisor.all_of(Drained) == [], "its result is not stored yet"
    scene.desk.open()
    assert scene.house.supervisor.take(Drained).name == SERVICE


def test_row_that_arrives_after_a_stop_is_not_begun(house: House, tmp_path: Path) -> None:
    with closing(TurnTable(tmp_path / "locks")) as turns:
        scene = Scene(house, turns, tmp_path, thread=ThreadAhead)
        scene.open()
        scene.send(ADA)

        def end_the_attempt() -> None:
            scene.postman.answer(SENT)
            scene.desk.finished(ADA)
            eventually(lambda: not scene.attempts.holding.waiting, "the thread took the row")

        assert isinstance(scene.attempts, ThreadAhead)
        scene.attempts.given = end_the_attempt
        scene.tell(Stop(), Work((BOB,)))
        assert scene.desk.finished(BOB).reason == "handed_back"
        assert not scene.desk.was_asked
        scene.postman.answer(SENT)
        assert scene.house.supervisor.take(Drained).name == SERVICE
        scene.close()


def test_attempt_abandoned_in_flight_is_unknown_until_answered(scene: Scene) -> None:
    scene.open()
    scene.send(ADA)
    scene.tell(Stop(), StopNow())
    first = scene.desk.finished(ADA)
    assert (first.attempt, first.verdict) == (1, "unknown")
    assert not scene.is_turn_free, "the service may still be typing"
    assert scene.house.supervisor.take(Drained).name == SERVICE
    scene.postman.answer(SENT)
    second = scene.desk.finished(ADA)
    assert (second.attempt, second.verdict) == (1, "sent")
    assert not scene.is_turn_free


def test_lost_row_is_dropped_unless_it_has_a_newer_lease(scene: Scene) -> None:
    scene.open()
    assert scene.turns.try_take(OTHER, time() + 60)
    again = replace(BOB, lease=2)
    scene.give(ADA, again, EVE)
    scene.settle()
    scene.desk.lost.add(ADA.id)
    scene.tell(LeasesLost(frozenset({(ADA.id, 1), (BOB.id, 1), (EVE.id, 1)})))
    eventually(lambda: scene.settle() == ((BOB.id, 2),), "only the newer lease is held")


def test_a_crash_on_the_wire_loses_no_answer(scene: Scene) -> None:
    scene.open()
    scene.send(ADA)
    scene.tell(Grenade())
    scene.move_in()
    assert scene.settle() == ((ADA.id, ADA.lease),)
    assert not scene.is_turn_free
    scene.postman.answer(SENT)
    finished = scene.desk.finished(ADA)
    assert (finished.attempt, finished.verdict) == (1, "sent")
    eventually(lambda: scene.is_turn_free, "Safari is free")


def test_a_crash_before_the_wire_leaves_the_attempt_to_its_thread(scene: Scene) -> None:
    scene.open()
    scene.give(ADA)
    scene.desk.asked()
    scene.tell(Grenade())
    scene.move_in()
    assert scene.settle() == ((ADA.id, ADA.lease),)
    scene.desk.answer()
    scene.postman.sent()
    scene.postman.answer(SENT)
    assert scene.desk.finished(ADA).verdict == "sent"


def test_a_crash_stops_no_rows_that_go_well(scene: Scene) -> None:
    scene.open()
    scene.send(ADA)
    scene.give(BOB, EVE)
    scene.settle()
    scene.tell(Grenade())
    scene.house.supervisor.take(Crashed)
    scene.postman.answer(SENT)
    assert scene.desk.asked().id == BOB.id
    scene.desk.answer()
    scene.postman.sent()
    scene.move_in()
    assert scene.desk.finished(EVE).reason == "handed_back", "its successor has to probe first"
    scene.postman.answer(SENT)
    assert scene.desk.finished(BOB).verdict == "sent"


def test_after_any_other_end_the_rows_wait_for_the_actor(scene: Scene) -> None:
    scene.open()
    scene.send(ADA)
    scene.give(BOB)
    scene.settle()
    scene.tell(Grenade())
    scene.house.supervisor.take(Crashed)
    scene.postman.answer(MISCONFIGURED)
    scene.desk.finished(ADA)
    eventually(lambda: scene.attempts.holding.current is None, "the thread has stopped")
    scene.attempts.go()
    assert scene.attempts.holding.waiting == (BOB,), "nobody has taken the end yet"
    assert not scene.desk.was_asked
    scene.move_in()
    assert scene.desk.finished(BOB).reason == "handed_back"


def test_result_without_an_actor_is_taken_by_its_replacement(scene: Scene) -> None:
    scene.open()
    scene.send(ADA)
    scene.tell(Grenade())
    scene.postman.answer(SENT)
    assert scene.desk.finished(ADA).verdict == "sent"
    scene.open()
    eventually(lambda: scene.settle() == (), "nothing is held")
    scene.give(BOB)
    assert scene.desk.asked().id == BOB.id


def test_a_new_poller_learns_what_is_held(scene: Scene) -> None:
    scene.open()
    scene.send(ADA)
    scene.poller.take(Demand)
    scene.tell(PeerRestarted(POLLER))
    demand = scene.poller.take(Demand, lambda demand: demand.fresh)
    assert (demand.more, demand.held, demand.received) == (0, 1, 0)
    scene.postman.answer(SENT)
    scene.desk.finished(ADA)
    assert scene.poller.take(Demand).more > 0


def test_the_poller_hears_that_a_blocked_service_holds_nothing(scene: Scene) -> None:
    scene.open()
    scene.send(ADA)
    scene.postman.answer(MISCONFIGURED)
    scene.desk.finished(ADA)
    demand = scene.poller.take(Demand, lambda demand: demand.received == 1 and demand.held == 0)
    assert demand.more <= 0


def test_a_blocked_service_hands_back_and_asks_for_no_more(scene: Scene) -> None:
    scene.open()
    scene.send(ADA)
    scene.give(BOB)
    scene.postman.answer(MISCONFIGURED)
    assert scene.desk.finished(ADA).reason == "misconfigured"
    assert scene.desk.finished(BOB).reason == "handed_back"
    assert scene.house.settle(SERVICE).state["state"] == "wait"
    asked = sum(demand.more for demand in scene.poller.all_of(Demand))
    assert asked <= 2, "it was given two rows and wants another one"


def test_a_mistake_in_an_attempt_crashes_the_actor_and_not_its_thread(scene: Scene) -> None:
    scene.open()
    scene.give(row_of("ada", params=Grenade()))
    scene.house.supervisor.take(Crashed)
    scene.open()
    scene.give(BOB)
    assert scene.desk.asked().id == BOB.id
