"""What a person does to commands: the functions behind cancel, resolve, retry, pause and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from actp.errors import InvalidInput, NotFound, WrongState
from tests.store.life import Life

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store


@pytest.fixture
def life(store: Store) -> Life:
    return Life(store)


def unknown(life: Life) -> str:
    command = life.enqueue()
    life.end(command, "unknown", error="no answer")
    return command


def used(store: Store, kind: str = "dm") -> int:
    rows = store.call("safari_limits")
    return next(int(r["used"]) for r in rows if (r["platform"], r["kind"]) == ("twitter", kind))


@pytest.mark.parametrize(
    ("function", "more"),
    [("safari_cancel", {}), ("safari_retry", {}), ("safari_resolve", {"verdict": "sent"})],
)
def test_a_command_that_is_not_there_is_not_found(
    store: Store, function: str, more: dict[str, Any]
) -> None:
    with pytest.raises(NotFound, match="there is no command"):
        store.call(function, id=str(uuid4()), **more)


def test_a_waiting_command_is_cancelled_for_good(life: Life) -> None:
    command = life.enqueue()
    life.store.call("safari_cancel", id=command)
    assert life.state(command) == ("cancelled", "cancelled")
    assert life.claim() == []
    with pytest.raises(WrongState, match="cancelled already"):
        life.store.call("safari_cancel", id=command)


def test_a_claimed_command_can_be_cancelled_until_it_begins(life: Life) -> None:
    command = life.enqueue()
    life.claim()
    life.store.call("safari_cancel", id=command)
    assert life.begin(command)["verdict"] == "lost"
    assert used(life.store) == 0


def test_a_begun_command_cannot_be_cancelled(life: Life) -> None:
    command = life.enqueue()
    life.claim()
    assert life.begin(command)["verdict"] == "granted"
    with pytest.raises(WrongState, match="is being sent"):
        life.store.call("safari_cancel", id=command)


def test_a_command_of_another_consumer_is_left_alone(life: Life, admin: psycopg.Connection) -> None:
    row = admin.execute(
        "insert into safari_command_queue (action, status) values ('dm_batch', 'pending')"
        " returning id::text"
    ).fetchone()
    assert row is not None
    with pytest.raises(WrongState, match="another consumer"):
        life.store.call("safari_cancel", id=row[0])


def test_an_unknown_outcome_that_was_sent_completes_and_keeps_its_quota(life: Life) -> None:
    command = unknown(life)
    life.store.call("safari_resolve", id=command, verdict="sent")
    assert life.state(command) == ("completed", None)
    assert used(life.store) == 1


def test_an_unknown_outcome_that_was_not_sent_gives_its_quota_back(life: Life) -> None:
    command = unknown(life)
    life.store.call("safari_resolve", id=command, verdict="not-sent")
    assert life.state(command) == ("failed", "not_sent")
    assert used(life.store) == 0
    assert life.claim() == []


def test_quota_goes_back_to_the_day_it_was_taken_from(
    life: Life, admin: psycopg.Connection
) -> None:
    command = unknown(life)
    admin.execute("update safari_command_attempts set quota_day = quota_day - 1")
    admin.execute("update safari_rate_limits set limit_date = limit_date - 1")
    life.enqueue_and_send()
    life.store.call("safari_resolve", id=command, verdict="not-sent")
    assert used(life.store) == 1
    days = admin.execute("select used from safari_rate_limits order by limit_date").fetchall()
    assert days == [(0,), (1,)]


def test_an_outcome_is_settled_once_and_only_by_a_known_word(life: Life) -> None:
    command = unknown(life)
    with pytest.raises(InvalidInput, match="sent or not-sent"):
        life.store.call("safari_resolve", id=command, verdict="perhaps")
    life.store.call("safari_resolve", id=command, verdict="sent")
    with pytest.raises(WrongState, match="is not unknown"):
        life.store.call("safari_resolve", id=command, verdict="not-sent")


def test_an_unknown_outcome_is_not_retried_until_it_is_settled(life: Life) -> None:
    command = unknown(life)
    with pytest.raises(WrongState, match="settle it first"):
        life.store.call("safari_retry", id=command)
    assert life.store.call("safari_retry_failed")["requeued"] == 0
    life.store.call("safari_resolve", id=command, verdict="not-sent")
    life.store.call("safari_retry", id=command)
    assert [row["id"] for row in life.claim()] == [command]
    assert life.begin(command)["attempt"] == 2


def test_only_what_ran_out_of_retries_is_retried_together(
    life: Life, admin: psycopg.Connection
) -> None:
    tried, permanent = life.enqueue(), life.enqueue()
    life.end(permanent, "rejected", reason="before_send")
    life.end(tried, "rejected", reason="x")
    admin.execute(
        "update safari_command_queue set reason = 'retries_exhausted' where id = %s", (tried,)
    )
    assert life.store.call("safari_retry_failed", first_time_only=True)["requeued"] == 1
    assert life.state(tried)[0] == "pending"
    assert life.state(permanent) == ("failed", "before_send")
    admin.execute(
        "update safari_command_queue set status = 'failed', reason = 'retries_exhausted'"
        " where id = %s",
        (tried,),
    )
    assert life.store.call("safari_retry_failed", first_time_only=True)["requeued"] == 0
    assert life.store.call("safari_retry_failed")["requeued"] == 1


def test_a_running_command_is_not_retried(life: Life) -> None:
    command = life.enqueue()
    life.claim()
    with pytest.raises(WrongState, match="only failed and cancelled"):
        life.store.call("safari_retry", id=command)


@pytest.mark.parametrize("platform", ["twitter", "all"])
def test_a_pause_stops_claims_and_begins_until_it_is_lifted(life: Life, platform: str) -> None:
    first = life.enqueue()
    life.claim()
    second = life.enqueue()
    life.store.call("safari_pause", platform=platform)
    assert life.claim() == []
    assert life.begin(first)["verdict"] == "wait"
    assert life.store.call("safari_resume", platform=platform) == {"resumed": 1}
    assert {row["id"] for row in life.claim()} == {first, second}


def test_a_pause_ends_by_itself(life: Life) -> None:
    life.enqueue()
    life.store.call("safari_pause", platform="twitter", seconds=0.0)
    assert len(life.claim()) == 1


def test_a_platform_that_is_none_cannot_be_paused(store: Store) -> None:
    with pytest.raises(InvalidInput, match="no platform"):
        store.call("safari_pause", platform="myspace")


@pytest.mark.parametrize(
    ("accept", "end"), [(True, ("pending", None)), (False, ("cancelled", "discarded"))]
)
def test_the_backlog_waits_for_a_person(
    life: Life, admin: psycopg.Connection, *, accept: bool, end: tuple[str, str | None]
) -> None:
    command = life.enqueue()
    admin.execute("update safari_command_queue set hold = 'backlog'")
    assert life.claim() == []
    assert life.store.call("safari_backlog", accept=accept)["commands"] == 1
    assert life.state(command) == end
    assert len(life.claim()) == int(accept)


@pytest.mark.parametrize("platform", ["twitter", "all"])
def test_nobody_on_the_list_is_written_to(life: Life, platform: str) -> None:
    arguments = {"platform": platform, "recipient": "ada", "note": "asked us to stop"}
    life.store.call("safari_block_contact", blocked=True, **arguments)
    command = life.enqueue()
    life.claim()
    assert life.begin(command)["verdict"] == "refused"
    assert life.state(command) == ("failed", "do_not_contact")
    assert used(life.store) == 0
    life.store.call("safari_block_contact", blocked=False, **arguments)
    assert life.store.call("safari_contacts") == []


def test_a_lower_limit_stops_and_a_higher_one_goes_on(life: Life) -> None:
    life.limit(1)
    life.enqueue_and_send()
    waiting = life.enqueue(username="grace")
    assert life.claim() == []
    life.limit(0)
    assert used(life.store) == 1
    life.limit(2)
    assert [row["id"] for row in life.claim()] == [waiting]
    assert life.begin(waiting)["verdict"] == "granted"


def test_what_is_not_given_is_not_configured(store: Store) -> None:
    before = store.call("safari_configure", policies=[], settings={})
    policy = {"platform": "twitter", "kind": "dm", "min_gap_seconds": None, "daily_limit": 7}
    after = store.call("safari_configure", policies=[policy], settings={"retry_limit": None})
    assert after["settings"] == before["settings"]
    (changed,) = [row for row in after["policies"] if row not in before["policies"]]
    assert (changed["platform"], changed["kind"], changed["daily_limit"]) == ("twitter", "dm", 7)
    assert changed["min_gap_seconds"] == 30


def test_only_what_is_past_its_age_is_removed(life: Life, admin: psycopg.Connection) -> None:
    old, doubtful, fresh = life.enqueue(), unknown(life), life.enqueue()
    life.store.call("safari_cancel", id=old)
    life.store.call("safari_cancel", id=fresh)
    admin.execute(
        "update safari_command_queue set completed_at = now() - interval '91 days'"
        " where id = any(%s::uuid[])",
        ([old, doubtful],),
    )
    assert life.store.call("safari_prune")["commands"] == 1
    left = {str(row[0]) for row in admin.execute("select id from safari_command_queue")}
    assert left == {doubtful, fresh}
