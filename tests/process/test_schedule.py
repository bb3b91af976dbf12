"""The schedule on a real database: a slot runs once, whatever fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier, Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from actors.scheduler.fire_times import Job, RunContext
from actors.scheduler.schedule import Pulse, Schedule, start
from actp.store.postgres import PostgresStore
from tests.actors.rows import eventually
from tests.actors.settings_for_tests import environment_for, settings_for
from tests.process.workers import ROOT, START_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from actp.settings import Settings
    from simulator.process import SimulatorProcess
    from tests.support.databases import Database

SLOT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def earlier_worker(database: Database) -> None:
    """A database has missed nothing that was due before its first worker."""
    with database.connect() as connection:
        connection.execute(
            "insert into safari_workers (boot_id, host_key, worker, started_at)"
            " values (gen_random_uuid(), 'host', 'host/1', '2020-01-01')"
        )


@pytest.fixture
def settings(database: Database, simulator: SimulatorProcess, tmp_path: Path) -> Settings:
    return settings_for(database, simulator, tmp_path)


def job(run: Callable[[RunContext], Mapping[str, Any]], name: str = "job", **more: Any) -> Job:
    return Job(name, "* * * * *", run, **more)


def runs(database: Database) -> dict[str, dict[str, Any]]:
    schedule = database.store.call("safari_schedule")
    return {run["job"]: run for run in schedule["jobs"]}


def test_of_many_hosts_one_runs_a_slot(database: Database, settings: Settings) -> None:
    ran: list[str] = []
    together = Barrier(6)

    def host(name: str) -> None:
        def run(_: RunContext) -> Mapping[str, Any]:
            ran.append(name)
            return {"by": name}

        with closing(PostgresStore(database.dsn)) as store:
            schedule = Schedule(store, settings, (), host=name)
            together.wait()
            schedule.run(job(run), SLOT)

    threads = [Thread(target=host, args=(f"host{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(START_SECONDS)
    assert len(ran) == 1
    assert runs(database)["job"]["detail"] == {"by": ran[0]}
    assert runs(database)["job"]["status"] == "done"


def test_what_is_due_is_due_until_somebody_takes_it(database: Database, settings: Settings) -> None:
    it = job(lambda _: {}, missed="last")
    here = Schedule(database.store, settings, (it,), host="here")
    there = Schedule(database.store, settings, (it,), host="there")
    ((_, slot),) = here.due()
    assert datetime.now(UTC) - slot < timedelta(minutes=2)
    there.run(it, slot)
    assert [again for _, again in here.due() if again == slot] == []


def test_a_job_that_fails_is_recorded_and_told_once_a_day(
    database: Database, settings: Settings
) -> None:
    def fail(_: RunContext) -> Mapping[str, Any]:
        raise RuntimeError("no luck")

    schedule = Schedule(database.store, settings, (), host="here")
    for minutes in range(3):
        schedule.run(job(fail), SLOT + timedelta(minutes=minutes))
    run = runs(database)["job"]
    assert (run["status"], run["last_done_at"]) == ("failed", None)
    assert "no luck" in run["detail"]["error"]
    with database.connect() as connection:
        told = connection.execute("select kind, detail ->> 'job' from safari_alerts").fetchall()
    assert told == [("schedule_failed", "job")]


def test_a_slot_whose_run_died_is_not_run_again(database: Database, settings: Settings) -> None:
    begin = {"job": "job", "slot": SLOT.isoformat(), "run": "0" * 32, "host": "dead"}
    assert database.store.call("safari_schedule_begin", **begin) is True
    assert database.store.call("safari_schedule_begin", **begin) is True  # the same call, repeated
    ran: list[datetime] = []

    def run(context: RunContext) -> Mapping[str, Any]:
        ran.append(context.slot)
        return {}

    schedule = Schedule(database.store, settings, (), host="here")
    schedule.run(job(run), SLOT)
    assert ran == []
    with database.connect() as connection:
        connection.execute("update safari_schedule_runs set started_at = now() - interval '2 h'")
    assert runs(database)["job"]["status"] == "lost"
    schedule.run(job(run), SLOT + timedelta(minutes=1))
    assert ran == [SLOT + timedelta(minutes=1)]


def test_long_jobs_wait_for_one_another_and_keep_nobody_waiting(
    database: Database, settings: Settings
) -> None:
    began: list[str] = []
    gate = Event()

    def wait(name: str, _: RunContext) -> Mapping[str, Any]:
        began.append(name)
        gate.wait(START_SECONDS)
        return {}

    long = [job(partial(wait, f"long{n}"), f"long{n}", missed="last", is_long=True) for n in "abc"]
    jobs = [*long, job(lambda _: {}, "short", missed="last")]
    schedule = Schedule(database.store, settings, jobs, host="here")
    scheduler = start(schedule, Pulse(stale_seconds=240))
    try:
        eventually(
            lambda: len(began) == 2 and runs(database).get("short", {}).get("status") == "done",
            "the short job is done beside two long ones",
            START_SECONDS,
        )
        gate.set()
        eventually(lambda: len(set(began)) == 3, "the third has its turn", START_SECONDS)
    finally:
        gate.set()
        scheduler.shutdown()


def test_the_process_runs_what_was_missed_and_ends_in_order(
    database: Database, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    environment = environment_for(database, simulator, tmp_path, CRM_BRAIN_CMD="/bin/true")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "actors.scheduler"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **environment},
            stdout=log,
            stderr=log,
        )
    try:
        expected = {"safari_retry_failed", "safari_rate_reset", "safari_prune"}

        def done() -> bool:
            return all(runs(database).get(name, {}).get("status") == "done" for name in expected)

        eventually(done, "missed slots are caught up", START_SECONDS)
        process.send_signal(signal.SIGTERM)
        assert process.wait(START_SECONDS) == 0
    finally:
        process.kill()
        process.wait(START_SECONDS)


def test_a_sync_is_put_into_the_queue_once_a_slot(
    database: Database, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    from actors.scheduler.jobs import JOBS

    settings = settings_for(database, simulator, tmp_path)
    sync = next(it for it in JOBS if it.name == "safari_crm_sync")
    assert sync.wanted(settings), "the project has its own brain"
    for slot in (SLOT, SLOT, SLOT + timedelta(hours=4)):
        sync.run(RunContext(database.store, settings, slot))
    with database.connect() as connection:
        rows = connection.execute("select action from safari_command_queue").fetchall()
    assert rows == [("sync",), ("sync",)]


def test_every_job_of_the_worker_runs(database: Database, settings: Settings) -> None:
    from actors.scheduler.jobs import JOBS

    schedule = Schedule(database.store, settings, (), host="here")
    of_the_worker = [it for it in JOBS if not it.is_long]
    for it in of_the_worker:
        schedule.run(it, SLOT)
    assert {name: run["status"] for name, run in runs(database).items()} == {
        it.name: "done" for it in of_the_worker
    }
    assert runs(database)["safari_health_check"]["detail"] == {"healthy": 9, "unwell": []}


def test_pruning_reaches_the_queue_the_schedule_and_campaigns(
    database: Database, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    from actors.scheduler.jobs import JOBS

    prune = next(it for it in JOBS if it.name == "safari_prune")
    with database.connect() as connection:
        connection.execute(
            "insert into safari_schedule_runs (job, slot, run, host)"
            " values ('job', now() - interval '91 days', gen_random_uuid(), 'here')"
        )
        connection.execute(
            "insert into safari_campaign_runs (campaign_id, status, completed_at, result)"
            " values ('old', 'completed', now() - interval '91 days', '{\"targets\": 1}')"
        )
    removed = prune.run(
        RunContext(database.store, settings_for(database, simulator, tmp_path), SLOT)
    )
    assert {name: count for name, count in removed.items() if count} == {
        "schedule_runs": 1,
        "campaigns": 1,
    }
    assert {"commands", "events"} <= set(removed)
