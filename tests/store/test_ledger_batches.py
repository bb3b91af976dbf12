"""A batch of begins and finishes has the effect of the same items one by one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import Database

ME = "00000000-0000-0000-0000-00000000000a"
OTHER = "00000000-0000-0000-0000-00000000000b"
LEASE = 7
MOST_ITEMS = 6
# Everything the ledger writes, without what is drawn by chance or read from a running clock.
STATE = {
    "queue": "select to_jsonb(q) - '{updated_at,next_retry_at,due_at,ready,completed_at}'::text[]"
    " || jsonb_build_object('waits', q.next_retry_at is not null,"
    " 'ended', q.completed_at is not null) from safari_command_queue q order by q.id",
    "attempts": "select to_jsonb(a) - '{begun_at,finished_at}'::text[]"
    " || jsonb_build_object('ended', a.finished_at is not null)"
    " from safari_command_attempts a order by a.command_id, a.attempt",
    "events": "select to_jsonb(e) - '{id,at}'::text[] from safari_command_events e"
    " order by e.command_id, e.id",
    "counters": "select to_jsonb(r) - '{id,updated_at,next_action_at}'::text[]"
    " || jsonb_build_object('paced', r.next_action_at > now()) from safari_rate_limits r"
    " order by r.platform, r.action, r.limit_date",
    "alerts": "select to_jsonb(a) - '{id,created_at}'::text[] from safari_alerts a order by a.key",
}


@dataclass(frozen=True)
class Command:
    """One row, its last attempt if any, and what the worker has to write about it."""

    service: str
    status: str
    boot: str
    text: str
    recipient: str
    attempt: str | None  # outcome of attempt 1; "open"; None = never begun
    attempt_lease: int
    expired: bool
    keyed: bool
    retry_count: int
    item: str  # begin, or the verdict of a finish
    finished_attempt: int
    item_lease: int
    quota_back: bool
    alert: bool


commands = st.builds(
    Command,
    service=st.sampled_from(
        ["instagram-dm", "instagram-dm", "twitter-comments", "market-research"]
    ),
    status=st.sampled_from(["running"] * 6 + ["pending", "failed", "cancelled", "completed"]),
    boot=st.sampled_from([ME] * 5 + [OTHER]),
    text=st.sampled_from(["a", "b", "c"]),
    recipient=st.sampled_from(["ada", "bob", "blocked"]),
    attempt=st.sampled_from([None, None, None, "open", "sent", "unknown", "not_sent", "lost"]),
    attempt_lease=st.sampled_from([LEASE, LEASE, LEASE - 1]),
    expired=st.sampled_from([False] * 5 + [True]),
    keyed=st.booleans(),
    retry_count=st.integers(0, 3),
    item=st.sampled_from(["begin"] * 4 + ["sent", "sent", "unknown", "retry", "rejected", "wait"]),
    finished_attempt=st.sampled_from([1, 1, 1, 1, 0, 2]),
    item_lease=st.sampled_from([LEASE] * 5 + [LEASE + 1]),
    quota_back=st.booleans(),
    alert=st.booleans(),
)
worlds = st.fixed_dictionaries(
    {
        "daily_limit": st.integers(0, 3),
        "min_gap_seconds": st.sampled_from([0, 0, 5]),
        "used": st.sampled_from([None, 0, 0, 1, 2]),  # None: the first of its day
        "paced": st.sampled_from([False, False, True]),
        "is_open": st.sampled_from([True] * 5 + [False]),
        "paused": st.sampled_from([None, None, None, None, "all", "twitter"]),
        "commands": st.lists(commands, min_size=1, max_size=MOST_ITEMS),
        "twice": st.booleans(),
    }
)


@pytest.fixture
def session(database: Database) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.dsn) as connection:
        yield connection
        connection.rollback()


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=worlds)
def test_a_batch_equals_its_items_one_by_one(
    session: psycopg.Connection[Any], world: dict[str, Any]
) -> None:
    session.rollback()
    finishes, begins = arrange(session, world)
    session.execute("savepoint arranged")
    together = ledger(session, finishes, begins), state(session)
    session.execute("rollback to savepoint arranged")
    singly: dict[str, list[Any]] = {"finishes": [], "begins": []}
    for finish in finishes:
        singly["finishes"] += ledger(session, [finish], [])["finishes"]
    for begin in begins:
        singly["begins"] += ledger(session, [], [begin])["begins"]
    assert together == ({key: sorted(found) for key, found in singly.items()}, state(session))


def arrange(
    session: psycopg.Connection[Any], world: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Put the rows of a world into the database; return what to write about them."""
    session.execute(
        "update safari_policies set daily_limit = %s, min_gap_seconds = %s,"
        " active_from = 0, active_to = %s",
        (world["daily_limit"], world["min_gap_seconds"], 24 if world["is_open"] else 0),
    )
    if not world["is_open"]:
        session.execute(
            "update safari_policies set active_from = (extract(hour from now() at time zone 'utc')"
            "::integer + 2) % 24, active_to = (extract(hour from now() at time zone 'utc')"
            "::integer + 3) % 24, time_zone = 'UTC'"
        )
    session.execute(
        "insert into safari_rate_limits"
        " (platform, action, limit_date, used, daily_limit, ceiling, next_action_at)"
        " select platform, kind, safari_today() - %s, %s, 9, 9, now() + make_interval(secs => %s)"
        " from safari_policies",
        (int(world["used"] is None), world["used"] or 0, 60 if world["paced"] else -60),
    )
    if world["paused"]:
        session.execute("insert into safari_pauses (platform) values (%s)", (world["paused"],))
    session.execute(
        "insert into safari_do_not_contact (platform, recipient) values ('all', 'blocked')"
    )
    session.execute(
        "insert into safari_workers (boot_id, host_key, worker) values (%s, 'h', 'me'),"
        " (%s, 'h', 'other')",
        (ME, OTHER),
    )
    finishes: list[dict[str, Any]] = []
    begins: list[dict[str, Any]] = []
    for number, command in enumerate(world["commands"], start=1):
        id_ = str(UUID(int=number))
        insert(session, id_, command)
        if command.item == "begin":
            begins.append(begin_of(id_, command))
        else:
            finishes.append(finish_of(id_, command))
    if world["twice"]:  # an answer was lost and the item is in the next batch again
        begins += begins[:1]
        finishes += finishes[:1]
    return finishes, begins


def insert(session: psycopg.Connection[Any], id_: str, command: Command) -> None:
    session.execute(
        "insert into safari_command_queue (id, action, platform, params, expires_at,"
        " idempotency_key) select %s, r.action, %s, '{}', now() + make_interval(secs => %s), %s"
        " from safari_routes r where r.service = %s limit 1",
        (
            id_,
            command.service.partition("-")[0],
            -60 if command.expired else 60,
            id_ if command.keyed else None,
            command.service,
        ),
    )
    if command.attempt is not None:
        session.execute(
            "insert into safari_command_attempts (command_id, attempt, boot_id, lease_number,"
            " service, recipient, text_hash, quota_platform, quota_kind, quota_day, outcome)"
            " select %s, 1, %s, %s, s.service, %s, %s, case when s.kind is not null then s.platform"
            " end, s.kind, case when s.kind is not null then safari_today() end, %s"
            " from safari_services s where s.service = %s",
            (
                id_,
                ME,
                command.attempt_lease,
                command.recipient,
                command.text,
                None if command.attempt == "open" else command.attempt,
                command.service,
            ),
        )
    session.execute(
        "update safari_command_queue set status = %s, boot_id = %s, lease_number = %s,"
        " attempt = %s, retry_count = %s, completed_at = now(), ready = true where id = %s",
        (
            command.status,
            command.boot if command.status == "running" else None,
            LEASE,
            0 if command.attempt is None else 1,
            command.retry_count,
            id_,
        ),
    )


def begin_of(id_: str, command: Command) -> dict[str, Any]:
    return {
        "id": id_,
        "lease": command.item_lease,
        "service": command.service,
        "recipient": command.recipient,
        "person": command.recipient,
        "text_hash": command.text,
    }


def finish_of(id_: str, command: Command) -> dict[str, Any]:
    alert = {"kind": "captcha", "text": "solve it"} if command.alert else None
    return {
        "id": id_,
        "lease": command.item_lease,
        "attempt": command.finished_attempt,
        "verdict": command.item,
        "reason": "rate_limited" if command.item in {"wait", "rejected"} else None,
        "error": None if command.item == "sent" else "no such person",
        "quota_back": command.quota_back and command.item in {"retry", "rejected", "wait"},
        "http_status": 200,
        "wait_seconds": 30 if command.item == "wait" else None,
        "alert": alert,
        "result": {"outcome": command.item},
    }


def ledger(
    session: psycopg.Connection[Any], finishes: list[Any], begins: list[Any]
) -> dict[str, list[Any]]:
    row = session.execute(
        "select safari_ledger(%s, %s, %s)", (ME, json.dumps(finishes), json.dumps(begins))
    ).fetchone()
    assert row is not None
    return {key: ordered(found) for key, found in row[0].items()}


def ordered(answers: list[Any]) -> list[str]:
    """Return answers sorted, without the pace, which is drawn by chance."""
    for answer in answers:
        if answer.get("reason") == "pace":
            answer["seconds"] = answer["seconds"] > 0
    return sorted(json.dumps(answer, sort_keys=True) for answer in answers)


def state(session: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    return {
        name: [row[0] for row in session.execute(query.encode())] for name, query in STATE.items()
    }
