"""The outbox of results: each end once, backoff, giving up, and what costs nothing when off."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from actp.errors import NotFound
from tests.store.life import Life

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store

SECONDS = 60.0
MOST_ATTEMPTS = 10


@pytest.fixture
def life(store: Store) -> Life:
    return Life(store)


def claim(store: Store) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = store.call(
        "safari_webhooks_claim", row_limit=100, seconds=SECONDS
    )["items"]
    return items


def done(store: Store, item: dict[str, Any], **receipt: Any) -> None:
    store.call("safari_webhooks_done", results=[{"id": item["id"], **receipt}])


def due_now(admin: psycopg.Connection) -> None:
    admin.execute("update safari_webhooks set next_attempt_at = now(), claimed_until = null")


def test_nothing_is_recorded_before_somebody_delivers(
    store: Store, admin: psycopg.Connection, life: Life
) -> None:
    life.enqueue_and_send()
    assert claim(store) == []
    life.enqueue_and_send()
    assert len(claim(store)) == 1
    admin.execute("update safari_webhook_state set recorded_until = now()")
    life.enqueue_and_send()
    count = admin.execute("select count(*) from safari_webhooks").fetchone()
    assert count == (1,)


def test_every_end_is_told_with_what_the_caller_gave(
    store: Store, admin: psycopg.Connection, life: Life
) -> None:
    claim(store)
    metadata = {"order": 17, "tags": ["a", "b"]}
    sent = life.enqueue(key="order-17", metadata=metadata)
    life.end(sent, "sent")
    unknown = life.enqueue()
    life.end(unknown, "unknown", error="no answer")
    store.call("safari_resolve", id=unknown, verdict="sent")
    cancelled = life.enqueue()
    store.call("safari_cancel", id=cancelled)
    unread = admin.execute(
        "insert into safari_command_queue (action, platform, params, metadata)"
        " select 'send_dm', 'twitter', deep, deep"
        " from (select (repeat('[', 3000) || repeat(']', 3000))::jsonb as deep) d"
        " returning id::text"
    ).fetchone()
    assert unread is not None
    items = claim(store)
    told = [(item["body"]["data"]["id"], item["body"]["type"]) for item in items]
    assert told == [
        (sent, "command.completed"),
        (unknown, "command.unknown"),
        (unknown, "command.completed"),
        (cancelled, "command.cancelled"),
        (unread[0], "command.failed"),
    ]
    first = items[0]["body"]["data"]
    assert (first["metadata"], first["idempotency_key"]) == (metadata, "order-17")
    assert first["result"] == {"outcome": "sent"}
    # Neither words nor recipients leave: the caller knows them.
    assert "Hi " not in json.dumps(items)
    assert '"ada"' not in json.dumps(items)


def test_a_result_goes_to_one_host_and_comes_back_if_that_dies(
    store: Store, admin: psycopg.Connection, life: Life
) -> None:
    claim(store)
    life.enqueue_and_send()
    (item,) = claim(store)
    assert claim(store) == []
    admin.execute("update safari_webhooks set claimed_until = now()")
    (again,) = claim(store)
    assert (again["key"], again["attempts"]) == (item["key"], 2)
    done(store, again, delivered=True, http_status=204)
    due_now(admin)
    assert claim(store) == []


def test_a_count_at_its_end_holds_up_no_other_result(
    store: Store, admin: psycopg.Connection, life: Life
) -> None:
    claim(store)
    for _ in range(3):
        life.enqueue_and_send()
    numbers = "(values (0, 2147483647), (1, -2147483648)) n (place, number)"
    admin.execute(
        f"update safari_webhooks w set attempts = number from {numbers}"  # noqa: S608
        " where w.id = (select min(id) from safari_webhooks) + place"
    )
    items = claim(store)
    assert len(items) == 3
    store.call(
        "safari_webhooks_done", results=[{"id": it["id"], "delivered": False} for it in items]
    )
    assert (store.call("safari_webhooks")["given_up"], len(claim(store))) == (1, 0)


def test_tenth_failure_gives_up_with_one_alert(
    store: Store, admin: psycopg.Connection, life: Life
) -> None:
    claim(store)
    for _ in range(2):
        life.enqueue_and_send()
    waits = []
    for _ in range(MOST_ATTEMPTS):
        for item in claim(store):
            done(store, item, delivered=False, http_status=500, error="HTTP 500")
        wait = admin.execute(
            "select extract(epoch from max(next_attempt_at) - now()) from safari_webhooks"
        ).fetchone()
        assert wait is not None
        waits.append(float(wait[0]))
        due_now(admin)
    assert waits[0] < waits[1] < waits[2] < waits[5] <= 21600 * 1.1
    assert claim(store) == []
    counts = store.call("safari_webhooks")
    assert (counts["given_up"], counts["waiting"]) == (2, 0)
    alerts = admin.execute("select kind from safari_alerts").fetchall()
    assert alerts.count(("webhook_given_up",)) == 1
    assert store.call("safari_webhooks_retry") == {"due": 2}
    assert [item["attempts"] for item in claim(store)] == [1, 1]


def test_what_was_not_tried_costs_no_attempt_and_a_named_wait_is_kept(
    store: Store, admin: psycopg.Connection, life: Life
) -> None:
    claim(store)
    life.enqueue_and_send()
    (item,) = claim(store)
    done(store, item, untried=True, wait_seconds=5)
    due_now(admin)
    (item,) = claim(store)
    assert item["attempts"] == 1
    done(store, item, delivered=False, http_status=429, wait_seconds=900)
    row = admin.execute(
        "select next_attempt_at > now() + interval '890 seconds' from safari_webhooks"
    ).fetchone()
    assert row == (True,)


def test_a_receiver_that_is_gone_is_not_asked_again_and_a_key_can_be(
    store: Store, life: Life
) -> None:
    claim(store)
    life.enqueue_and_send()
    (item,) = claim(store)
    done(store, item, delivered=False, http_status=410, is_final=True)
    assert store.call("safari_webhooks")["given_up"] == 1
    assert store.call("safari_webhooks_retry", key=item["key"]) == {"due": 1}
    with pytest.raises(NotFound):
        store.call("safari_webhooks_retry", key="msg_unknown")
