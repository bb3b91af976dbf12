"""A raw INSERT or UPDATE, whatever it writes, concerns its own row alone."""

from __future__ import annotations

import uuid
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from actp.errors import StoreRefused
from tests.support.raw_rows import insert_raw_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from tests.support.databases import Database

BOOT = str(uuid.uuid4())
DM = '{"username": "ada", "text": "hello"}'
DEEP = "[" * 3000 + "]" * 3000
LONG_NUMBER = '{"username": "a", "text": "b", "n": ' + "1" * 5000 + "}"


@pytest.fixture
def admin(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        admit(database, connection)
        yield connection


def admit(database: Database, connection: psycopg.Connection) -> None:
    """Register a worker that may send without limits."""
    connection.execute(
        "update safari_policies set active_from = 0, active_to = 24, min_gap_seconds = 0,"
        " daily_limit = 100000, hourly_limit = 100000"
    )
    services = [row[0] for row in connection.execute("select service from safari_services")]
    database.store.call(
        "safari_register", boot_id=BOOT, host_key="here", worker="w", services=services
    )


def claim(database: Database, rows: int = 50) -> list[dict[str, Any]]:
    with database.connect() as connection:
        services = [row[0] for row in connection.execute("select service from safari_services")]
    answer = database.store.call(
        "safari_claim", boot_id=BOOT, wants=dict.fromkeys(services, rows), held=0, lease_seconds=30
    )
    return list(answer["commands"])


def insert(admin: psycopg.Connection, **columns: Any) -> str:
    columns = {"action": "send_dm", "platform": "twitter", "params": DM} | columns
    names = ", ".join(columns)
    marks = ", ".join(["%s"] * len(columns))
    row = admin.execute(
        f"insert into safari_command_queue ({names}) values ({marks}) returning id::text".encode(),  # noqa: S608
        list(columns.values()),
    ).fetchone()
    assert row is not None
    return str(row[0])


def row_of(admin: psycopg.Connection, id_: str) -> dict[str, Any]:
    found = admin.execute(
        "select to_jsonb(q) from safari_command_queue q where q.id = %s", (id_,)
    ).fetchone()
    assert found is not None
    return dict(found[0])


def times_in(value: object) -> Iterator[str]:
    match value:
        case dict():
            for name, item in value.items():
                if name.endswith("_at") and name != "due_at" and isinstance(item, str):
                    yield item
                yield from times_in(item)
        case list():
            for item in value:
                yield from times_in(item)


def test_rows_of_any_kind_are_handled_and_reported(
    database: Database, admin: psycopg.Connection
) -> None:
    ids = insert_raw_rows(admin, Random(7), 300)
    healthy = [insert(admin, params=f'{{"username": "h{n}", "text": "hi"}}') for n in range(20)]
    store = database.store
    claimed: set[str] = set()
    while rows := claim(database):
        claimed |= {row["id"] for row in rows}
        for row in rows:
            begun = store.call(
                "safari_ledger",
                boot_id=BOOT,
                finishes=[],
                begins=[
                    {
                        "id": row["id"],
                        "lease": row["lease"],
                        "service": row["service"],
                        "recipient": row["id"],
                        "person": row["id"],
                        "text_hash": "x",
                    }
                ],
            )["begins"][0]
            attempt = begun.get("attempt") if begun["verdict"] == "granted" else None
            if attempt is not None:
                done = store.call(
                    "safari_ledger",
                    boot_id=BOOT,
                    begins=[],
                    finishes=[
                        {
                            "id": row["id"],
                            "lease": row["lease"],
                            "attempt": attempt,
                            "verdict": "sent",
                            "quota_back": False,
                            "result": {},
                        }
                    ],
                )["finishes"][0]
                assert done["recorded"], (row, done)
    assert set(healthy) <= claimed
    for id_ in ids:
        row = store.call("safari_show", id=id_)["command"]
        waits = row["hold"] or row["scheduled_for"] or row["service"] == "foreign"
        waits = waits or (row["waits"] or {}).get("for") == "its account"
        assert row["status"] in {"completed", "failed", "cancelled", "running"} or waits, row
        assert row["status"] != "running" or row["lease_expires_at"] is None, row
        life = store.call("safari_show", id=id_)
        for time in times_in(life["command"]):
            datetime.fromisoformat(time)
    for function in ("safari_status", "safari_gauges", "safari_limits", "agent_report"):
        for time in times_in(store.call(function)):
            datetime.fromisoformat(time)
    for status in ("pending", "running", "failed", "completed", "cancelled", "unknown", None):
        store.call("safari_history", row_limit=1000, status=status)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("created_at", "-infinity"),
        ("created_at", "infinity"),
        ("lease_number", 2**63 - 1),
        ("attempt", -1),
        ("crash_count", -1),
        ("retry_count", -5),
        ("lease_expires_at", "2099-01-01"),
        ("started_at", "infinity"),
        ("next_retry_at", "infinity"),
        ("boot_id", "11111111-1111-1111-1111-111111111111"),
        ("result", "{}"),
        ("reason", "unknown"),
        ("effect", "repeatable"),
        ("service", "local"),
    ],
)
def test_the_columns_that_workers_keep_are_not_taken_from_an_insert(
    database: Database, admin: psycopg.Connection, column: str, value: object
) -> None:
    id_ = insert(admin, **{column: value})
    (row,) = claim(database)
    assert (row["id"], row["attempt"], row["lease"] > 0, row["effect"]) == (id_, 0, True, "once")
    assert row["service"] == "twitter-dm"
    assert row_of(admin, id_)["result"] is None


@pytest.mark.parametrize(
    "params",
    [LONG_NUMBER, DEEP, '{"n": 1e400}', '{"n": -1e131071}', '{"a": ' * 60 + "1" + "}" * 60],
)
def test_params_that_nobody_can_decode_end_their_row_at_once(
    database: Database, admin: psycopg.Connection, params: str
) -> None:
    id_ = insert(admin, params=params)
    row = row_of(admin, id_)["status"], row_of(admin, id_)["reason"]
    assert row == ("failed", "validation")
    assert claim(database) == []
    events = database.store.call("safari_show", id=insert(admin))["events"]
    assert [event["event"] for event in events] == ["enqueued"]
    kinds = admin.execute(
        "select event from safari_command_events where command_id = %s order by id", (id_,)
    ).fetchall()
    assert kinds == [("enqueued",), ("failed",)]


@pytest.mark.parametrize(
    "column", ["scheduled_for", "expires_at", "created_at", "completed_at", "started_at"]
)
@pytest.mark.parametrize("value", ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC"])
def test_every_time_of_a_row_can_be_read(
    database: Database, admin: psycopg.Connection, column: str, value: str
) -> None:
    id_ = insert(admin, **{column: value})
    admin.execute("update safari_command_queue set updated_at = updated_at")
    for time in times_in(database.store.call("safari_show", id=id_)):
        datetime.fromisoformat(time)


@pytest.mark.parametrize("hold", ["x", "", "campaign"])
def test_hold_without_an_owner_becomes_a_backlog_hold(
    database: Database, admin: psycopg.Connection, hold: str
) -> None:
    insert(admin, hold=hold)
    assert claim(database) == []
    accepted = database.store.call("safari_backlog", accept=True)
    assert accepted == {"commands": 1, "messages": 0, "posts": 0}
    assert len(claim(database)) == 1


def send(database: Database, row: dict[str, Any]) -> dict[str, Any]:
    begun = database.store.call(
        "safari_ledger",
        boot_id=BOOT,
        finishes=[],
        begins=[
            {
                "id": row["id"],
                "lease": row["lease"],
                "service": row["service"],
                "recipient": "ada",
                "person": "ada",
                "text_hash": "x",
            }
        ],
    )["begins"][0]
    if begun["verdict"] == "granted":
        database.store.call(
            "safari_ledger",
            boot_id=BOOT,
            begins=[],
            finishes=[
                {
                    "id": row["id"],
                    "lease": row["lease"],
                    "attempt": begun["attempt"],
                    "verdict": "sent",
                    "quota_back": False,
                    "result": {},
                }
            ],
        )
    return dict(begun)


@pytest.mark.parametrize(
    "edit",
    [
        "status = 'pending', attempt = 0",
        "status = 'pending', attempt = -1",
        "status = 'pending', attempt = 99",
        "status = 'pending', effect = 'repeatable'",
        "status = 'pending', crash_count = -1, lease_number = 9223372036854775807",
        "status = 'pending', created_at = '-infinity', scheduled_for = '-infinity'",
    ],
)
def test_no_edit_of_a_sent_row_sends_it_again(
    database: Database, admin: psycopg.Connection, edit: str
) -> None:
    id_ = insert(admin)
    (row,) = claim(database)
    assert send(database, row)["verdict"] == "granted"
    admin.execute(f"update safari_command_queue set {edit} where id = %s".encode(), (id_,))  # noqa: S608
    (row,) = claim(database)
    assert send(database, row)["verdict"] == "refused"
    assert row_of(admin, id_)["status"] == "completed"


@pytest.mark.parametrize(
    "edit", ["status = null", "ready = false", "ready = null", "due_at = null"]
)
def test_a_cell_that_is_cleared_by_hand_keeps_no_row_for_good(
    database: Database, admin: psycopg.Connection, edit: str
) -> None:
    id_ = insert(admin)
    admin.execute(f"update safari_command_queue set {edit} where id = %s".encode(), (id_,))  # noqa: S608
    (row,) = claim(database)
    assert send(database, row)["verdict"] == "granted"


def test_reinserted_row_is_not_sent_again(database: Database, admin: psycopg.Connection) -> None:
    id_ = insert(admin)
    send(database, claim(database)[0])
    # As clients do that write a whole row back.
    again = " on conflict (id) do update set attempt = excluded.attempt"
    admin.execute(f"insert into safari_command_queue table safari_command_queue {again}".encode())
    assert row_of(admin, id_)["attempt"] == 1
    admin.execute("delete from safari_command_queue where id = %s", (id_,))
    insert(admin, id=id_)
    assert send(database, claim(database)[0])["verdict"] == "refused"
    assert row_of(admin, id_)["status"] == "completed"


def test_the_effect_of_a_running_row_cannot_be_edited(
    database: Database, admin: psycopg.Connection
) -> None:
    id_ = insert(admin)
    claim(database)
    admin.execute(
        "update safari_command_queue set effect = 'repeatable', service = 'local' where id = %s",
        (id_,),
    )
    row = row_of(admin, id_)
    assert (row["effect"], row["service"]) == ("once", "twitter-dm")


def test_a_row_inserted_as_running_is_taken_for_one_without_a_lease(
    database: Database, admin: psycopg.Connection
) -> None:
    id_ = insert(admin, status="running", lease_expires_at="2099-01-01", started_at="infinity")
    admin.execute("update safari_command_queue set started_at = now() - interval '1 hour'")
    database.store.call("safari_rescue", boot_id=BOOT, host_key="here", services=[], expired=True)
    row = row_of(admin, id_)
    assert (row["status"], row["reason"]) == ("failed", "unknown")


def test_a_sent_row_that_is_set_to_running_is_sent_and_not_in_doubt(
    database: Database, admin: psycopg.Connection
) -> None:
    id_ = insert(admin)
    send(database, claim(database)[0])
    admin.execute(
        "update safari_command_queue set status = 'running', started_at = now() - interval '1 hour'"
        " where id = %s",
        (id_,),
    )
    rescued = database.store.call(
        "safari_rescue", boot_id=BOOT, host_key="here", services=[], expired=True
    )
    assert rescued == {"restored": 1}
    row = row_of(admin, id_)
    assert (row["status"], row["reason"]) == ("completed", None)
    assert admin.execute("select from safari_alerts").fetchall() == []


def test_a_row_that_spoils_every_claim_is_set_aside(
    database: Database, admin: psycopg.Connection
) -> None:
    spoiling, healthy = insert(admin), insert(admin, params='{"username": "b", "text": "b"}')
    # As the owner of the table may leave it; no trigger bounds it.
    admin.execute("alter table safari_command_queue disable trigger user")
    admin.execute(
        "update safari_command_queue set lease_number = 9223372036854775807 where id = %s",
        (spoiling,),
    )
    admin.execute("alter table safari_command_queue enable trigger user")
    with pytest.raises(StoreRefused):
        claim(database)
    set_aside = database.store.call("safari_set_aside", services=["twitter-dm"], error="why")
    assert set_aside == [spoiling]
    assert [row["id"] for row in claim(database)] == [healthy]
    row = row_of(admin, spoiling)
    assert (row["status"], row["reason"]) == ("failed", "validation")
    assert admin.execute("select kind from safari_alerts").fetchall() == [("set_aside",)]


def test_refused_claims_without_a_row_to_blame_are_alerted_once_a_day(
    database: Database, admin: psycopg.Connection
) -> None:
    insert(admin)
    for _ in range(3):
        assert database.store.call("safari_set_aside", services=["twitter-dm"], error="why") == []
    assert admin.execute("select kind, detail ->> 'error' from safari_alerts").fetchall() == [
        ("claims_refused", "why")
    ]


@pytest.mark.parametrize(
    ("changes", "hold"),
    [
        ({"age": "150 days"}, "backlog"),
        ({"age": "25 hours"}, "backlog"),
        ({"age": "2 hours"}, None),
        ({"age": "150 days", "due_in": "1 hour"}, None),
        ({"age": "150 days", "due_in": "-140 days"}, "backlog"),
        ({"age": "0 hours", "due_in": "-140 days"}, "backlog"),
        ({"age": "0 hours", "due_in": "-2 hours"}, None),
        ({"age": "150 days", "action": "market_research"}, None),
    ],
)
def test_a_row_that_is_stored_with_its_old_date_waits_for_a_decision(
    admin: psycopg.Connection, changes: dict[str, str], hold: str | None
) -> None:
    row = admin.execute(
        "insert into safari_command_queue (action, platform, params, created_at, scheduled_for)"
        ' values (%s, \'twitter\', \'{"username": "ada", "text": "Hi", "query": "x"}\','
        " now() - %s::interval, now() + %s::interval) returning hold",
        (changes.get("action", "send_dm"), changes["age"], changes.get("due_in")),
    ).fetchone()
    assert row == (hold,)
