"""The outbox of alerts: one sender at a time, nothing lost, and what raises alerts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from actp.alerts import Alert, render
from tests.store.life import Life

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store

CLAIM_SECONDS = 60.0


def raise_alerts(admin: psycopg.Connection, *keys: str) -> list[int]:
    ids = []
    for key in keys:
        admin.execute("select safari_alert(%s, 'blocked', '{}')", (key,))
        found = admin.execute("select id from safari_alerts where key = %s", (key,)).fetchone()
        assert found is not None
        ids.append(found[0])
    return ids


def claim(store: Store, limit: int = 100) -> dict[str, Any]:
    answer: dict[str, Any] = store.call(
        "safari_alerts_claim", row_limit=limit, seconds=CLAIM_SECONDS
    )
    return answer


def claimed(store: Store) -> list[int]:
    return [alert["id"] for alert in claim(store)["alerts"]]


def later(admin: psycopg.Connection, seconds: float) -> None:
    """Let so many seconds pass for the outbox."""
    admin.execute(
        "update safari_alerts set claimed_until = claimed_until - %(by)s::interval,"
        " next_attempt_at = next_attempt_at - %(by)s::interval",
        {"by": f"{seconds} seconds"},
    )


def test_while_one_sends_nobody_else_gets_any(store: Store, admin: psycopg.Connection) -> None:
    first, second = raise_alerts(admin, "a", "b")
    assert [alert["id"] for alert in claim(store, limit=1)["alerts"]] == [first]
    refused = claim(store)
    assert refused["alerts"] == []
    assert 0 < refused["wait_seconds"] <= CLAIM_SECONDS
    later(admin, CLAIM_SECONDS)
    assert claimed(store) == [first, second]


def test_no_row_written_by_hand_holds_up_the_others(
    store: Store, admin: psycopg.Connection
) -> None:
    ids = raise_alerts(admin, "full", "never", "ahead", "sound")
    admin.execute(
        "update safari_alerts set attempts = 2147483647 where key = 'full';"
        " update safari_alerts set next_attempt_at = 'infinity' where key = 'never';"
        " update safari_alerts set claimed_until = '294276-12-31' where key = 'ahead';"
        " insert into safari_notice_channels (channel, since, failures, next_attempt_at)"
        " values ('mail', '-infinity', 2147483647, 'infinity')"
    )
    assert claimed(store) == ids
    notices = store.call("safari_notices_claim", channel="mail", row_limit=10, seconds=60)
    assert [alert["id"] for alert in notices["alerts"]] == ids
    store.call("safari_notices_done", channel="mail", ids=[], error="HTTP 500")
    wait = store.call("safari_notices_claim", channel="mail", row_limit=10, seconds=60)
    assert 0 < wait["wait_seconds"] <= 900


def test_delivered_alert_is_never_claimed_again(store: Store, admin: psycopg.Connection) -> None:
    first, second = raise_alerts(admin, "a", "b")
    assert claimed(store) == [first, second]
    assert store.call("safari_alerts_done", ids=[first]) == 1
    assert store.call("safari_alerts_done", ids=[first]) == 0
    store.call("safari_alerts_failed", ids=[second], error=None, seconds=0)
    assert 0 < claim(store)["wait_seconds"] <= 1
    later(admin, 1)
    assert claimed(store) == [second]


def test_a_failure_puts_everything_off_and_says_why(
    store: Store, admin: psycopg.Connection
) -> None:
    ids = raise_alerts(admin, "a")
    assert claimed(store) == ids
    store.call("safari_alerts_failed", ids=ids, error="HTTP 429", seconds=30)
    raise_alerts(admin, "b")
    assert claim(store)["alerts"] == []
    waiting = store.call("safari_alerts_waiting")
    assert (waiting["count"], waiting["error"]) == (2, "HTTP 429")
    later(admin, 30)
    assert len(claimed(store)) == 2


def test_a_sender_with_new_settings_need_not_wait_for_the_hour(
    store: Store, admin: psycopg.Connection
) -> None:
    ids = raise_alerts(admin, "a")
    assert claimed(store) == ids
    store.call("safari_alerts_failed", ids=ids, error="HTTP 401", seconds=3600)
    store.call("safari_alerts_reopen")
    assert claimed(store) == ids


def test_a_limit_is_told_once_a_day_and_only_when_something_waits_for_it(store: Store) -> None:
    life = Life(store)
    life.limit(1)
    life.enqueue_and_send()
    assert life.claim() == []
    assert claim(store)["alerts"] == []
    for _ in range(2):
        life.enqueue()
        assert life.claim() == []
    [alert] = claim(store)["alerts"]
    assert alert["kind"] == "quota_reached"
    assert {name: alert["detail"][name] for name in ("platform", "kind", "used")} == {
        "platform": "twitter",
        "kind": "dm",
        "used": 1,
    }
    now = datetime.fromisoformat(claim(store)["now"])
    assert render(Alert.read(alert), now) == (
        "🚫 Rate Limit Hit: Twitter DMs (1/1 today)\nNext available: Tomorrow 00:00 UTC"
    )


def test_daily_heartbeat_message_has_the_counts_of_yesterday(
    store: Store, admin: psycopg.Connection
) -> None:
    for status, reason in (("completed", None), ("failed", "rejected"), ("failed", "unknown")):
        admin.execute(
            "insert into safari_command_queue (action, platform, status, reason, completed_at)"
            " values ('send_dm', 'twitter', %s, %s,"
            " date_trunc('day', now() at time zone 'utc') at time zone 'utc' - interval '1 hour')",
            (status, reason),
        )
    assert store.call("safari_all_well", hour=0) is False, "there was no worker yesterday"
    admin.execute(
        "insert into safari_workers (boot_id, host_key, worker, started_at)"
        " values (gen_random_uuid(), 'host', 'host/1', now() - interval '1 day')"
    )
    assert [store.call("safari_all_well", hour=0) for _ in range(2)] == [True, False]
    [alert] = claim(store)["alerts"]
    counts = {key: alert["detail"][key] for key in ("completed", "failed", "unknown")}
    assert counts == {"completed": 1, "failed": 1, "unknown": 1}
    assert alert["detail"]["open_unknown"] == 1


def test_the_sign_of_life_waits_for_its_hour(store: Store) -> None:
    assert store.call("safari_all_well", hour=24) is False
