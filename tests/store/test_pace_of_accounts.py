"""Ramp, weekdays, hours and limits of one account leave the others as they are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from tests.support.moving_clock import MovingClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from actp.store.protocol import Store
    from tests.support.databases import Database

pytestmark = pytest.mark.usefixtures("moving_clock")

BERLIN = ZoneInfo("Europe/Berlin")
ACCOUNTS = ("shop", "shop_en")


class Macs:
    """Two Macs that send messages on Instagram, each by its own account, under a moved clock."""

    def __init__(self, store: Store, admin: psycopg.Connection) -> None:
        self._store = store
        self._admin = admin
        self.clock = MovingClock(admin)
        self._boots = {account: str(uuid4()) for account in ACCOUNTS}
        self.register()
        self.configure(min_gap_seconds=0, active_from=0, active_to=24, hourly_limit=1000)

    def register(self) -> None:
        """Let both be seen now."""
        for account, boot in self._boots.items():
            self._store.call(
                "safari_register",
                boot_id=boot,
                host_key=account,
                worker=f"{account}/1",
                services=["instagram-dm"],
                accounts={"instagram": account},
            )

    def configure(self, **policy: Any) -> None:
        """Change what holds for messages on Instagram, of one account where it is named."""
        policies: list[Any] = [{"platform": "instagram", "kind": "dm", **policy}]
        self._store.call("safari_configure", policies=policies, settings={})

    def gate(self, account: str) -> tuple[str | None, datetime | None]:
        ((reason, until),) = self._admin.execute(
            "select reason, until from safari_service_gate('instagram-dm', null, %s)", (account,)
        ).fetchall()
        return reason, until

    def send(self, account: str) -> bool:
        """Send one message by an account; return whether it was begun."""
        boot = self._boots[account]
        params = {"username": f"p{uuid4().hex[:8]}", "text": f"Hi {uuid4()}"}
        command: Any = {
            "action": "send_dm",
            "platform": "instagram",
            "params": params,
            "account": account,
        }
        id_ = self._store.call("safari_enqueue", commands=[command])[0]["id"]
        claimed = self._store.call(
            "safari_claim", boot_id=boot, wants={"instagram-dm": 1}, held=0, lease_seconds=30
        )["commands"]
        if not claimed:
            self._store.call("safari_cancel", id=id_)
            return False
        (row,) = claimed
        key = {"id": row["id"], "lease": row["lease"]}
        begin: Any = {**key, "text_hash": row["id"]}
        answer = self._store.call("safari_ledger", boot_id=boot, begins=[begin], finishes=[])
        begun = answer["begins"][0]
        if begun["verdict"] != "granted":
            self._store.call("safari_cancel", id=id_)
            return False
        finish: Any = {
            **key,
            "attempt": begun["attempt"],
            "verdict": "sent",
            "quota_back": False,
            "result": {"outcome": "sent"},
        }
        self._store.call("safari_ledger", boot_id=boot, begins=[], finishes=[finish])
        return True

    def sent_in_a_day(self, account: str) -> int:
        """Send for 24 hours whenever that is allowed; return how many were sent."""
        ends = self.clock.now() + timedelta(hours=24)
        sent = 0
        while self.clock.now() < ends:
            self.register()
            reason, until = self.gate(account)
            if reason is None and self.send(account):
                sent += 1
                self.clock.advance(timedelta(minutes=1))
                continue
            later = max(until or ends, self.clock.now()) + timedelta(seconds=1)
            self.clock.advance_to(min(ends, later))
        return sent


@pytest.fixture
def macs(database: Database) -> Iterator[Macs]:
    with database.connect() as admin:
        yield Macs(database.store, admin)


def next_monday(macs: Macs, hour: int) -> datetime:
    here = macs.clock.now().astimezone(BERLIN)
    day = here + timedelta(days=7 - here.weekday())
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


def test_a_young_account_ramps_up_while_the_other_has_its_whole_limit(macs: Macs) -> None:
    macs.configure(daily_limit=20, daily_is_set=True)
    macs.configure(account="shop", ramp_days=4)
    midnight = macs.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    macs.clock.advance_to(midnight + timedelta(days=1))
    macs.configure(account="shop", ramp_days=4)  # day 1 begins here
    assert [macs.sent_in_a_day("shop") for _ in range(5)] == [5, 10, 15, 20, 20]
    assert macs.sent_in_a_day("shop_en") == 20


def test_the_ramp_of_an_account_without_a_limit_follows_the_platform(
    macs: Macs,
) -> None:
    macs.configure(account="shop", ramp_days=2)
    macs.configure(daily_limit=4, daily_is_set=True)
    assert [macs.send("shop") for _ in range(3)] == [True, True, False]
    assert macs.gate("shop")[0] == "quota"
    assert macs.gate("shop_en")[0] is None


@pytest.mark.parametrize("ramp_days", [1, 14, 365])
def test_the_first_day_of_a_ramp_allows_at_least_one(macs: Macs, ramp_days: int) -> None:
    macs.configure(account="shop", daily_limit=3, ramp_days=ramp_days)
    assert macs.send("shop")
    assert macs.send("shop") == (ramp_days == 1)


def test_weekdays_and_hours_of_one_account_do_not_bind_the_other(macs: Macs) -> None:
    macs.configure(time_zone="Europe/Berlin")
    macs.configure(account="shop", weekdays=[1, 2, 3, 4, 5], active_from=9, active_to=17)
    monday = next_monday(macs, 8)
    opens = monday.replace(hour=9)
    for at, expected in (
        (monday, ("hours", opens)),
        (opens, (None, None)),
        (monday.replace(hour=17), ("hours", opens + timedelta(days=1))),
        (opens + timedelta(days=4), (None, None)),
        (opens + timedelta(days=5), ("hours", opens + timedelta(days=7))),
    ):
        macs.clock.advance_to(at)
        assert macs.gate("shop") == expected
        assert macs.gate("shop_en") == (None, None)


@pytest.mark.parametrize("name", ["daily_limit", "hourly_limit", "rolling_limit", "weekly_limit"])
def test_a_limit_of_zero_sends_nothing_by_that_account(macs: Macs, name: str) -> None:
    macs.configure(account="shop", **{name: 0})
    for _ in range(3):
        reason, until = macs.gate("shop")
        assert reason is not None
        assert until is not None
        assert until > macs.clock.now()
        assert not macs.send("shop")
        macs.clock.advance(timedelta(days=3))
        macs.register()
    assert macs.send("shop_en")


def test_an_account_that_goes_back_to_the_settings_follows_the_shared_pace(macs: Macs) -> None:
    macs.configure(daily_limit=5, daily_is_set=True)
    macs.configure(
        account="shop", by_person=True, daily_limit=1, ramp_days=30, weekly_limit=1, spread=True
    )
    assert [macs.send("shop") for _ in range(2)] == [True, False]
    macs.configure(account="shop", by_person=False)
    assert [macs.send("shop") for _ in range(5)] == [True, True, True, True, False]
