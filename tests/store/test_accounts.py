"""Several accounts on one database: each has its own line, limits and people."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from actp.errors import InvalidInput, WrongState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg

    from actp.store.protocol import Store
    from tests.support.databases import Database

SERVICE = "instagram-dm"


class Mac:
    """A host that sends direct messages on Instagram by one account."""

    def __init__(self, store: Store, account: str | None, host: str | None = None) -> None:
        self._store = store
        self.boot_id = str(uuid4())
        self.host = host or f"mac-{account}"
        accounts = {} if account is None else {"instagram": account}
        store.call(
            "safari_register",
            boot_id=self.boot_id,
            host_key=self.host,
            worker=f"{self.host}/1",
            services=[SERVICE],
            accounts=accounts,
        )

    def claim(self, most: int = 10) -> dict[str, int]:
        """Claim rows; return their leases by id."""
        answer = self._store.call(
            "safari_claim", boot_id=self.boot_id, wants={SERVICE: most}, held=0, lease_seconds=30
        )
        return {row["id"]: row["lease"] for row in answer["commands"]}

    def begin(self, command: str, lease: int) -> dict[str, Any]:
        begin = {"id": command, "lease": lease, "text_hash": command}
        answer = self._ledger(begins=[begin], finishes=[])
        return dict(answer["begins"][0])

    def end(self, command: str, lease: int, attempt: int, verdict: str) -> None:
        finish = {
            "id": command,
            "lease": lease,
            "attempt": attempt,
            "verdict": verdict,
            "quota_back": verdict != "sent",
            "result": {"outcome": verdict},
        }
        self._ledger(begins=[], finishes=[finish])

    def send(self, most: int = 10) -> list[str]:
        """Claim, begin and end; return what was sent."""
        sent = []
        for command, lease in self.claim(most).items():
            begun = self.begin(command, lease)
            if begun["verdict"] == "granted":
                self.end(command, lease, begun["attempt"], "sent")
                sent.append(command)
        return sent

    def leave(self) -> None:
        """Go away for good."""
        self._store.call("safari_sign_off", boot_id=self.boot_id)

    def _ledger(self, **items: Any) -> dict[str, Any]:
        return dict(self._store.call("safari_ledger", boot_id=self.boot_id, **items))


@pytest.fixture
def admin(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        connection.execute(
            "update safari_policies set active_from = 0, active_to = 24, min_gap_seconds = 0"
        )
        yield connection


@pytest.fixture
def store(database: Database, admin: psycopg.Connection) -> Store:
    del admin
    return database.store


def enqueue(store: Store, person: str, account: str | None = None, **more: Any) -> str:
    command: dict[str, Any] = {
        "action": "send_dm",
        "platform": "instagram",
        "params": {"username": person, "text": f"Hi {uuid4()}"},
        **({"account": account} if account else {}),
        **more,
    }
    return str(store.call("safari_enqueue", commands=[command])[0]["id"])


def command(store: Store, id_: str) -> dict[str, Any]:
    return dict(store.call("safari_show", id=id_)["command"])


def limits(store: Store) -> dict[str, dict[str, Any]]:
    """Return what safari_limits says of our messages, by account."""
    return {row["account"]: row for row in store.call("safari_limits") if row["service"] == SERVICE}


def test_a_row_that_names_its_account_is_claimed_by_that_one_alone(store: Store) -> None:
    shop, english = Mac(store, "shop"), Mac(store, "shop_en")
    named = enqueue(store, "ada", "@Shop_EN")
    in_params = enqueue(store, "bob")
    store.call("safari_reassign", id=in_params, account="shop_en")
    assert shop.claim() == {}
    assert set(english.claim()) == {named, in_params}


def test_a_plain_insert_names_its_account_in_a_column_or_in_its_params(
    store: Store, admin: psycopg.Connection
) -> None:
    shop, english = Mac(store, "shop"), Mac(store, "shop_en")
    admin.execute(
        "insert into safari_command_queue (action, platform, account, params) values"
        " ('send_dm', 'instagram', 'Shop', '{\"username\": \"ada\", \"text\": \"a\"}'),"
        " ('send_dm', 'instagram', null,"
        '  \'{"username": "bob", "text": "b", "account": "@shop_en"}\')'
    )
    assert len(shop.claim()) == len(english.claim()) == 1


def test_a_row_without_an_account_goes_by_the_one_that_the_person_knows(store: Store) -> None:
    shop, english = Mac(store, "shop"), Mac(store, "shop_en")
    first = enqueue(store, "https://www.instagram.com/Ada/")
    assert shop.send() == [first]
    again = [enqueue(store, "ada") for _ in range(3)]
    stranger = enqueue(store, "bob")
    assert english.send() == [stranger]
    assert sorted(shop.send()) == sorted(again)


def test_two_accounts_that_hold_rows_for_one_person_do_not_both_write(store: Store) -> None:
    shop, english = Mac(store, "shop"), Mac(store, "shop_en")
    enqueue(store, "ada")
    (one,) = shop.claim(1).items()
    enqueue(store, "ada")
    (other,) = english.claim(1).items()
    assert shop.begin(*one)["verdict"] == "granted"
    begun = english.begin(*other)
    assert (begun["verdict"], begun["reason"]) == ("wait", "account")
    assert command(store, other[0])["account"] == "shop"
    assert english.claim() == {}
    assert set(shop.claim()) == {other[0]}


def test_a_person_that_another_row_names_an_account_for_is_left_to_it(store: Store) -> None:
    Mac(store, "shop")
    english = Mac(store, "shop_en")
    named = enqueue(store, "ada", "shop")
    free = enqueue(store, "ada")
    assert english.claim() == {}
    assert command(store, free)["account"] == command(store, named)["account"] == "shop"


def test_each_account_has_a_limit_of_its_own(store: Store) -> None:
    shop, english = Mac(store, "shop"), Mac(store, "shop_en")
    wanted: dict[str, Any] = {"platform": "instagram", "kind": "dm", "by_person": True}
    policies: list[Any] = [
        {**wanted, "daily_limit": 3},
        {**wanted, "daily_limit": 2, "account": "shop_en"},
    ]
    store.call("safari_configure", policies=policies, settings={})
    for number in range(8):
        enqueue(store, f"person{number}")
    while shop.send(1) or english.send(1):
        pass
    said = limits(store)
    assert {name: (row["used"], row["daily_limit"]) for name, row in said.items()} == {
        "shop": (3, 3),
        "shop_en": (2, 2),
    }
    assert {row["reason"] for row in said.values()} == {"quota"}
    alerts = store.call("safari_status")["alerts"]
    assert {a["detail"].get("account") for a in alerts} == {"shop", "shop_en"}
    store.call(
        "safari_configure",
        policies=[{**wanted, "account": "shop_en", "by_person": False}],
        settings={},
    )
    assert limits(store)["shop_en"]["daily_limit"] == 3


def test_a_pause_of_one_account_leaves_the_other_at_work(store: Store) -> None:
    shop, english = Mac(store, "shop"), Mac(store, "shop_en")
    store.call("safari_pause", platform="instagram", account="shop")
    sent = enqueue(store, "ada")
    assert shop.claim() == {}
    assert english.send() == [sent]
    store.call("safari_resume", platform="instagram", account="shop")
    last = enqueue(store, "bob")
    assert shop.send() == [last]


def test_rows_of_a_mac_that_is_gone_say_so_until_they_are_reassigned(store: Store) -> None:
    shop, english = Mac(store, "shop"), Mac(store, "shop_en")
    enqueue(store, "ada")
    shop.send()
    shop.leave()
    ids = [enqueue(store, "ada"), enqueue(store, "bob", "shop")]
    for id_ in ids:
        waits = command(store, id_)["waits"]
        assert waits["for"] == "its account"
        assert "no running Mac is logged in as shop, last seen on mac-shop" in waits["detail"]
    assert english.claim() == {}
    answer = store.call(
        "safari_act",
        action="bulk",
        arguments={
            "filter": {"account": "shop"},
            "action": "reassign",
            "expected": 2,
            "account": "shop_en",
        },
        operator="ada@mac/cli",
    )
    assert answer["done"] == 2
    assert sorted(english.send()) == sorted(ids)
    events = store.call("safari_show", id=ids[0])["events"]
    reassigned = next(event for event in events if event["event"] == "reassigned")
    assert reassigned["detail"] == {"from": "shop", "to": "shop_en"}
    assert reassigned["worker"] == "ada@mac/cli"


def test_a_renamed_account_keeps_its_limits_and_its_people(
    store: Store, admin: psycopg.Connection
) -> None:
    before, other = Mac(store, "shop", host="mac"), Mac(store, "other")
    enqueue(store, "ada")
    before.send()
    waiting = enqueue(store, "ada")
    admin.execute(
        "insert into safari_account_policies (platform, kind, account, changes)"
        " values ('instagram', 'dm', 'shop', '{\"daily_limit\": 7, \"daily_is_set\": true}')"
    )
    names = {"platform": "instagram", "account": "@Shop", "name": "shop_new"}
    with pytest.raises(WrongState, match="mac runs as shop: name shop_new in its SAFARI_ACCOUNTS"):
        store.call("safari_rename_account", **names)
    before.leave()
    after = Mac(store, "shop_new", host="mac")
    assert after.claim() == {}
    enqueue(store, "bob", "shop_new")
    after.send()
    answer = store.call("safari_rename_account", **names)
    assert (answer["account"], answer["sent"], answer["waiting"]) == ("shop_new", 1, 1)
    said = {name: (row["used"], row["daily_limit"]) for name, row in limits(store).items()}
    assert said == {"shop_new": (2, 7), "other": (0, said["other"][1])}
    assert other.claim() == {}
    assert after.send() == [waiting]
    with pytest.raises(InvalidInput, match="no Mac has been logged in as shop on instagram"):
        store.call("safari_rename_account", **names)


def test_nothing_is_given_to_an_account_that_no_mac_ever_had(store: Store) -> None:
    Mac(store, "shop")
    row = enqueue(store, "ada")
    with pytest.raises(Exception, match="no Mac has been logged in as shpo on instagram"):
        store.call("safari_reassign", id=row, account="shpo")


def test_a_host_without_a_name_is_alone_as_before(store: Store) -> None:
    """An older worker registers without accounts."""
    boot = str(uuid4())
    store.call("safari_register", boot_id=boot, host_key="old", worker="old/1", services=[SERVICE])
    enqueue(store, "ada")
    answer = store.call("safari_claim", boot_id=boot, wants={SERVICE: 5}, held=0, lease_seconds=30)
    assert len(answer["commands"]) == 1
    assert list(limits(store)) == ["default"]


def test_history_without_an_account_moves_to_the_named_account(store: Store) -> None:
    before = Mac(store, None, host="mac")
    enqueue(store, "ada")
    before.send()
    before.leave()
    other = Mac(store, "shop_en")
    shop = Mac(store, "shop", host="mac")
    said = limits(store)
    assert {name: row["used"] for name, row in said.items()} == {"shop": 1, "shop_en": 0}
    again = enqueue(store, "ada")
    assert other.claim() == {}
    assert shop.send() == [again]


def test_a_long_line_of_another_account_is_not_read(
    store: Store, admin: psycopg.Connection
) -> None:
    Mac(store, "shop")
    english = Mac(store, "shop_en")
    admin.execute(
        "insert into safari_command_queue (action, platform, account, params)"
        " select 'send_dm', 'instagram', 'shop', jsonb_build_object("
        "   'username', 'person' || n, 'text', n::text) from generate_series(1, 5000) n"
    )
    mine = enqueue(store, "ada", "shop_en")
    admin.execute("analyze safari_command_queue")
    ((plan,),) = admin.execute(
        "explain (analyze, buffers, format json) select id from safari_command_queue c"
        " where c.service = 'instagram-dm' and c.account = 'shop_en' and c.status = 'pending'"
        " and c.ready and c.crash_count = 0 order by c.priority, c.created_at, c.id limit 10"
    ).fetchall()
    assert plan[0]["Plan"]["Shared Hit Blocks"] < 20
    assert set(english.claim()) == {mine}


@pytest.mark.parametrize(
    ("limit", "reason"),
    [("hourly_limit", "hourly_limit"), ("rolling_limit", "rolling_limit")],
)
def test_hosts_that_begin_at_one_moment_do_not_exceed_a_limit_by_one(
    database: Database, admin: psycopg.Connection, limit: str, reason: str
) -> None:
    allowed, hosts, rounds = 7, 4, 3
    admin.execute(
        "update safari_policies set daily_limit = 100, daily_is_set = true, hourly_limit = 100"
    )
    admin.execute(f"update safari_policies set {limit} = {allowed}".encode())  # noqa: S608  # ours
    macs = [Mac(database.store, "shop", host=f"mac-{n}") for n in range(hosts)]
    for number in range(hosts * rounds):
        enqueue(database.store, f"person{number}")

    def begin(mac: Mac) -> int:
        verdicts = [mac.begin(*row)["verdict"] for row in mac.claim(rounds).items()]
        return verdicts.count("granted")

    begin_all: Callable[[Mac], int] = begin
    with ThreadPoolExecutor(hosts) as pool:
        granted = sum(pool.map(begin_all, macs))
    assert granted == allowed
    assert limits(database.store)["shop"]["reason"] == reason


def test_the_scheduled_sync_reads_the_inboxes_of_every_mac(store: Store) -> None:
    boots = [str(uuid4()), str(uuid4())]
    for number, boot in enumerate(boots):
        store.call(
            "safari_register",
            boot_id=boot,
            host_key=f"key-{number}",
            worker=f"Mac-{number}/1",
            services=["local"],
            accounts={"instagram": f"shop_{number}"},
        )
    once = store.call("safari_enqueue_syncs", key="slot")
    assert len(once) == 2
    assert not any(row["created"] for row in store.call("safari_enqueue_syncs", key="slot"))
    for boot in boots:
        answer = store.call(
            "safari_claim", boot_id=boot, wants={"local": 5}, held=0, lease_seconds=30
        )
        assert [row["action"] for row in answer["commands"]] == ["sync"]


def test_one_mac_without_a_name_is_synced_once(store: Store) -> None:
    Mac(store, None)
    (row,) = store.call("safari_enqueue_syncs", key="slot")
    assert command(store, row["id"])["account"] == ""
