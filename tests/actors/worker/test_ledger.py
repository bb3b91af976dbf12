"""The ledger writes together what comes together, and loses nothing on the way."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from actors.runtime.messages import Drained, Stop
from actors.worker.ledger import LEDGER, Ledger
from actors.worker.messages import Begin, Begun, Entries, Finish, Written
from actp.errors import StoreUnavailable
from actp.spool import Spool
from tests.actors.house import Grenade
from tests.actors.postman import SENT
from tests.actors.rows import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actors.worker.messages import Row
    from actp.safari.outcomes import Outcome
    from tests.actors.house import House, Told
    from tests.actors.latch import Call, LatchedStore
    from tests.actors.rows import Queue

SERVICE = "instagram-dm"
AWAY = StoreUnavailable("away")


@pytest.fixture
def spool(queue: Queue, tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool", queue.boot_id)
    yield spool
    spool.close()


@pytest.fixture
def service(house: House, queue: Queue, latched: LatchedStore, spool: Spool) -> Told:
    """What the service is told by a ledger."""
    told = house.stand_in(SERVICE)
    move_in(house, queue, latched, spool)
    return told


def move_in(house: House, queue: Queue, latched: LatchedStore, spool: Spool) -> None:
    ledger = Ledger.start(house.context, store=latched, boot_id=queue.boot_id, spool=spool)
    house.move_in(LEDGER, ledger)


def begin(row: Row, service: str = SERVICE) -> Entries:
    return Entries((Begin(row.id, row.lease, service, row.params["username"], None, row.id),))


def finish(row: Row, attempt: int = 1, outcome: Outcome = SENT) -> Entries:
    return Entries((Finish(row.id, row.lease, SERVICE, attempt, outcome),))


def unstorable() -> Outcome:
    return replace(SENT, result={"success": True, "answer": "a NUL: \0"})


def sizes(calls: list[Call]) -> list[tuple[int, int]]:
    return [(len(call.arguments["finishes"]), len(call.arguments["begins"])) for call in calls]


def spooled(folder: Path) -> list[dict[str, Any]]:
    (path,) = folder.glob("spool/*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def begun_rows(house: House, queue: Queue, told: Told, *recipients: str) -> tuple[Row, ...]:
    """Return rows that have been begun through the ledger."""
    queue.add(*recipients)
    rows = queue.claim(instagram_dm=len(recipients))
    for row in rows:
        house.tell(LEDGER, begin(row))
        assert begun(told).verdict == "granted"
    return rows


def begun(told: Told) -> Begun:
    answer = told.take(Written, lambda written: written.begun is not None).begun
    assert answer is not None
    return answer


def recorded(told: Told, *rows: Row) -> list[bool]:
    """Return of each row whether its result was recorded; waits for all."""
    answers: dict[str, bool] = {}
    while not answers.keys() >= {row.id for row in rows}:
        answers |= dict(told.take(Written).recorded)
    return [answers[row.id] for row in rows]


def test_what_comes_during_a_write_goes_into_the_next(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    (done,) = begun_rows(house, queue, service, "done")
    queue.add("a", "b", "c", "d")
    first, *others = queue.claim(instagram_dm=4)
    latched.shut()
    house.tell(LEDGER, begin(first))
    latched.await_calls("safari_ledger", 2)
    names = ["twitter-dm", "tiktok-dm", "threads-comments"]
    told = [house.stand_in(name) for name in names]
    for row, name in zip(others, names, strict=True):
        house.tell(LEDGER, begin(row, name))
    house.tell(LEDGER, finish(done))
    house.settle(LEDGER)
    latched.open()
    assert {begun(each).verdict for each in (service, *told)} == {"granted"}
    assert recorded(service, done) == [True]
    assert sizes(latched.calls("safari_ledger")) == [(0, 1), (0, 1), (1, 3)]


def test_a_refused_item_is_found_and_stored_without_its_answer(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    first, bad, good = begun_rows(house, queue, service, "first", "bad", "good")
    latched.shut()
    house.tell(LEDGER, finish(first))
    latched.await_calls("safari_ledger", 4)
    house.tell(LEDGER, finish(bad, outcome=unstorable()), finish(good))
    house.settle(LEDGER)
    latched.open()
    assert recorded(service, first, bad, good) == [True] * 3
    assert queue.statuses(first.id, bad.id, good.id) == ["completed"] * 3
    assert "NUL" in queue.row(bad.id)["result"]["unstorable"]
    assert "unstorable" in queue.alerts()


def test_an_item_that_can_never_be_stored_stops_nobody(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    (good,) = begun_rows(house, queue, service, "good")
    bad = replace(good, id="this is no id")
    latched.shut()
    house.tell(LEDGER, finish(bad), finish(good), begin(bad))
    house.settle(LEDGER)
    latched.open()
    assert recorded(service, bad, good) == [False, True]
    house.tell(LEDGER, begin(bad))
    assert begun(service).verdict == "lost"


def test_a_result_is_on_disk_while_the_database_is_away_and_written_when_it_is_back(
    house: House, queue: Queue, latched: LatchedStore, service: Told, tmp_path: Path
) -> None:
    first, second = begun_rows(house, queue, service, "first", "second")
    latched.break_with(AWAY)
    house.tell(LEDGER, finish(first))
    eventually(lambda: len(spooled(tmp_path)) == 2, "the result is on disk")
    house.tell(LEDGER, finish(second))
    house.settle(LEDGER)
    header, *items = spooled(tmp_path)
    assert header == {"boot_id": queue.boot_id}
    assert [(item["id"], item["verdict"]) for item in items] == [
        (first.id, "sent"),
        (second.id, "sent"),
    ]
    latched.mend()
    assert recorded(service, first, second) == [True, True]
    house.settle(LEDGER)
    assert spooled(tmp_path) == []
    assert queue.statuses(first.id, second.id) == ["completed"] * 2


def test_a_result_whose_write_takes_long_is_put_on_disk_meanwhile(
    house: House, queue: Queue, latched: LatchedStore, service: Told, tmp_path: Path
) -> None:
    (row,) = begun_rows(house, queue, service, "a")
    latched.shut()
    house.tell(LEDGER, finish(row))
    eventually(lambda: len(spooled(tmp_path)) == 2, "the result is on disk")
    latched.open()
    assert recorded(service, row) == [True]
    house.settle(LEDGER)
    assert spooled(tmp_path) == []


def test_a_begin_is_answered_after_an_outage_and_tells_when_it_was_asked(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    queue.add("a")
    (row,) = queue.claim(instagram_dm=1)
    latched.break_with(AWAY)
    house.tell(LEDGER, begin(row))
    first, second = latched.await_calls("safari_ledger", 2)
    assert second.at - first.at >= 0.2, "it tries again without a pause"
    latched.mend()
    answer = begun(service)
    assert answer.verdict == "granted"
    later = [call for call in latched.calls("safari_ledger") if call.at > second.at]
    assert sizes(later) == [(0, 1)]


def test_a_write_whose_answer_was_lost_counts_once(
    house: House, queue: Queue, latched: LatchedStore, service: Told, spool: Spool
) -> None:
    queue.add("a")
    (row,) = queue.claim(instagram_dm=1)
    latched.shut()
    house.tell(LEDGER, begin(row))
    latched.await_calls("safari_ledger", 1)
    house.tell(LEDGER, Grenade())
    move_in(house, queue, latched, spool)
    house.tell(LEDGER, begin(row))
    latched.open()
    assert begun(service).attempt == 1
    house.tell(LEDGER, finish(row), finish(row))
    assert recorded(service, row) == [True]
    house.settle(LEDGER)
    events = queue.execute("select event from safari_command_events order by id")
    assert [each["event"] for each in events] == ["enqueued", "claimed", "begun", "completed"]


def test_it_stops_when_everything_is_written(
    house: House, queue: Queue, latched: LatchedStore, service: Told
) -> None:
    (row,) = begun_rows(house, queue, service, "a")
    latched.shut()
    house.tell(LEDGER, finish(row), Stop())
    house.settle(LEDGER)
    assert house.supervisor.all_of(Drained) == []
    latched.open()
    assert house.supervisor.take(Drained).name == LEDGER
    assert queue.statuses(row.id) == ["completed"]
