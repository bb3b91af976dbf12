"""The ledger writes together what comes together, and loses nothing on the way."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from actors.runtime.messages import Drained, Stop
from actors.worker.entries import Begin, Begun, Finish
from actors.worker.ledger import Ledger
from actors.worker.ledger_actor import LEDGER, LedgerActor
from actp.errors import StoreUnavailable
from actp.spool import Spool
from actp.store.postgres import PostgresStore
from tests.actors.house import DEADLINE_SECONDS
from tests.actors.postman import SENT
from tests.actors.rows import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from actors.worker.messages import Row
    from actp.safari.outcomes import Outcome
    from tests.actors.house import House
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
def ledger(queue: Queue, latched: LatchedStore, spool: Spool) -> Iterator[Ledger]:
    ledger = Ledger(latched, queue.boot_id, spool, on_returned=lambda: None)
    yield ledger
    latched.mend()
    latched.open()
    ledger.close()


def begin(row: Row) -> Begin:
    return Begin(row.id, row.lease, SERVICE, row.params["username"], None, row.id)


def finish(row: Row, attempt: int = 1, outcome: Outcome = SENT) -> Finish:
    return Finish(row.id, row.lease, SERVICE, attempt, outcome)


def unstorable() -> Outcome:
    return replace(SENT, result={"success": True, "answer": "a NUL: \0"})


def sizes(calls: list[Call]) -> list[tuple[int, int]]:
    return [(len(call.arguments["finishes"]), len(call.arguments["begins"])) for call in calls]


def spooled(folder: Path) -> list[dict[str, Any]]:
    (path,) = folder.glob("spool/*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def begun_rows(ledger: Ledger, queue: Queue, *recipients: str) -> tuple[Row, ...]:
    """Return rows that have been begun through the ledger."""
    queue.add(*recipients)
    rows = queue.claim(instagram_dm=len(recipients))
    for row in rows:
        assert begun(ledger.submit(begin(row))).verdict == "granted"
    return rows


def begun(answer: Future[Begun]) -> Begun:
    return answer.result(DEADLINE_SECONDS)


def recorded(*answers: Future[bool]) -> list[bool]:
    """Return of each result whether it was recorded; waits for all."""
    return [answer.result(DEADLINE_SECONDS) for answer in answers]


def test_what_comes_during_a_write_goes_into_the_next(
    ledger: Ledger, queue: Queue, latched: LatchedStore
) -> None:
    (done,) = begun_rows(ledger, queue, "done")
    queue.add("a", "b", "c", "d")
    first, *others = queue.claim(instagram_dm=4)
    latched.shut()
    answers = [ledger.submit(begin(first))]
    latched.await_calls("safari_ledger", 2)
    answers += [ledger.submit(begin(row)) for row in others]
    stored = ledger.submit(finish(done))
    latched.open()
    assert {begun(answer).verdict for answer in answers} == {"granted"}
    assert recorded(stored) == [True]
    assert sizes(latched.calls("safari_ledger")) == [(0, 1), (0, 1), (1, 3)]


def test_a_finish_shares_the_transaction_of_the_begin_that_follows_at_once(
    ledger: Ledger, queue: Queue, latched: LatchedStore
) -> None:
    (done,) = begun_rows(ledger, queue, "done")
    queue.add("next")
    (following,) = queue.claim(instagram_dm=1)
    latched.shut()
    held = ledger.submit(finish(replace(done, lease=-1)))
    latched.await_calls("safari_ledger", 2)
    stored, answer = ledger.submit(finish(done)), ledger.submit(begin(following))
    latched.open()
    assert recorded(held, stored) == [False, True], "the first names a lease that is not ours"
    assert begun(answer).verdict == "granted"
    assert sizes(latched.calls("safari_ledger"))[-1] == (1, 1)


def test_a_lone_begin_goes_before_the_results_of_other_services(
    ledger: Ledger, queue: Queue, latched: LatchedStore
) -> None:
    (done,) = begun_rows(ledger, queue, "done")
    queue.insert("send_dm", "twitter", {"username": "next", "text": "Hello"})
    (following,) = queue.claim(twitter_dm=1)
    latched.shut()
    held = ledger.submit(finish(replace(done, lease=-1)))
    latched.await_calls("safari_ledger", 2)
    stored = ledger.submit(finish(done))
    answer = ledger.submit(replace(begin(following), service="twitter-dm"))
    latched.open()
    assert begun(answer).verdict == "granted"
    assert recorded(held, stored) == [False, True]
    assert sizes(latched.calls("safari_ledger"))[-2:] == [(0, 1), (1, 0)]


def test_a_refused_item_is_found_and_stored_without_its_answer(
    ledger: Ledger, queue: Queue, latched: LatchedStore
) -> None:
    first, bad, good = begun_rows(ledger, queue, "first", "bad", "good")
    latched.shut()
    answers = [ledger.submit(finish(first))]
    latched.await_calls("safari_ledger", 4)
    answers += [ledger.submit(finish(bad, outcome=unstorable())), ledger.submit(finish(good))]
    latched.open()
    assert recorded(*answers) == [True] * 3
    assert queue.statuses(first.id, bad.id, good.id) == ["completed"] * 3
    assert "NUL" in queue.row(bad.id)["result"]["unstorable"]
    assert "unstorable" in queue.alerts()


def test_an_item_that_can_never_be_stored_stops_nobody(
    ledger: Ledger, queue: Queue, latched: LatchedStore
) -> None:
    (good,) = begun_rows(ledger, queue, "good")
    bad = replace(good, id="this is no id")
    latched.shut()
    answers = [ledger.submit(finish(bad)), ledger.submit(finish(good))]
    latched.open()
    assert recorded(*answers) == [False, True]
    assert begun(ledger.submit(begin(bad))).verdict == "lost"


def test_results_are_spooled_during_an_outage_and_replayed(
    ledger: Ledger, queue: Queue, latched: LatchedStore, tmp_path: Path
) -> None:
    first, second = begun_rows(ledger, queue, "first", "second")
    latched.break_with(AWAY)
    answers = [ledger.submit(finish(first))]
    eventually(lambda: len(spooled(tmp_path)) == 2, "the result is on disk")
    answers.append(ledger.submit(finish(second)))
    header, *items = spooled(tmp_path)
    assert header == {"boot_id": queue.boot_id}
    assert [(item["id"], item["verdict"]) for item in items] == [
        (first.id, "sent"),
        (second.id, "sent"),
    ]
    latched.mend()
    assert recorded(*answers) == [True, True]
    assert spooled(tmp_path) == []
    assert queue.statuses(first.id, second.id) == ["completed"] * 2


def test_a_result_whose_write_takes_long_is_put_on_disk_meanwhile(
    house: House, ledger: Ledger, queue: Queue, latched: LatchedStore, tmp_path: Path
) -> None:
    house.move_in(LEDGER, LedgerActor.start(house.context, ledger=ledger))
    (row,) = begun_rows(ledger, queue, "a")
    latched.shut()
    answer = ledger.submit(finish(row))
    eventually(lambda: len(spooled(tmp_path)) == 2, "the result is on disk")
    latched.open()
    assert recorded(answer) == [True]
    assert spooled(tmp_path) == []


def test_a_begin_is_answered_after_an_outage(
    ledger: Ledger, queue: Queue, latched: LatchedStore
) -> None:
    queue.add("a")
    (row,) = queue.claim(instagram_dm=1)
    latched.break_with(AWAY)
    answer = ledger.submit(begin(row))
    first, second = latched.await_calls("safari_ledger", 2)
    assert second.at - first.at >= 0.2, "it tries again without a pause"
    latched.mend()
    assert begun(answer).verdict == "granted"
    later = [call for call in latched.calls("safari_ledger") if call.at > second.at]
    assert sizes(later) == [(0, 1)]


def test_a_write_whose_answer_was_lost_counts_once(
    ledger: Ledger, queue: Queue, latched: LatchedStore, spool: Spool
) -> None:
    queue.add("a")
    (row,) = queue.claim(instagram_dm=1)
    latched.shut()
    ledger.submit(begin(row))
    latched.await_calls("safari_ledger", 1)
    again = Ledger(latched, queue.boot_id, spool, on_returned=lambda: None)
    answer = again.submit(begin(row))
    latched.open()
    assert begun(answer).attempt == 1
    assert recorded(again.submit(finish(row))) == [True]
    assert recorded(again.submit(finish(row))) == [True]
    again.close()
    events = queue.execute("select event from safari_command_events order by id")
    assert [each["event"] for each in events] == ["enqueued", "claimed", "begun", "completed"]


def test_a_stop_waits_until_everything_is_written(
    house: House, ledger: Ledger, queue: Queue, latched: LatchedStore
) -> None:
    house.move_in(LEDGER, LedgerActor.start(house.context, ledger=ledger))
    (row,) = begun_rows(ledger, queue, "a")
    latched.shut()
    ledger.submit(finish(row))
    house.tell(LEDGER, Stop())
    house.settle(LEDGER)
    assert house.supervisor.all_of(Drained) == []
    latched.open()
    assert house.supervisor.take(Drained).name == LEDGER


def test_a_ledger_whose_thread_has_ended_is_stuck(house: House, ledger: Ledger) -> None:
    house.move_in(LEDGER, LedgerActor.start(house.context, ledger=ledger))
    assert not house.settle(LEDGER).is_stuck
    ledger.close()
    assert house.settle(LEDGER).is_stuck


REFUSE = """create function theirs() returns trigger language plpgsql as
 $$ begin raise exception 'not on a Sunday'; end $$;
create trigger theirs before update of status on safari_command_queue for each row
 when (new.status = 'completed' and new.params ->> 'username' = 'bad')
 execute function theirs()"""


def test_a_result_that_a_trigger_of_theirs_refuses_is_kept_until_it_is_taken(
    ledger: Ledger, queue: Queue, tmp_path: Path
) -> None:
    bad, good = begun_rows(ledger, queue, "bad", "good")
    queue.execute(REFUSE)
    answers = [ledger.submit(finish(bad)), ledger.submit(finish(good))]
    assert recorded(answers[1]) == [True]
    eventually(lambda: queue.alerts() == ["write_refused"], "it is alerted")
    assert not answers[0].done(), "its row stays ours"
    assert bad.id in {item["id"] for item in spooled(tmp_path)[1:]}
    queue.execute("drop function theirs cascade")
    ledger.submit(finish(bad))  # a later result of the row is tried at once
    assert recorded(answers[0]) == [True]
    assert queue.statuses(bad.id) == ["completed"]
    assert queue.row(bad.id)["result"] == SENT.result
    assert spooled(tmp_path) == []


def test_a_row_that_somebody_locks_keeps_nobody_else_waiting(queue: Queue, spool: Spool) -> None:
    with closing(PostgresStore(queue.database.dsn, lock_timeout_seconds=0.05)) as store:
        ledger = Ledger(
            store, queue.boot_id, spool, on_returned=lambda: None, held_over_seconds=0.05
        )
        locked, free = begun_rows(ledger, queue, "locked", "free")
        with queue.database.connect() as other, other.transaction():
            other.execute("select from safari_command_queue where id = %s for update", (locked.id,))
            answers = [ledger.submit(finish(locked)), ledger.submit(finish(free))]
            assert recorded(answers[1]) == [True]
            assert not answers[0].done()
        assert recorded(answers[0]) == [True]
        ledger.close()
    assert queue.statuses(locked.id, free.id) == ["completed"] * 2
    assert queue.alerts() == []
