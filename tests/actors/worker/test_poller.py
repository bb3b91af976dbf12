"""The poller claims what services have room for, when there is something to claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actors.runtime.messages import Stop, Wake
from actors.worker.identity import WorkerIdentity
from actors.worker.messages import Demand, StartClaiming, Work
from actors.worker.poller import POLLER, Poller, Polling
from actp.errors import StoreUnavailable
from actp.store.reconnect import Backoff
from tests.actors.rows import Queue, eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.actors.house import House, Told
    from tests.actors.latch import LatchedStore

SERVICE = "instagram-dm"


@pytest.fixture
def service(house: House, queue: Queue, latched: LatchedStore, tmp_path: Path) -> Told:
    """What the one service is told by a poller that is called by nobody."""
    told = house.stand_in(SERVICE)
    me = WorkerIdentity(queue.boot_id, "host", "test/1", (SERVICE,), 30.0, tmp_path)
    polling = Polling(has_notify=True)
    house.move_in(POLLER, Poller.start(house.context, store=latched, me=me, polling=polling))
    return told


def room(more: int, *, held: int = 0, received: int = 0, fresh: bool = False) -> Demand:
    return Demand(SERVICE, more, held, received, fresh)


def recipients(work: Work) -> list[str]:
    return [row.params["username"] for row in work.rows]


def test_it_never_asks_for_more_than_there_is_room(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    queue.add("a", "b", "c", "d")
    house.tell(POLLER, room(2), StartClaiming(), Wake(), Wake())
    assert recipients(service.take(Work)) == ["a", "b"]
    house.tell(POLLER, room(1, held=1, received=2))
    assert recipients(service.take(Work)) == ["c"]
    house.settle(POLLER)
    assert [call.arguments["wants"] for call in latched.calls("safari_claim")] == [
        {SERVICE: 2},
        {SERVICE: 1},
    ]


def test_it_claims_nothing_before_it_is_opened(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    queue.add("a")
    house.tell(POLLER, room(1), Wake())
    house.settle(POLLER)
    assert latched.calls("safari_claim") == []
    house.tell(POLLER, StartClaiming())
    assert recipients(service.take(Work)) == ["a"]


def test_a_call_during_a_claim_is_not_missed(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    latched.shut()
    house.tell(POLLER, room(1), StartClaiming())
    latched.await_calls("safari_claim", 1)
    queue.add("late")
    house.tell(POLLER, Wake())
    house.settle(POLLER)
    latched.open()
    assert recipients(service.take(Work)) == ["late"]


def test_only_the_owner_of_a_called_service_claims(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    house.tell(POLLER, room(1), StartClaiming())
    latched.await_answers("safari_claim", 1)
    house.settle(POLLER)
    queue.add("a")
    house.tell(POLLER, Wake(frozenset({"of-another-process"})))
    house.settle(POLLER)
    assert len(latched.calls("safari_claim")) == 1
    house.tell(POLLER, Wake(frozenset({"of-another-process", SERVICE})))
    assert recipients(service.take(Work)) == ["a"]


def test_demand_during_a_claim_does_not_poll_an_empty_queue(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    queue.add("a")
    latched.shut()
    house.tell(POLLER, room(2), StartClaiming())
    latched.await_calls("safari_claim", 1)
    house.tell(POLLER, room(1))
    house.settle(POLLER)
    latched.open()
    assert recipients(service.take(Work)) == ["a"]
    house.settle(POLLER)
    assert len(latched.calls("safari_claim")) == 1


def test_suspect_row_is_claimed_alone(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    queue.add("first")
    house.tell(POLLER, room(3), StartClaiming())
    service.take(Work)
    suspect, _ = queue.add("suspect", "last")
    queue.execute("update safari_command_queue set crash_count = 1 where id = %s", suspect)
    house.tell(POLLER, room(0, held=1, received=1), Wake())
    latched.await_answers("safari_claim", 2)
    house.settle(POLLER)
    house.tell(POLLER, room(1, held=0, received=1))
    assert recipients(service.take(Work)) == ["suspect"]
    claims = len(latched.calls("safari_claim"))
    house.tell(POLLER, Wake(), room(0, held=1, received=2), Wake())
    house.settle(POLLER)
    assert len(latched.calls("safari_claim")) == claims, "it claims beside a suspect row"
    house.tell(POLLER, room(1, held=0, received=2))
    assert recipients(service.take(Work)) == ["last"]


def test_while_a_suspect_row_waits_nothing_else_is_claimed(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    queue.add("first")
    house.tell(POLLER, room(2), StartClaiming())
    service.take(Work)
    (suspect,) = queue.add("suspect")
    queue.execute("update safari_command_queue set crash_count = 1 where id = %s", suspect)
    house.tell(POLLER, room(0, held=1, received=1), Wake())
    latched.await_answers("safari_claim", 2)
    house.settle(POLLER)
    house.tell(POLLER, Wake(), room(1, held=1, received=1), Wake())
    house.settle(POLLER)
    assert len(latched.calls("safari_claim")) == 2, "it would forget what it drains for"
    house.tell(POLLER, room(0, held=0, received=1))
    assert recipients(service.take(Work)) == ["suspect"]


def test_suspect_row_is_claimed_after_a_race(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    queue.add("first")
    house.tell(POLLER, room(2), StartClaiming())
    service.take(Work)
    house.tell(POLLER, room(0, held=1, received=1))
    house.settle(POLLER)
    (suspect,) = queue.add("suspect")
    queue.execute("update safari_command_queue set crash_count = 1 where id = %s", suspect)
    latched.shut()
    house.tell(POLLER, Wake())
    latched.await_calls("safari_claim", 2)
    house.tell(POLLER, room(1, held=0, received=1))
    house.settle(POLLER)
    latched.open()
    assert recipients(service.take(Work)) == ["suspect"]


def test_it_comes_back_when_a_pause_is_over(house: House, queue: Queue, service: Told) -> None:
    queue.add("a")
    queue.execute(
        "insert into safari_pauses (platform, until) values ('all', now() + interval '0.4 s')"
    )
    house.tell(POLLER, room(1), StartClaiming())
    assert recipients(service.take(Work)) == ["a"]


def test_it_shows_what_the_database_makes_it_wait_for(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    queue.execute("insert into safari_pauses (platform) values ('instagram')")
    queue.add("a")
    latched.shut()
    house.tell(POLLER, room(1), StartClaiming())
    latched.await_calls("safari_claim", 1)
    house.tell(POLLER, Wake())
    latched.open()
    latched.await_calls("safari_claim", 2)
    assert house.settle(POLLER).state["waits"][SERVICE]["reason"] == "paused"
    assert service.all_of(Work) == []


def test_it_comes_back_when_a_row_is_due(house: House, queue: Queue, service: Told) -> None:
    (id_,) = queue.add("a")
    queue.execute(
        "update safari_command_queue set scheduled_for = now() + interval '0.4 s' where id = %s",
        id_,
    )
    house.tell(POLLER, room(1), StartClaiming())
    assert recipients(service.take(Work)) == ["a"]


def test_while_the_database_is_away_it_tries_with_pauses_and_then_goes_on(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    queue.add("a")
    latched.break_with(StoreUnavailable("away"))
    house.tell(POLLER, room(1), StartClaiming())
    first, second = latched.await_calls("safari_claim", 2)
    latched.mend()
    assert second.at - first.at >= Backoff().floor_seconds
    assert recipients(service.take(Work)) == ["a"]


def test_it_claims_no_more_when_it_is_told_to_stop(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    house.tell(POLLER, room(1), StartClaiming())
    latched.await_answers("safari_claim", 1)
    house.tell(POLLER, Stop())
    queue.add("a")
    house.tell(POLLER, Wake(), room(1))
    house.settle(POLLER)
    assert len(latched.calls("safari_claim")) == 1
    assert service.all_of(Work) == []


def test_a_restarted_service_is_counted_from_nothing(
    house: House, queue: Queue, service: Told
) -> None:
    queue.add("a", "b", "c")
    house.tell(POLLER, room(2), StartClaiming())
    assert recipients(service.take(Work)) == ["a", "b"]
    house.tell(POLLER, room(0, fresh=True), room(1))
    assert recipients(service.take(Work)) == ["c"]


@pytest.mark.parametrize(
    "broken",
    [
        "alter table safari_policies rename min_gap_seconds to another",
        "alter function safari_within_hours(safari_policies) rename to another",
    ],
)
def test_claims_that_the_database_refuses_are_alerted(
    house: House, queue: Queue, service: Told, broken: str
) -> None:
    queue.add("a")
    with queue.database.connect() as connection:
        connection.execute(broken.encode())
        house.tell(POLLER, room(1), StartClaiming())
        eventually(
            lambda: bool(
                connection.execute(
                    "select from safari_alerts where kind = 'claims_refused'"
                ).fetchall()
            ),
            "it is alerted",
        )
    assert service.all_of(Work) == []
