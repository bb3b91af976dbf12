"""Retries: three of them, each waiting longer within its jitter, then an end with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.store.life import Life

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store

BASE_SECONDS = 15.0
# Full jitter with a floor: from a tenth of the doubled base up to all of it.
SHARES = (0.1, 1.0)


def waits_seconds(admin: psycopg.Connection, command: str) -> float:
    row = admin.execute(
        "select extract(epoch from next_retry_at - updated_at)::float8"
        " from safari_command_queue where id = %s",
        (command,),
    ).fetchone()
    assert row is not None
    return float(row[0])


def come_due(admin: psycopg.Connection, command: str) -> None:
    admin.execute("update safari_command_queue set next_retry_at = now() where id = %s", (command,))


def test_a_command_is_tried_again_three_times_with_growing_waits(
    store: Store, admin: psycopg.Connection
) -> None:
    life = Life(store)
    command = life.enqueue()
    for doublings in range(3):
        life.end(command, "retry", reason="never_connected", error="refused")
        assert life.state(command) == ("pending", None)
        ceiling = BASE_SECONDS * 2**doublings
        low, high = (share * ceiling for share in SHARES)
        assert low <= waits_seconds(admin, command) <= high
        assert life.claim() == [], "it waits"
        come_due(admin, command)
    life.end(command, "retry", reason="never_connected", error="refused")
    assert life.state(command) == ("failed", "retries_exhausted")


def test_what_is_waited_for_costs_no_retry(store: Store, admin: psycopg.Connection) -> None:
    life = Life(store)
    command = life.enqueue()
    for _ in range(5):
        life.end(command, "wait", reason="service_quota")
        come_due(admin, command)
    assert life.state(command) == ("pending", None)
    shown = store.call("safari_show", id=command)["command"]
    assert (shown["retry_count"], shown["attempt"]) == (0, 5)
