"""A day of the schedule on a database whose clock is moved: every slot once, on whichever host."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from apscheduler.triggers.cron import CronTrigger
from psycopg.types.json import Jsonb

from actors.scheduler.fire_times import Job
from actors.scheduler.jobs import JOBS
from actors.scheduler.schedule import TICK_SECONDS, Schedule
from actp.settings import load_settings
from tests.support.moving_clock import MovingClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actors.scheduler.fire_times import RunContext
    from actp.settings import Settings
    from tests.actors.latch import LatchedStore
    from tests.support.databases import Database

pytestmark = pytest.mark.usefixtures("moving_clock")

HOSTS = ("one", "other")
DAY = timedelta(days=1)
# The shortest grace of a slot: a rarer look would miss some.
TICK = timedelta(minutes=5)
OF_THE_WORKER = {
    "safari_queue_processor": 96,
    "safari_health_check": 24,
    "safari_retry_failed": 12,
    "safari_rate_reset": 1,
    "safari_prune": 1,
    "safari_crm_sync": 6,
}


@pytest.fixture
def settings(database: Database) -> Settings:
    every_job = {"CRM_BRAIN_CMD": "/bin/true"}
    return load_settings({"ACTP_ENV_FILE": "", **database.environment, **every_job})


@pytest.fixture
def clock(database: Database) -> Iterator[MovingClock]:
    with database.connect() as admin:
        moving = MovingClock(admin)
        # A database has missed nothing that was due before its first worker.
        admin.execute(
            "insert into safari_workers (boot_id, host_key, worker, started_at)"
            " values (gen_random_uuid(), 'host', 'host/1', %s)",
            (moving.now() - timedelta(days=30),),
        )
        yield moving


class Hosts:
    """Two schedules over one database, with the real cron table and jobs that only count."""

    def __init__(self, database: Database, settings: Settings, clock: MovingClock) -> None:
        self.ran: list[tuple[str, datetime]] = []
        self._schedules = [
            Schedule(
                database.store,
                settings,
                [self._counting(job) for job in JOBS],
                host=host,
                clock=clock.steady_seconds,
            )
            for host in HOSTS
        ]

    def tick(self) -> None:
        """Both see what is due before either of them takes it."""
        due = [(schedule, *slot) for schedule in self._schedules for slot in schedule.due()]
        for schedule, job, slot in due:
            schedule.run(job, slot)

    def _counting(self, job: Job) -> Job:
        def run(context: RunContext) -> Mapping[str, Any]:
            self.ran.append((job.name, context.slot))
            return {}

        return replace(job, run=run)


def slots_of(job: Job, start: datetime) -> int:
    """How many moments of a day the cron expression of a job names."""
    trigger, count = CronTrigger.from_crontab(job.cron, timezone=UTC), 0
    moment = trigger.get_next_fire_time(None, start)
    while moment is not None and moment < start + DAY:
        count += 1
        moment = trigger.get_next_fire_time(moment, moment + timedelta(seconds=1))
    return count


def midnight_after(now: datetime) -> datetime:
    """Return a midnight that is more than a day ahead: the hours before it are to come too."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + 2 * DAY


def open_render(database: Database) -> None:
    brief = Jsonb({"text": "a video"})
    with database.connect() as connection:
        connection.execute("select agent_remotion_request('key', 'alpha', 'tiktok', %s)", (brief,))


def test_in_a_day_two_hosts_run_each_slot_of_the_cron_table_once(
    database: Database, settings: Settings, clock: MovingClock
) -> None:
    open_render(database)
    hosts = Hosts(database, settings, clock)
    start = midnight_after(clock.now())
    clock.advance_to(start - TICK)
    hosts.tick()  # makes up for what was missed before
    hosts.ran.clear()
    for number in range(DAY // TICK):
        clock.advance_to(start + number * TICK)
        hosts.tick()
    assert len(set(hosts.ran)) == len(hosts.ran), "a slot ran twice"
    counts = Counter(name for name, _ in hosts.ran)
    wanted = [job for job in JOBS if job.wanted(settings)]
    assert counts == Counter({job.name: slots_of(job, start) for job in wanted})
    assert OF_THE_WORKER.items() <= counts.items()
    with database.connect() as connection:
        stored = connection.execute(
            "select job, count(*), count(*) filter (where status = 'done'), min(started_at),"
            " max(finished_at) from safari_schedule_runs where slot >= %s group by job",
            (start,),
        ).fetchall()
    assert {job: runs for job, runs, *_ in stored} == counts
    assert all(runs == done for _, runs, done, *_ in stored)
    assert all(start <= first <= last < start + DAY for *_, first, last in stored)


def test_missed_runs_are_skipped_or_caught_up_after_sleep(
    database: Database, settings: Settings, clock: MovingClock
) -> None:
    hosts = Hosts(database, settings, clock)
    start = midnight_after(clock.now())
    clock.advance_to(start - timedelta(hours=2))
    hosts.tick()
    hosts.ran.clear()
    clock.advance_to(start + timedelta(hours=6, minutes=59))
    hosts.tick()
    hosts.tick()
    counts = Counter(name for name, _ in hosts.ran)
    made_up = {"safari_retry_failed": 1, "safari_rate_reset": 1, "safari_prune": 1}
    assert {name: counts[name] for name in OF_THE_WORKER if counts[name]} == made_up


def test_renders_are_polled_only_while_one_is_open(
    database: Database, settings: Settings, clock: MovingClock
) -> None:
    hosts = Hosts(database, settings, clock)

    def polls_of_an_hour() -> int:
        hosts.ran.clear()
        for _ in range(timedelta(hours=1) // TICK):
            clock.advance(TICK)
            hosts.tick()
        return sum(name == "remotion_job_poll" for name, _ in hosts.ran)

    assert polls_of_an_hour() == 0
    open_render(database)
    assert polls_of_an_hour() == timedelta(hours=1) // TICK
    with database.connect() as connection:
        connection.execute("update actp_gen_jobs set status = 'distributed'")
    assert polls_of_an_hour() == 0


def test_the_database_is_asked_when_something_is_due_and_every_few_minutes(
    settings: Settings, clock: MovingClock, latched: LatchedStore
) -> None:
    hourly = Job("hourly", "0 * * * *", lambda _: {}, missed="last")
    here = Schedule(latched, settings, (hourly,), host="here", clock=clock.steady_seconds)
    start = midnight_after(clock.now())
    clock.advance_to(start + timedelta(seconds=1))
    ((job, slot),) = here.due()
    here.run(job, slot)
    assert here.due() == []  # it asks whether the slot is taken
    asked = len(latched.calls("safari_schedule_taken"))
    ticks = int(timedelta(minutes=50).total_seconds() // TICK_SECONDS)
    for _ in range(ticks):
        clock.advance(timedelta(seconds=TICK_SECONDS))
        assert here.due() == []
    calls = latched.calls("safari_schedule_taken")[asked:]
    assert 8 <= len(calls) <= 10
    assert len({call.arguments["known"] for call in calls}) == 1
    clock.advance_to(start + timedelta(hours=1, seconds=1))
    assert [slot for _, slot in here.due()] == [start + timedelta(hours=1)]


def test_a_slot_that_another_host_took_is_found_taken(
    database: Database, settings: Settings, clock: MovingClock
) -> None:
    hourly = Job("hourly", "0 * * * *", lambda _: {}, missed="last")
    here, there = (
        Schedule(database.store, settings, (hourly,), host=host, clock=clock.steady_seconds)
        for host in HOSTS
    )
    start = midnight_after(clock.now())
    clock.advance_to(start + timedelta(seconds=1))
    ((job, slot),) = here.due()
    there.run(job, slot)
    assert here.due() == []


def test_a_new_database_has_missed_nothing(
    database: Database, settings: Settings, clock: MovingClock
) -> None:
    with database.connect() as admin:
        admin.execute("update safari_workers set started_at = %s", (clock.now(),))
    hosts = Hosts(database, settings, clock)
    start = midnight_after(clock.now())
    hosts.tick()
    assert [slot for _, slot in hosts.ran if slot < clock.now() - TICK] == []
    clock.advance_to(start + timedelta(hours=8))
    hosts.tick()
    assert ("safari_rate_reset", start) in hosts.ran


@pytest.mark.parametrize("taken", ["infinity", "-infinity", "20000-01-01", "one year ahead"])
def test_a_slot_taken_under_another_clock_stops_no_job(
    database: Database, settings: Settings, clock: MovingClock, taken: str
) -> None:
    hourly = Job("hourly", "0 * * * *", lambda _: {}, missed="last")
    here = Schedule(database.store, settings, (hourly,), host="here", clock=clock.steady_seconds)
    start = midnight_after(clock.now())
    moment = (start + timedelta(days=365)).isoformat() if "ahead" in taken else taken
    with database.connect() as admin:
        admin.execute(
            "insert into safari_schedule_runs (job, slot, run, host, status)"
            " values ('hourly', %s, gen_random_uuid(), 'there', 'done')",
            (moment,),
        )
    clock.advance_to(start + timedelta(seconds=1))
    ((job, slot),) = here.due()
    assert slot == start
    here.run(job, slot)
    assert here.due() == []
