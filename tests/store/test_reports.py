"""What people see of the queue."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from actp.errors import InvalidInput, NotFound
from actp.status_words import attention
from tests.store.life import Life

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store
    from tests.support.databases import Database

MANY = 100_000
# A million rows in a second, and room for a machine that is busy with other tests.
MANY_TIMEOUT_SECONDS = 1.0


@pytest.fixture
def life(store: Store) -> Life:
    return Life(store)


def depth(report: dict[str, Any], service: str = "twitter-dm") -> dict[str, Any]:
    return next(dict(row) for row in report["queue"] if row["service"] == service)


def service(report: dict[str, Any], name: str = "twitter-dm") -> dict[str, Any]:
    return next(dict(row) for row in report["services"] if row["service"] == name)


def counted(store: Store) -> tuple[int, int, list[dict[str, Any]]]:
    row = depth(store.call("safari_status"))
    return row["ready"], row["waiting"], row["waits"]


def test_rows_that_nobody_may_take_wait_with_the_reason(
    life: Life, store: Store, admin: psycopg.Connection
) -> None:
    life.enqueue()
    for _ in range(2):
        life.enqueue(account="ghost")
    life.enqueue("bob", account="other")
    waits = [
        {"for": "its account", "account": "ghost", "rows": 2},
        {"for": "its account", "account": "other", "rows": 1},
    ]
    assert counted(store) == (1, 3, waits)
    said = [str(line) for line in attention(store.call("safari_status"))]
    assert said[0] == (
        "Waits: 2 commands of twitter-dm for ghost, as which no running Mac is logged in;"
        " bin/queue reassign."
    )
    store.call("safari_pause", platform="twitter")
    assert counted(store) == (0, 4, [{"for": "paused", "rows": 4}])
    store.call("safari_resume", platform="twitter")
    assert counted(store) == (1, 3, waits)
    # An account that is known waits as well where no Mac runs at all.
    admin.execute("insert into safari_accounts (platform, account) values ('twitter', 'ghost')")
    admin.execute("update safari_workers set stopped_at = now()")
    assert counted(store) == (1, 3, waits)


def test_an_empty_queue_has_a_report(store: Store) -> None:
    report = store.call("safari_status")
    assert report["queue"] == report["alerts"] == report["workers"] == report["pauses"] == []
    assert len(report["services"]) == 10
    assert report["last_24_hours"]["completion_rate"] is None
    assert report["foreign"] == report["backlog_held"] == report["unknown_outcomes"]["count"] == 0


def test_rows_are_counted_where_they_stand(life: Life, admin: psycopg.Connection) -> None:
    life.enqueue()
    life.claim()
    life.enqueue()
    life.enqueue(scheduled_for="2100-01-01T00:00:00Z")
    held = life.enqueue()
    admin.execute("update safari_command_queue set hold = 'backlog' where id = %s", (held,))
    admin.execute("insert into safari_command_queue (action) values ('dm_batch')")
    report = life.store.call("safari_status")
    counts = {key: depth(report)[key] for key in ("pending", "ready", "waiting", "held", "running")}
    assert counts == {"pending": 3, "ready": 1, "waiting": 1, "held": 1, "running": 1}
    assert (report["backlog_held"], report["foreign"]) == (1, 1)
    assert [row["service"] for row in report["queue"]] == ["twitter-dm"]


def test_a_row_whose_time_has_come_is_ready_though_no_worker_said_so(
    life: Life, admin: psycopg.Connection
) -> None:
    life.enqueue(scheduled_for="2100-01-01T00:00:00Z")
    admin.execute("update safari_command_queue set due_at = now() - interval '1 second'")
    report = life.store.call("safari_status")
    assert (depth(report)["ready"], depth(report)["waiting"]) == (1, 0)
    view = life.store.call("safari_outlook", services=["twitter-dm"])["twitter-dm"]
    assert (view["due"], view["waiting"]) == (1, 0)


def test_the_oldest_is_found_behind_more_urgent_ones(life: Life, admin: psycopg.Connection) -> None:
    life.enqueue(priority=1)
    old = life.enqueue(priority=9)
    life.enqueue(priority=9)
    admin.execute(
        "update safari_command_queue set created_at = now() - interval '1 hour' where id = %s",
        (old,),
    )
    seconds = service(life.store.call("safari_status"))["oldest_ready_seconds"]
    assert 3600 <= seconds < 3700


def test_a_day_is_summed_up(life: Life) -> None:
    life.enqueue_and_send()
    life.enqueue_and_send()
    life.end(life.enqueue(), "rejected", reason="before_send")
    doubtful = life.enqueue()
    life.end(doubtful, "unknown", error="no answer")
    report = life.store.call("safari_status")
    assert report["last_24_hours"] == {
        "completed": 2,
        "failed": 1,
        "unknown": 1,
        "cancelled": 0,
        "completion_rate": 0.5,
    }
    assert [row["id"] for row in report["unknown_outcomes"]["oldest"]] == [doubtful]
    assert [alert["kind"] for alert in report["alerts"]] == ["unknown_outcome"]


def test_a_settled_outcome_is_no_longer_unknown(life: Life) -> None:
    doubtful = life.enqueue()
    life.end(doubtful, "unknown", error="no answer")
    life.store.call("safari_resolve", id=doubtful, verdict="sent")
    assert life.store.call("safari_status")["unknown_outcomes"]["count"] == 0


def test_why_a_service_may_not_act_is_said(life: Life) -> None:
    life.limit(0)
    life.store.call("safari_pause", platform="tiktok")
    report = life.store.call("safari_status")
    assert service(report)["reason"] == "quota"
    paused = service(report, "tiktok-dm")
    assert (paused["reason"], paused["until"]) == ("paused", None)


def test_only_live_workers_speak_for_their_services(life: Life, admin: psycopg.Connection) -> None:
    state = {"state": "wait", "reason": "nothing listens"}
    life.report({"twitter-dm": state})
    report = life.store.call("safari_status")
    assert service(report)["state"] == state
    assert [worker["worker"] for worker in report["workers"]] == ["test/1"]
    admin.execute("update safari_workers set seen_at = now() - interval '61 seconds'")
    report = life.store.call("safari_status")
    assert service(report)["state"] is None
    assert report["workers"] == []


def test_a_killed_worker_is_not_counted_beside_its_successor(life: Life) -> None:
    for worker, services in (("test/2", ["twitter-dm"]), ("test/3", ["threads-comments"])):
        life.store.call(
            "safari_register",
            boot_id=str(uuid4()),
            host_key="test",
            worker=worker,
            services=services,
        )
    running = [worker["worker"] for worker in life.store.call("safari_status")["workers"]]
    assert running == ["test/2", "test/3"]


def test_an_outlook_tells_what_is_left(life: Life) -> None:
    life.enqueue()
    life.end(life.enqueue(), "retry", error="composer did not open")
    life.enqueue(scheduled_for="2100-01-01T00:00:00Z")
    life.store.call("safari_pause", platform="twitter", seconds=60.0)
    view = life.store.call("safari_outlook", services=["twitter-dm", "local"])
    own = view["twitter-dm"]
    counts = {key: own[key] for key in ("running", "due", "retrying", "waiting", "held")}
    assert counts == {"running": 1, "due": 0, "retrying": 1, "waiting": 1, "held": 0}
    assert own["reason"] == "paused"
    assert 50 < own["reason_seconds"] <= 60
    assert 0 <= own["next_due_seconds"] <= 15
    assert view["local"]["reason_seconds"] is view["local"]["next_due_seconds"] is None


def test_a_history_is_filtered_and_newest_first(life: Life) -> None:
    first = life.enqueue_and_send()
    second = life.enqueue()
    life.end(second, "rejected", reason="before_send", error="no such user")
    third = life.enqueue()
    life.end(third, "unknown", error="no answer")
    waiting = life.enqueue()

    def ids(**arguments: Any) -> list[str]:
        return [row["id"] for row in life.store.call("safari_history", **arguments)]

    assert ids() == [third, second, first]
    assert ids(row_limit=1) == [third]
    assert ids(status="failed") == [third, second]
    assert ids(status="unknown") == [third]
    assert ids(status="pending") == [waiting]
    assert ids(platform="twitter", action="send_dm", status="completed") == [first]
    assert ids(platform="tiktok") == []


@pytest.mark.parametrize("arguments", [{"status": "done"}, {"row_limit": 0}])
def test_a_history_of_nonsense_is_refused(store: Store, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        store.call("safari_history", **arguments)


def test_a_life_is_told_step_by_step(life: Life) -> None:
    command = life.enqueue_and_send()
    told = life.store.call("safari_show", id=command)
    assert told["command"]["status"] == "completed"
    assert [attempt["outcome"] for attempt in told["attempts"]] == ["sent"]
    steps = [event["event"] for event in told["events"]]
    assert steps == ["enqueued", "claimed", "begun", "completed"]


def test_a_command_is_found_by_the_beginning_of_its_id(
    store: Store, admin: psycopg.Connection
) -> None:
    for last in "12":
        admin.execute(
            "insert into safari_command_queue (id, action) values (%s, 'sync')",
            (f"abcdef00-0000-4000-8000-00000000000{last}",),
        )
    whole = "abcdef00-0000-4000-8000-000000000001"
    assert store.call("safari_find", id=f" {whole.upper()} ") == whole
    assert store.call("safari_find", id=whole.replace("-", "")) == whole
    with pytest.raises(InvalidInput, match="several"):
        store.call("safari_find", id="abcdef")
    with pytest.raises(NotFound, match="there is no command"):
        store.call("safari_show", id=str(uuid4()))
    for wrong in ("abc", "xyzxyz", "", f"{whole}0", "'; drop table safari_command_queue"):
        with pytest.raises(InvalidInput, match="four hexadecimal digits"):
            store.call("safari_find", id=wrong)


def test_limits_show_todays_use(life: Life) -> None:
    life.enqueue_and_send()
    rows = {(row["platform"], row["kind"]): row for row in life.store.call("safari_limits")}
    assert (rows["twitter", "dm"]["used"], rows["twitter", "dm"]["daily_limit"]) == (1, 50)
    assert rows["linkedin", "comment"]["service"] is None
    assert len(rows) == 10


def test_health_is_kept_with_the_last_time_it_was_good(store: Store) -> None:
    def record(status: str, response_ms: int | None, error: str | None = None) -> dict[str, Any]:
        row = {"service_name": "twitter-dm", "port": 3003, "status": status, "error": error}
        results: list[Any] = [{**row, "response_ms": response_ms}]
        assert store.call("safari_record_health", results=results) == 1
        return dict(service(store.call("safari_status"))["health"])

    healthy = record("healthy", 4)
    assert healthy["last_healthy_at"] == healthy["checked_at"]
    down = record("down", None, "nothing listens")
    assert (down["status"], down["error"], down["response_ms"]) == ("down", "nothing listens", None)
    assert down["last_healthy_at"] == healthy["last_healthy_at"]
    assert down["checked_at"] > healthy["checked_at"]


@pytest.mark.parametrize("status", ["fine", None])
def test_a_health_that_is_none_is_refused(store: Store, status: str | None) -> None:
    results: list[Any] = [{"service_name": "twitter-dm", "port": 3003, "status": status}]
    with pytest.raises(InvalidInput, match="healthy, down or timeout"):
        store.call("safari_record_health", results=results)


def test_a_long_queue_is_reported_at_once(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("alter table safari_command_queue disable trigger user")
        connection.execute(
            "insert into safari_command_queue"
            " (action, platform, service, effect, ready, priority, status)"
            " select 'send_dm', 'twitter', 'twitter-dm', 'once', true, i %% 9, 'pending'"
            " from generate_series(1, %s) i",
            (MANY,),
        )
        connection.execute("vacuum analyze safari_command_queue")
    began = monotonic()
    report = database.store.call("safari_status")
    assert monotonic() - began < MANY_TIMEOUT_SECONDS
    assert depth(report)["ready"] == MANY
    with database.connect() as connection:
        plan = "\n".join(
            str(row[0])
            for row in connection.execute(
                "explain select service, platform, ready, hold, count(*)"
                " from safari_command_queue where status = 'pending' group by 1, 2, 3, 4"
            )
        )
    assert "Index Only Scan using safari_queue_depth" in plan
