"""One service works off its rows: turn, begin, send, finish."""

from __future__ import annotations

from dataclasses import replace
from time import time
from typing import TYPE_CHECKING

import pytest

from actors.runtime.messages import Drained, PeerRestarted, Stop, StopNow
from actors.worker.courier import Courier
from actors.worker.ledger import LEDGER
from actors.worker.messages import (
    Begin,
    Begun,
    Demand,
    Finish,
    LeasesLost,
    TurnGranted,
    WantTurn,
    Work,
    Written,
)
from actors.worker.poller import POLLER
from actors.worker.service import BEGIN_VALID_SECONDS, ServiceActor
from actors.worker.turnstile import TURNSTILE, Turnstile
from actp.clock import steady_seconds
from actp.safari.turns import TurnTable
from tests.actors.house import Grenade
from tests.actors.postman import MISCONFIGURED, SENT, Postman
from tests.actors.rows import eventually, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actors.worker.messages import Row
    from tests.actors.house import House, Told

SERVICE, OTHER = "instagram-dm", "threads-comments"


class Scene:
    """A service actor with stand-ins around it."""

    def __init__(self, house: House, turns: TurnTable) -> None:
        self.house = house
        self.turns = turns
        self.postman = Postman()
        self.poller = house.stand_in(POLLER)
        self.ledger = house.stand_in(LEDGER)
        self.turnstile = house.stand_in(TURNSTILE)
        self.courier = Courier(self.postman, house.registry)

    def open(self) -> None:
        """Let the actor move in and find its service ready."""
        self.move_in()
        self.poller.take(Demand, lambda room: room.more > 0)

    def move_in(self) -> None:
        actor = ServiceActor.start(self.house.context, courier=self.courier, turns=self.turns)
        self.house.move_in(SERVICE, actor)

    def give(self, *rows: Row) -> None:
        self.tell(Work(rows))

    def tell(self, *messages: object) -> None:
        self.house.tell(SERVICE, *messages)

    def settle(self) -> None:
        self.house.settle(SERVICE)

    def grant(self, row: Row, **changes: object) -> None:
        begun = Begun(row.id, "granted", None, 1, row.lease, steady_seconds())
        self.tell(Written(begun=replace(begun, **changes)))  # type: ignore[arg-type]  # by name

    def fly(self, row: Row) -> None:
        """Bring a row as far as the wire."""
        self.give(row)
        self.ledger.take(Begin)
        self.grant(row)
        self.postman.sent()

    def record(self, *rows: Row, is_ours: bool = True) -> None:
        self.tell(Written(recorded=tuple((row.id, is_ours) for row in rows)))

    @property
    def is_turn_free(self) -> bool:
        if not self.turns.try_take(OTHER, time()):
            return False
        self.turns.release(OTHER)
        return True


@pytest.fixture
def scene(house: House, tmp_path: Path) -> Iterator[Scene]:
    turns = TurnTable(tmp_path / "locks")
    scene = Scene(house, turns)
    yield scene
    scene.courier.close()
    turns.close()


ADA, BOB, EVE = row_of("ada"), row_of("bob"), row_of("eve")


def finished(told: Told, row: Row) -> Finish:
    return told.take(Finish, lambda finish: finish.id == row.id)


def test_it_asks_for_no_rows_before_it_knows_who_listens(scene: Scene) -> None:
    scene.postman.problem = "another service listens there"
    scene.move_in()
    scene.poller.take(Demand, lambda room: room.fresh)
    eventually(lambda: scene.house.settle(SERVICE).state["state"] == "wait", "it has looked")
    assert scene.house.settle(SERVICE).state["reason"] == "another service listens there"
    assert [room for room in scene.poller.all_of(Demand) if room.more > 0] == []


def test_turn_then_begin_then_send(scene: Scene) -> None:
    scene.open()
    assert scene.turns.try_take(OTHER, time() + 60)
    scene.give(ADA)
    scene.turnstile.take(WantTurn)
    scene.settle()
    assert scene.ledger.all_of(Begin) == []
    scene.turns.release(OTHER)
    assert scene.turns.try_take(SERVICE, time() + 60)
    scene.tell(TurnGranted(ADA.id))
    begin = scene.ledger.take(Begin)
    assert (begin.id, begin.lease, begin.recipient) == (ADA.id, ADA.lease, "ada")
    scene.settle()
    assert scene.postman.has_sent_nothing_more
    scene.grant(ADA)
    assert scene.postman.sent().id == ADA.id
    assert not scene.is_turn_free
    scene.postman.answer(SENT)
    finish = finished(scene.ledger, ADA)
    assert (finish.attempt, finish.outcome.verdict) == (1, "sent")
    assert scene.is_turn_free


def test_one_is_in_flight_at_a_time(scene: Scene) -> None:
    scene.open()
    scene.give(ADA, BOB)
    scene.ledger.take(Begin)
    scene.grant(ADA)
    scene.postman.sent()
    scene.settle()
    assert scene.ledger.all_of(Begin) == []
    scene.postman.answer(SENT)
    assert scene.ledger.take(Begin).id == BOB.id


def test_a_begin_that_was_granted_long_ago_is_not_sent(scene: Scene) -> None:
    scene.open()
    scene.give(ADA)
    scene.ledger.take(Begin)
    scene.grant(ADA, asked_at=steady_seconds() - BEGIN_VALID_SECONDS - 1)
    finish = finished(scene.ledger, ADA)
    assert (finish.attempt, finish.outcome.verdict) == (1, "wait")
    assert finish.outcome.quota_back
    assert scene.postman.has_sent_nothing_more
    assert scene.is_turn_free


@pytest.mark.parametrize("verdict", ["lost", "refused", "wait"])
def test_what_may_not_begin_is_dropped_and_safari_is_free_for_others(
    scene: Scene, verdict: str
) -> None:
    scene.open()
    scene.give(ADA)
    scene.ledger.take(Begin)
    scene.grant(ADA, verdict=verdict, attempt=0)
    scene.settle()
    assert scene.ledger.all_of(Finish) == []
    assert scene.postman.has_sent_nothing_more
    assert scene.is_turn_free
    assert scene.house.settle(SERVICE).held == ()


def test_a_begin_that_was_overtaken_after_it_was_granted_is_told_not_to_have_been_sent(
    scene: Scene,
) -> None:
    scene.open()
    scene.give(ADA)
    scene.ledger.take(Begin)
    scene.grant(ADA, verdict="lost", attempt=3)
    finish = finished(scene.ledger, ADA)
    assert (finish.attempt, finish.outcome.verdict) == (3, "wait")
    assert finish.outcome.quota_back
    assert scene.postman.has_sent_nothing_more
    assert scene.is_turn_free


def test_when_one_must_wait_the_others_are_handed_back(scene: Scene) -> None:
    scene.open()
    scene.give(ADA, BOB)
    scene.ledger.take(Begin)
    scene.grant(ADA, verdict="wait", attempt=0)
    finish = finished(scene.ledger, BOB)
    assert (finish.attempt, finish.outcome.verdict) == (0, "wait")


def test_a_row_that_makes_no_request_is_refused_without_a_turn(scene: Scene) -> None:
    scene.open()
    scene.give(row_of("ada", params={"username": "ada"}))
    finish = finished(scene.ledger, ADA)
    assert (finish.attempt, finish.outcome.verdict) == (0, "rejected")
    assert "params.text" in finish.outcome.error
    assert scene.is_turn_free


def test_told_to_stop_it_ends_what_is_on_the_wire_and_hands_back_the_rest(scene: Scene) -> None:
    scene.open()
    scene.fly(ADA)
    scene.give(BOB, EVE)
    scene.tell(Stop())
    for row in (BOB, EVE):
        assert finished(scene.ledger, row).outcome.reason == "handed_back"
    scene.record(BOB, EVE)
    scene.settle()
    assert scene.house.supervisor.all_of(Drained) == []
    scene.postman.answer(SENT)
    assert finished(scene.ledger, ADA).outcome.verdict == "sent"
    scene.settle()
    assert scene.house.supervisor.all_of(Drained) == [], (
        "it has not heard that the result is stored"
    )
    scene.record(ADA)
    assert scene.house.supervisor.take(Drained).name == SERVICE


def test_a_begin_that_is_granted_after_the_stop_is_not_sent(scene: Scene) -> None:
    scene.open()
    scene.give(ADA)
    scene.ledger.take(Begin)
    scene.tell(Stop())
    scene.grant(ADA)
    assert finished(scene.ledger, ADA).outcome.verdict == "wait"
    assert scene.postman.has_sent_nothing_more


def test_what_is_abandoned_on_the_wire_is_unknown_until_its_answer_comes(scene: Scene) -> None:
    scene.open()
    scene.fly(ADA)
    scene.tell(Stop(), StopNow())
    first = finished(scene.ledger, ADA)
    assert (first.attempt, first.outcome.verdict) == (1, "unknown")
    assert not scene.is_turn_free, "the service may still be typing"
    scene.postman.answer(SENT)
    second = finished(scene.ledger, ADA)
    assert (second.attempt, second.outcome.verdict) == (1, "sent")


def test_a_mistake_of_ours_while_sending_leaves_it_unknown(scene: Scene) -> None:
    scene.open()
    scene.fly(ADA)
    scene.postman.answer(ZeroDivisionError("ours"))
    outcome = finished(scene.ledger, ADA).outcome
    assert outcome.verdict == "unknown"
    assert "ZeroDivisionError" in outcome.error


def test_a_lost_row_is_dropped_before_its_turn_but_not_under_a_newer_lease(scene: Scene) -> None:
    scene.open()
    assert scene.turns.try_take(OTHER, time() + 60)
    again = replace(BOB, lease=2)
    scene.give(ADA, again, EVE)
    scene.turnstile.take(WantTurn)
    scene.tell(LeasesLost(frozenset({(ADA.id, 1), (BOB.id, 1), (EVE.id, 1)})))
    held = scene.house.settle(SERVICE).held
    assert held == ((BOB.id, 2),)


def test_a_turn_granted_for_a_row_that_is_gone_takes_nothing_from_the_next(scene: Scene) -> None:
    scene.open()
    scene.give(ADA)
    scene.ledger.take(Begin)
    scene.tell(TurnGranted(BOB.id))
    scene.settle()
    assert not scene.is_turn_free


def test_a_begin_granted_to_a_crashed_predecessor_is_closed_unsent(scene: Scene) -> None:
    scene.open()
    scene.give(ADA)
    scene.ledger.take(Begin)
    scene.tell(Grenade())
    scene.move_in()
    scene.grant(ADA)
    finish = finished(scene.ledger, ADA)
    assert (finish.attempt, finish.outcome.verdict, finish.outcome.quota_back) == (1, "wait", True)
    assert scene.postman.has_sent_nothing_more


def test_a_crash_in_flight_loses_no_answer(scene: Scene) -> None:
    scene.open()
    scene.fly(ADA)
    scene.tell(Grenade())
    scene.move_in()
    assert scene.house.settle(SERVICE).held == ((ADA.id, ADA.lease),)
    assert not scene.is_turn_free
    scene.postman.answer(SENT)
    finish = finished(scene.ledger, ADA)
    assert (finish.attempt, finish.outcome.verdict) == (1, "sent")
    assert scene.is_turn_free


def test_a_crash_before_the_wire_gives_the_turn_back(scene: Scene) -> None:
    scene.open()
    scene.give(ADA)
    scene.ledger.take(Begin)
    assert not scene.is_turn_free
    scene.tell(Grenade())
    scene.move_in()
    scene.settle()
    assert scene.is_turn_free


def test_a_new_ledger_is_told_everything_again(scene: Scene) -> None:
    scene.open()
    scene.give(row_of("eve", params={}), ADA)
    finished(scene.ledger, EVE)
    scene.ledger.take(Begin)
    scene.tell(PeerRestarted(LEDGER))
    finished(scene.ledger, EVE)
    assert scene.ledger.take(Begin).id == ADA.id


def test_a_new_turnstile_is_asked_again(scene: Scene) -> None:
    scene.open()
    assert scene.turns.try_take(OTHER, time() + 60)
    scene.give(ADA)
    scene.turnstile.take(WantTurn)
    scene.house.move_in(TURNSTILE, Turnstile.start(scene.house.context, table=scene.turns))
    scene.tell(PeerRestarted(TURNSTILE))
    scene.settle()
    scene.turns.release(OTHER)
    assert scene.ledger.take(Begin).id == ADA.id


def test_a_new_poller_learns_what_is_held(scene: Scene) -> None:
    scene.open()
    scene.fly(ADA)
    scene.poller.take(Demand)
    scene.tell(PeerRestarted(POLLER))
    room = scene.poller.take(Demand, lambda room: room.fresh)
    assert (room.more, room.held, room.received) == (0, 1, 0)
    scene.postman.answer(SENT)
    finished(scene.ledger, ADA)
    assert scene.poller.take(Demand).more > 0


def test_the_poller_hears_that_a_blocked_service_holds_nothing(scene: Scene) -> None:
    scene.open()
    scene.fly(ADA)
    scene.postman.answer(MISCONFIGURED)
    finished(scene.ledger, ADA)
    scene.record(ADA)
    room = scene.poller.take(Demand, lambda room: room.received == 1 and room.held == 0)
    assert room.more <= 0


def test_a_blocked_service_hands_back_and_asks_for_no_more(scene: Scene) -> None:
    scene.open()
    scene.fly(ADA)
    scene.give(BOB)
    scene.postman.answer(MISCONFIGURED)
    assert finished(scene.ledger, ADA).outcome.reason == "misconfigured"
    assert finished(scene.ledger, BOB).outcome.reason == "handed_back"
    assert scene.house.settle(SERVICE).state["state"] == "wait"
    asked = 1 + sum(room.more for room in scene.poller.all_of(Demand))
    assert asked <= 2, "it was given two rows and wants another one"
