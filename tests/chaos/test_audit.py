"""The audit itself: it passes an honest run, and finds each single lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.chaos.audit import audit
from tests.chaos.commands import RESEARCH, command_for, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import LiteralString

    import psycopg

    from tests.support.databases import Database

SENT, REFUSED, DOUBTFUL = "sent", "rejected", "unknown"


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        connection.execute("update safari_policies set active_from = 0, active_to = 24")
        connection.execute("update safari_policies set min_gap_seconds = 0")
        yield connection


@pytest.fixture
def world(database: Database, connection: psycopg.Connection) -> list[dict[str, Any]]:
    """An honest run: one sent, one refused, one doubtful but seen, one research."""
    del connection
    call = database.store.call
    boot = str(uuid4())
    call("safari_register", boot_id=boot, host_key="h", worker="w", services=[])
    lines = []
    for service, verdict in (
        ("twitter-dm", SENT),
        ("twitter-dm", REFUSED),
        ("threads-comments", DOUBTFUL),
        (RESEARCH, SENT),
    ):
        command = command_for(service)
        call("safari_enqueue", commands=[command])
        wants = {service: 1}
        claim = call("safari_claim", boot_id=boot, wants=wants, held=0, lease_seconds=30.0)
        row = claim["commands"][0]
        item = {"id": row["id"], "lease": row["lease"]}
        begun = call("safari_ledger", boot_id=boot, finishes=[], begins=[item])["begins"][0]
        finish = {
            **item,
            "attempt": begun["attempt"],
            "verdict": verdict,
            "reason": verdict,
            "quota_back": verdict == REFUSED,
            "result": {"outcome": verdict},
        }
        call("safari_ledger", boot_id=boot, finishes=[finish], begins=[])
        if verdict != REFUSED:
            kind = {"twitter-dm": "dm", RESEARCH: "research"}.get(service, "comment")
            lines.append({"kind": kind, "service": service, "text": text_of(command)})
    return lines


def test_an_honest_run_passes(world: list[dict[str, Any]], connection: psycopg.Connection) -> None:
    tally = audit(world, connection)
    assert (tally.commands, tally.effects, tally.completed) == (4, 2, 2)
    assert (tally.unknown, tally.failed, tally.twice, tally.unrecorded) == (1, 1, 0, 0)


LIES: dict[str, LiteralString] = {
    "is still open": "update safari_command_attempts set outcome = null where outcome = 'sent'",
    "used": "update safari_rate_limits set used = used + 1",
    "still runs": "update safari_command_queue set status = 'running' where status = 'completed'",
    "was sent, yet is failed": (
        "update safari_command_queue set status = 'failed', reason = 'x' where status = 'completed'"
    ),
    "nobody saw": "update safari_command_queue set status = 'completed' where reason = 'rejected'",
    "without a reason": "update safari_command_queue set reason = null where status = 'failed'",
    "waits for nothing": (
        "update safari_command_queue set status = 'pending' where reason = 'rejected'"
    ),
    "nobody was told": "delete from safari_alerts",
    "were begun": "update safari_command_queue set attempt = attempt + 1",
    "quota of a sent": (
        "update safari_command_attempts set quota_day = null where outcome = 'sent'"
    ),
    "may have gone": (
        "insert into safari_command_attempts (command_id, attempt, boot_id, lease_number, service,"
        " outcome) select command_id, attempt + 1, boot_id, lease_number, service, outcome"
        " from safari_command_attempts where outcome = 'sent'"
    ),
    "begun after completed": (
        "insert into safari_command_events (command_id, event, attempt)"
        " select id, 'begun', 2 from safari_command_queue where status = 'completed'"
    ),
    "claimed after completed": (
        "insert into safari_command_events (command_id, event)"
        " select id, 'claimed' from safari_command_queue where status = 'completed'"
    ),
    "was never begun": (
        "insert into safari_command_events (command_id, event, attempt)"
        " select id, 'completed', 7 from safari_command_queue where status = 'completed'"
    ),
}


@pytest.mark.parametrize("complaint", LIES)
def test_a_lie_in_the_records_is_found(
    world: list[dict[str, Any]], connection: psycopg.Connection, complaint: str
) -> None:
    connection.execute(LIES[complaint])
    with pytest.raises(AssertionError, match=complaint):
        audit(world, connection)


def test_what_the_world_saw_twice_is_found(
    world: list[dict[str, Any]], connection: psycopg.Connection
) -> None:
    with pytest.raises(AssertionError, match="was sent 2 times"):
        audit([*world, world[0]], connection)


def test_what_the_world_saw_and_nobody_recorded_is_found(
    world: list[dict[str, Any]], connection: psycopg.Connection
) -> None:
    stranger = {"kind": "dm", "service": "twitter-dm", "text": "who wrote this?"}
    with pytest.raises(AssertionError, match="no row knows of it"):
        audit([*world, stranger], connection)


def test_what_was_recorded_and_the_world_never_saw_is_found(
    world: list[dict[str, Any]], connection: psycopg.Connection
) -> None:
    with pytest.raises(AssertionError, match="nobody saw anything"):
        audit(world[1:], connection)


@pytest.mark.parametrize("kind", ["repeat", "collision"])
def test_a_mishap_is_found(
    world: list[dict[str, Any]], connection: psycopg.Connection, kind: str
) -> None:
    with pytest.raises(AssertionError, match=f"saw a {kind}"):
        audit([*world, {**world[0], "kind": kind}], connection)
