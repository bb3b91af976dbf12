"""A day has a shape: gaps from the end of an action, limits in any window, hours and weekdays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, LiteralString
from zoneinfo import ZoneInfo

import pytest

from tests.store.life import SERVICE, Life
from tests.support.moving_clock import MovingClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from tests.support.databases import Database

pytestmark = pytest.mark.usefixtures("moving_clock")

ACTION_SECONDS = 6
PACIFIC = ZoneInfo("America/Los_Angeles")


class Days:
    """One service for messages under a clock that a test moves."""

    def __init__(self, database: Database, admin: psycopg.Connection) -> None:
        self._admin = admin
        self._store = database.store
        self.clock = MovingClock(admin)
        self._life = Life(database.store)

    def configure(self, **policy: Any) -> None:
        """Change the policy of messages on Twitter."""
        policies: list[Any] = [{"platform": "twitter", "kind": "dm", **policy}]
        self._store.call("safari_configure", policies=policies, settings={})

    def gate(self) -> tuple[str | None, datetime | None]:
        """Return what keeps the service from acting now, and until when."""
        ((reason, until),) = self._admin.execute(
            "select reason, until from safari_service_gate(%s)", (SERVICE,)
        ).fetchall()
        return reason, until

    def send(self) -> datetime:
        """Send one message that takes some seconds; return when it ended."""
        command = self._life.enqueue(username=f"person{self.clock.now().timestamp():.0f}")
        self._life.claim()
        assert self._life.begin(command)["verdict"] == "granted"
        self.clock.advance(timedelta(seconds=ACTION_SECONDS))
        self._life.finish(command, "sent")
        return self.clock.now()

    def execute(self, statement: LiteralString) -> psycopg.Cursor[Any]:
        """Do what another program does."""
        return self._admin.execute(statement)

    def refused(self) -> dict[str, Any]:
        """Return the answer to a begin that should not be granted."""
        command = self._life.enqueue(username="refused")
        self._life.claim()
        return self._life.begin(command)

    def at(self, local: datetime) -> None:
        """Go to a moment that is still to come."""
        self.clock.advance_to(local)

    def send_when_allowed(self, until: datetime) -> Iterator[datetime]:
        """Send whenever the gate allows it, up to a moment."""
        while self.clock.now() < until:
            reason, opens = self.gate()
            if reason is None:
                yield self.send()
            else:
                assert opens is not None
                self.at(max(min(opens, until), self.clock.now()) + timedelta(milliseconds=50))


@pytest.fixture
def days(database: Database) -> Iterator[Days]:
    with database.connect() as admin:
        yield Days(database, admin)


def next_monday(now: datetime, zone: ZoneInfo, hour: int) -> datetime:
    here = now.astimezone(zone)
    day = here + timedelta(days=7 - here.weekday())
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


def test_the_gap_counts_from_the_end_of_an_action(days: Days) -> None:
    days.configure(min_gap_seconds=30)
    for _ in range(3):
        ended = days.send()
        reason, until = days.gate()
        assert (reason, until is not None) == ("pace", True)
        assert until is not None
        assert timedelta(seconds=29.9) <= until - ended <= timedelta(seconds=60)
        days.at(until + timedelta(seconds=1))
        assert days.gate() == (None, None)


def test_a_day_that_is_spread_has_no_two_close_together(days: Days) -> None:
    days.configure(
        daily_limit=20,
        min_gap_seconds=30,
        active_from=9,
        active_to=21,
        time_zone="Europe/Berlin",
        hourly_limit=20,
        spread=True,
    )
    berlin = ZoneInfo("Europe/Berlin")
    start = next_monday(days.clock.now(), berlin, 9)
    for day in range(3):
        opens = start + timedelta(days=day)
        if day == 0:
            days.at(opens)
        ends = opens.replace(hour=21)
        sent = list(days.send_when_allowed(ends + timedelta(hours=11, minutes=59)))
        gaps = [later - earlier for earlier, later in pairwise(sent)]
        mean = timedelta(hours=12) / 20
        assert len(sent) >= 18
        assert min(gaps) >= mean / 2
        assert sent[-1] < ends
        days.at(max(start + timedelta(days=day + 1), days.clock.now()))


def test_midnight_utc_in_the_afternoon_brings_no_burst(days: Days) -> None:
    days.configure(
        daily_limit=20,
        hourly_limit=100,
        active_from=9,
        active_to=21,
        time_zone="America/Los_Angeles",
    )
    start = next_monday(days.clock.now(), PACIFIC, 13)
    days.at(start)
    before = list(days.send_when_allowed(start + timedelta(hours=1)))
    assert len(before) == 20
    # Past midnight UTC, in summer too, with the count begun anew.
    days.at(start.replace(hour=17, minute=30))
    reason, until = days.gate()
    assert reason == "rolling_limit"
    assert until is not None
    assert until - start < timedelta(hours=24, minutes=1)
    days.at(until + timedelta(seconds=1))
    assert days.gate()[0] is None


def test_hourly_limit_of_a_service_holds_until_changed(days: Days) -> None:
    sent = [days.send() for _ in range(15)]
    reason, until = days.gate()
    assert reason == "hourly_limit"
    assert until is not None
    assert until - sent[0] <= timedelta(hours=1)
    days.configure(hourly_limit=16)
    days.send()
    assert days.gate()[0] == "hourly_limit"


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(days=3)])
@pytest.mark.parametrize("spread", [False, True])
def test_a_clock_that_was_ahead_stops_no_service(
    days: Days, ahead: timedelta, *, spread: bool
) -> None:
    days.configure(hourly_limit=3, rolling_limit=3, weekly_limit=3, min_gap_seconds=30)
    days.configure(active_from=0, active_to=24, spread=spread)
    days.at(next_monday(days.clock.now(), ZoneInfo("UTC"), 12))
    days.clock.advance(ahead)
    for _ in range(2):
        days.send()
        days.clock.advance(timedelta(hours=1))
    days.send()
    assert days.gate()[0] is not None
    days.clock.advance(-ahead - timedelta(hours=2, minutes=1))
    assert days.gate() == (None, None)
    days.send()
    reason, until = days.gate()
    assert reason == "pace"
    assert until is not None
    assert until - days.clock.now() < timedelta(hours=12)


def test_a_week_has_a_limit_in_any_seven_days(days: Days) -> None:
    days.configure(weekly_limit=3)
    first = days.send()
    for _ in range(2):
        days.clock.advance(timedelta(days=2))
        days.send()
    reason, until = days.gate()
    assert reason == "weekly_limit"
    assert until is not None
    assert abs(until - first - timedelta(days=7)) < timedelta(minutes=1)


def test_a_week_has_its_hours_when_the_clocks_change(days: Days) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    noon = days.clock.now().replace(hour=12) + timedelta(days=2)
    while noon.astimezone(berlin).hour >= (noon + timedelta(days=1)).astimezone(berlin).hour:
        noon += timedelta(days=1)
    days.configure(weekly_limit=1, active_from=0, active_to=24)
    days.at(noon - timedelta(days=1))
    sent = days.send()
    days.execute("set time zone 'Europe/Berlin'")
    reason, until = days.gate()
    assert reason == "weekly_limit"
    assert until is not None
    assert abs(until - sent - timedelta(hours=168)) < timedelta(minutes=1)


def test_days_of_the_week_are_kept(days: Days) -> None:
    zone = ZoneInfo("Europe/Berlin")
    days.configure(active_from=9, active_to=21, time_zone="Europe/Berlin", weekdays=[1, 2, 3, 4, 5])
    monday = next_monday(days.clock.now(), zone, 10)
    days.at(monday + timedelta(days=5))
    reason, until = days.gate()
    assert reason == "hours"
    assert until == (monday + timedelta(days=7)).replace(hour=9)
    days.at(monday + timedelta(days=7))
    assert days.gate()[0] is None


def test_hours_over_midnight_belong_to_the_day_on_which_they_begin(days: Days) -> None:
    zone = ZoneInfo("Europe/Berlin")
    days.configure(active_from=22, active_to=6, time_zone="Europe/Berlin", weekdays=[5])
    saturday = next_monday(days.clock.now(), zone, 3) + timedelta(days=5)
    days.at(saturday)
    assert days.gate()[0] is None
    days.at(saturday.replace(hour=23))
    assert days.gate()[0] == "hours"


@pytest.mark.parametrize(
    ("zone", "night"),
    [
        ("Europe/Berlin", "2035-03-25"),  # 02:00 to 03:00 does not exist
        ("Europe/Berlin", "2035-10-28"),  # 02:00 to 03:00 comes twice
        ("America/Los_Angeles", "2035-03-11"),
        ("America/Los_Angeles", "2035-11-04"),
        ("Australia/Lord_Howe", "2035-04-01"),  # by half an hour
    ],
)
def test_hours_hold_when_the_clocks_change(days: Days, zone: str, night: str) -> None:
    here = ZoneInfo(zone)
    at = datetime.fromisoformat(night).replace(tzinfo=here).astimezone(UTC) - timedelta(hours=6)
    for _ in range(30):
        days.at(at)
        local = at.astimezone(here)
        for first, last in ((22, 6), (1, 2), (2, 3), (3, 9)):
            days.configure(active_from=first, active_to=last, time_zone=zone)
            is_within = (
                first <= local.hour < last
                if first < last
                else local.hour >= first or local.hour < last
            )
            reason, opens = days.gate()
            assert (reason is None) == is_within, local
            if opens is not None:
                wanted = opens.astimezone(here)
                # An hour later where that hour does not exist.
                assert wanted.hour in {first, first + 1}, wanted
                assert timedelta() < opens - at <= timedelta(hours=25)
        at += timedelta(minutes=45)


# With a night in which the clocks go forward, one in which they go back, and one like others.
@pytest.mark.parametrize("opens", ["2035-03-24T22:00", "2035-10-27T22:00", "2035-05-01T22:00"])
def test_a_night_is_spread_over_all_of_its_hours(days: Days, opens: str) -> None:
    _check_spread(days, opens, ZoneInfo("Europe/Berlin"), hours=(22, 6))


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo", "Pacific/Kiritimati"])
def test_a_day_is_spread_also_where_midnight_utc_comes_within_it(days: Days, zone: str) -> None:
    _check_spread(days, "2035-05-03T09:00", ZoneInfo(zone), hours=(9, 21))


def _check_spread(days: Days, opens: str, zone: ZoneInfo, *, hours: tuple[int, int]) -> None:
    first, last = hours
    days.configure(
        daily_limit=20,
        min_gap_seconds=30,
        hourly_limit=20,
        active_from=first,
        active_to=last,
        time_zone=zone.key,
        spread=True,
    )
    local = datetime.fromisoformat(opens)
    for _ in range(2):
        begins = local.replace(tzinfo=zone).astimezone(UTC)
        end = local + timedelta(hours=(last - first) % 24)
        ends = end.replace(tzinfo=zone).astimezone(UTC)
        days.at(begins)
        sent = list(days.send_when_allowed(ends))
        gaps = [later - earlier for earlier, later in pairwise(sent)]
        assert len(sent) >= 18
        assert min(gaps) >= (ends - begins) / 20 / 2
        assert sent[-1] < ends
        local += timedelta(days=1)


def test_a_young_account_begins_with_a_share_of_its_limit(days: Days) -> None:
    days.configure(daily_limit=20, hourly_limit=100, ramp_days=10)
    for allowed in (2, 4):
        for _ in range(allowed):
            days.send()
            days.clock.advance(timedelta(minutes=5))
        assert days.gate()[0] in {"quota", "rolling_limit"}
        days.clock.advance(timedelta(days=1))


def test_a_limit_nobody_set_is_no_wider_than_the_services_own(database: Database) -> None:
    rows = {(row["platform"], row["kind"]): row for row in database.store.call("safari_limits")}
    assert rows["instagram", "comment"]["daily_limit"] == 50
    assert rows["instagram", "comment"]["in_force"]["daily"] == 15
    assert rows["instagram", "comment"]["in_force"]["hourly"] == 5
    wide: list[Any] = [{"platform": "instagram", "kind": "comment", "daily_limit": 40}]
    database.store.call("safari_configure", policies=wide, settings={})
    rows = {(row["platform"], row["kind"]): row for row in database.store.call("safari_limits")}
    assert rows["instagram", "comment"]["in_force"]["daily"] == 40


RESETS: dict[str, LiteralString] = {
    "set to nothing": "update safari_rate_limits set used = 0",
    "set to less": "update safari_rate_limits set used = used - 2",
    "counted down": "do $$ begin for n in 1..4 loop"
    " update safari_rate_limits set used = used - 1; end loop; end $$",
    "deleted": "delete from safari_rate_limits",
    "emptied": "truncate safari_rate_limits",
}


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("daily_limit", "quota"),
        ("hourly_limit", "hourly_limit"),
        ("rolling_limit", "rolling_limit"),
    ],
)
def test_a_limit_holds_when_another_program_resets_the_counters(
    days: Days, reset: str, limit: str, reason: str
) -> None:
    days.configure(**{"daily_limit": 20, limit: 4})
    for _ in range(4):
        days.send()
    days.execute(RESETS[reset])
    assert days.refused()["verdict"] != "granted"
    assert days.gate()[0] == reason
    assert days.execute("select sum(used) from safari_rate_limits").fetchone() == (4,)
