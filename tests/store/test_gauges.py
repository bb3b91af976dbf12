"""What the exporter shows of the database."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest

from actp.doctor.database import database as look_at_database
from actp.doctor.database import old_transactions
from actp.settings import load_settings
from metrics.gauges import GAUGES, families
from tests.store.life import Life
from tests.support.claude_usage import asked

if TYPE_CHECKING:
    from actp.store.protocol import Json, Store
    from tests.support.databases import Database

MANY = 20_000
# A scrape reads what was read before; this only bounds what a reading costs the database.
MANY_TIMEOUT_SECONDS = 1.0


@pytest.fixture
def life(store: Store) -> Life:
    return Life(store)


def value(store: Store, key: str, **labels: str) -> Any:
    """The value of the one sample with these labels."""
    answer = store.call("safari_gauges")[key]
    if not labels:
        return answer
    (found,) = (s["value"] for s in answer if labels.items() <= s.items())
    return found


def queued(store: Store, state: str, platform: str = "twitter", service: str = "twitter-dm") -> Any:
    return value(store, "queue_commands", service=service, platform=platform, state=state)


def test_an_empty_database_shows_every_gauge_at_its_beginning(store: Store) -> None:
    answer = store.call("safari_gauges")
    assert answer.keys() <= {gauge.key for gauge in GAUGES}
    assert {sample["value"] for sample in answer["queue_commands"]} == {0}
    assert answer["unknown_outcomes"] == answer["quarantined_commands"] == 0
    assert answer["undelivered_alerts"] == answer["undelivered_alert_age_seconds"] == 0
    assert answer["workers_alive"] == 0
    assert value(store, "quota_limit", platform="twitter", kind="dm") == 50


def test_every_sample_has_exactly_the_labels_of_its_gauge(
    store: Store, admin: psycopg.Connection, life: Life
) -> None:
    life.enqueue()
    store.call(
        "safari_record_health",
        results=[
            {"service_name": "twitter-dm", "port": 3003, "status": "healthy", "response_ms": 8}
        ],
    )
    admin.execute(
        "insert into safari_campaign_targets (campaign_id, platform, handle, state)"
        " values ('c', 'twitter', 'ada', 'warmup')"
    )
    admin.execute(
        "insert into safari_schedule_runs (job, slot, run, host, status, finished_at)"
        " values ('safari_prune', now(), %s, 'here', 'done', now())",
        (uuid4(),),
    )
    store.call("agent_claude_record", run=str(uuid4()), usage=[asked()])
    answer = store.call("safari_gauges")
    for gauge in GAUGES:
        samples = answer[gauge.key]
        if not gauge.labels:
            assert isinstance(samples, int | float), gauge.key
            continue
        assert samples, gauge.key
        for sample in samples:
            assert sample.keys() == {*gauge.labels, "value"}, gauge.key


def test_commands_are_counted_where_they_stand(store: Store, life: Life) -> None:
    life.enqueue()
    life.enqueue("bob")
    life.claim()
    life.enqueue("eve", scheduled_for="2999-01-01T00:00:00Z")
    assert queued(store, "running") == 2
    assert queued(store, "waiting") == 1
    assert value(store, "service_owners", service="twitter-dm") == 1
    assert value(store, "workers_alive") == 1


def test_the_age_of_the_first_in_line_is_shown(
    store: Store, life: Life, admin: psycopg.Connection
) -> None:
    command = life.enqueue()
    admin.execute(
        "update safari_command_queue set created_at = now() - interval '1 hour' where id = %s",
        (command,),
    )
    assert value(store, "queue_oldest_ready_seconds", service="twitter-dm") >= 3600
    assert value(store, "queue_oldest_ready_seconds", service="tiktok-dm") == 0


def test_what_somebody_inserts_never_becomes_a_series(
    store: Store, admin: psycopg.Connection
) -> None:
    before = len(store.call("safari_gauges")["queue_commands"])
    admin.execute(
        "insert into safari_command_queue (action, platform, params)"
        " select 'no-such-action', 'platform-' || n, '{}' from generate_series(1, 50) n"
    )
    assert queued(store, "ready", "any", "local") == 50
    assert len(store.call("safari_gauges")["queue_commands"]) == before


def test_what_waits_for_a_person_is_counted(
    store: Store, life: Life, admin: psycopg.Connection
) -> None:
    command = life.enqueue()
    life.end(command, "unknown", error="no answer")
    assert value(store, "unknown_outcomes") == 1
    assert value(store, "undelivered_alerts") == 1
    store.call("safari_resolve", id=command, verdict="sent")
    assert value(store, "unknown_outcomes") == 0
    admin.execute("update safari_alerts set delivered_at = now()")
    assert value(store, "undelivered_alerts") == 0


def test_quota_and_leave_to_act_are_shown(store: Store, life: Life) -> None:
    assert value(store, "service_may_act", service="twitter-dm") == 1
    life.enqueue_and_send()
    assert value(store, "quota_used", platform="twitter", kind="dm") == 1
    life.limit(1)
    assert value(store, "quota_limit", platform="twitter", kind="dm") == 1
    assert value(store, "service_may_act", service="twitter-dm") == 0


def test_a_pause_shows_as_no_leave_to_act(store: Store) -> None:
    store.call("safari_pause", platform="all")
    samples = store.call("safari_gauges")["service_may_act"]
    assert {sample["value"] for sample in samples} == {0}


@pytest.mark.parametrize(("status", "up"), [("healthy", 1), ("down", 0), ("timeout", 0)])
def test_a_service_is_up_when_its_last_check_found_it_healthy(
    store: Store, status: str, up: int
) -> None:
    stranger: Json = {"service_name": "nobody's", "port": 1, "status": "healthy", "response_ms": 1}
    ours: Json = {"service_name": "twitter-dm", "port": 3003, "status": status, "response_ms": 1500}
    store.call("safari_record_health", results=[ours, stranger])
    assert value(store, "service_up") == [
        {"service": "twitter-dm", "account": "default", "value": up}
    ]
    assert value(store, "service_health_response_seconds", service="twitter-dm") == 1.5


def test_a_row_without_a_number_is_left_out_of_a_scrape(
    store: Store, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into safari_schedule_runs (job, slot, run, host, status, finished_at)"
        " select job, now(), gen_random_uuid(), 'mac', 'done', finished_at"
        " from (values ('odd', null), ('late', 'infinity'::timestamptz)) r (job, finished_at)"
    )
    shown = {
        sample.labels.get("schedule")
        for family in families(store.call("safari_gauges"))
        for sample in family.samples
        if float(sample.value) != 0
    }
    assert "late" in shown
    assert "odd" not in shown


def test_it_works_before_the_other_parts_have_their_tables(
    store: Store, admin: psycopg.Connection
) -> None:
    admin.execute("drop table safari_campaign_targets cascade")
    admin.execute("drop table safari_schedule_runs cascade")
    admin.execute("drop table agent_claude_usage cascade")
    answer = store.call("safari_gauges")
    assert "campaign_targets" not in answer
    assert "schedule_success_timestamp_seconds" not in answer
    assert "claude_requests_total" not in answer


def test_a_long_queue_is_read_within_its_time(database: Database) -> None:
    with database.connect() as connection:
        connection.execute(
            "insert into safari_command_queue (action, platform, params)"
            """ select 'send_dm', 'twitter', '{"username": "ada", "text": "hi"}'"""
            " from generate_series(1, %s)",
            (MANY,),
        )
        connection.execute("analyze safari_command_queue")
    began = monotonic()
    assert queued(database.store, "ready") == MANY
    assert monotonic() - began < MANY_TIMEOUT_SECONDS


def test_a_transaction_that_is_left_open_is_named(database: Database) -> None:
    with psycopg.connect(database.dsn, application_name="a forgotten psql") as forgotten:
        forgotten.execute("set transaction isolation level repeatable read")
        forgotten.execute("select")
        (found,) = old_transactions(database.store, age_seconds=0.0)
        pid = forgotten.info.backend_pid
        assert list(old_transactions(database.store)) == [], "it is not old yet"
    assert "a forgotten psql" in found.said
    assert str(pid) in (found.remedy or "")
    assert list(old_transactions(database.store, age_seconds=0.0)) == []


def test_whoever_locks_the_queue_is_named(
    database: Database,
) -> None:
    settings = load_settings({**database.environment, "ACTP_ENV_FILE": ""})
    with psycopg.connect(database.dsn, application_name="a forgotten psql") as forgotten:
        forgotten.execute("lock table safari_command_queue")
        lock, holder = list(look_at_database(settings))[-2:]
        pid = forgotten.info.backend_pid
    assert "nothing is sent" in lock.said
    assert "a forgotten psql" in holder.said
    assert str(pid) in (holder.remedy or "")
