"""Active hours and waits across the change to summer time and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from psycopg.types.json import Jsonb

from tests.support.moving_clock import MovingClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from tests.support.databases import Database

# Those from the fourth on begin or end in an hour that is missing or comes twice.
WINDOWS = ((9, 21), (22, 6), (3, 9), (1, 2), (2, 3), (0, 2), (23, 2), (0, 0))
PLAIN_WINDOWS = WINDOWS[:3]
JUDGED = """
select safari_within_hours(p), safari_hours_begin(p), safari_hours_end(p)
  from unnest(%s::jsonb[]) with ordinality w (hours, place)
 cross join jsonb_populate_record(null::safari_policies, w.hours) p order by w.place
"""
HOUR = timedelta(hours=1)
AROUND = 14 * HOUR


def changes(zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield the next two changes of a zone's offset."""
    hour, found = after.replace(minute=0, second=0, microsecond=0), 0
    while found < 2:
        if hour.astimezone(zone).utcoffset() != (hour + HOUR).astimezone(zone).utcoffset():
            found += 1
            yield hour + HOUR
        hour += HOUR


def is_open(window: tuple[int, int], moment: datetime, zone: ZoneInfo) -> bool:
    first, last = window
    hour = moment.astimezone(zone).hour
    if first == last:
        return True
    return first <= hour < last if first < last else hour >= first or hour < last


def turn(window: tuple[int, int], after: datetime, zone: ZoneInfo) -> datetime:
    """Return the next full hour at which a window opens, or closes."""
    moment = after.replace(minute=0, second=0, microsecond=0)
    state = is_open(window, moment, zone)
    while is_open(window, moment, zone) == state:
        moment += HOUR
    return moment


@pytest.mark.usefixtures("moving_clock")
@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York"])
def test_active_hours_go_by_the_wall_clock_when_it_changes(database: Database, name: str) -> None:
    with database.connect() as admin:
        assert misjudged(admin, name) == []


def misjudged(admin: psycopg.Connection, name: str) -> list[tuple[object, ...]]:
    zone, clock = ZoneInfo(name), MovingClock(admin)
    policies = [
        Jsonb({"active_from": first, "active_to": last, "time_zone": name})
        for first, last in WINDOWS
    ]
    found: list[tuple[object, ...]] = []
    for change in changes(zone, clock.now().astimezone(UTC) + 2 * AROUND):
        clock.advance_to(change - AROUND + timedelta(minutes=30))
        while (moment := clock.now().astimezone(UTC)) < change + AROUND:
            judged = admin.execute(JUDGED, (policies,)).fetchall()
            for window, (within, begins, ends) in zip(WINDOWS, judged, strict=True):
                here = is_open(window, moment, zone)
                if within != here:
                    found.append((window, moment, within))
                elif window in PLAIN_WINDOWS and turn(window, moment, zone) != (
                    ends if within else begins
                ):
                    found.append((window, moment, begins, ends))
            clock.advance(HOUR)
    return found


def test_cooldowns_have_their_hours_when_the_clocks_change(database: Database) -> None:
    hours = """
    select (extract(epoch from m.noon - (m.noon - w.wait)) / 3600)::integer
      from (values (timestamptz '2026-03-29 12:00+02')) m (noon),
           unnest(array[safari_automatic_gap(), agent_outreach_cooldown('decision'),
                        agent_outreach_cooldown('consideration'),
                        agent_outreach_cooldown('awareness')]) w (wait)
    """
    with database.connect() as admin:
        admin.execute("set time zone 'Europe/Berlin'")
        assert [wait for (wait,) in admin.execute(hours)] == [48, 48, 168, 336]
