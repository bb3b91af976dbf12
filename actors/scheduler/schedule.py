"""Runs the cron table, each slot once over all hosts.

APScheduler gives the beat, the threads and the meaning of cron expressions. What is due is decided
anew at each tick by the clock of the database, which is asked when a slot seems due and every few
minutes besides, and counted on in between by a clock that counts sleep. So a start, a wake from
sleep, a clock that was put right and a database that comes back need no special case.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from actors.scheduler.fire_times import RunContext, due_slot
from actp.clock import steady_seconds
from actp.errors import ActpError, StoreUnavailable
from actp.store import open_store
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from actors.scheduler.fire_times import Job
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["SCHEDULER", "Pulse", "Schedule", "scheduling", "start"]

SCHEDULER: Final = "scheduler"
TICK_SECONDS: Final = 10.0
# How long the database's clock, and what other hosts have taken, is taken for granted.
REFRESH_SECONDS: Final = 300.0
THREADS: Final = 8
BEAT: Final = "beat"
BEATS_UNTIL_STALE: Final = 4
# The agents' tasks wait for one another rather than load the machine together.
LONG: Final = "long"
LONG_THREADS: Final = 2
# What happened to a slot is told again for some minutes to a database that is away.
END_ATTEMPTS: Final = 20
SKEW_SHOWN_SECONDS: Final = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    """The newest slot of each job, what is open, and both clocks at one moment."""

    version: str
    taken: Mapping[str, datetime]
    open: Mapping[str, bool]
    at: datetime
    clock: float


class Schedule:
    """Knows which slots are taken, and takes those that are due."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        jobs: Sequence[Job],
        *,
        host: str,
        clock: Callable[[], float] = steady_seconds,
    ) -> None:
        self._store = store
        self._clock = clock
        self._known: _Known | None = None
        self._settings = settings
        self._jobs = tuple(job for job in jobs if job.wanted(settings))
        self._host = host
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def due(self) -> list[tuple[Job, datetime]]:
        """Return the jobs to run now with their slots, by the clock of the database."""
        known, clock = self._known, self._clock()
        if (
            known is not None
            and clock - known.clock < REFRESH_SECONDS
            and not self._due(known.at + timedelta(seconds=clock - known.clock), known)
        ):
            return []
        known = self._known = self._ask(known)
        return self._due(known.at, known)

    def _due(self, now: datetime, known: _Known) -> list[tuple[Job, datetime]]:
        with self._lock:
            return [
                (job, slot)
                for job in self._jobs
                if job.name not in self._running
                and (job.needs is None or known.open.get(job.needs, True))
                and (slot := due_slot(job, now, known.taken.get(job.name))) is not None
            ]

    def _ask(self, known: _Known | None) -> _Known:
        clock = self._clock()
        answer = self._store.call(
            "safari_schedule_taken", known=None if known is None else known.version
        )
        at = datetime.fromisoformat(answer["at"]).astimezone(UTC)
        skew = at - datetime.now(UTC)
        if abs(skew) > timedelta(seconds=SKEW_SHOWN_SECONDS):
            _log.debug("the database's clock is %s ahead", skew, extra={"action": "clock_skew"})
        if "slots" not in answer and known is not None:
            return replace(known, open=answer["open"], at=at, clock=clock)
        taken = {
            job: datetime.fromisoformat(slot).astimezone(UTC)
            for job, slot in answer["slots"].items()
        }
        return _Known(answer["version"], taken, answer["open"], at, clock)

    def run(self, job: Job, slot: datetime) -> None:
        """Take a slot and run it, unless another host or thread has it."""
        with self._lock:
            if job.name in self._running:
                return
            self._running.add(job.name)
        try:
            self._run(job, slot)
        except ActpError as error:
            _log.warning("%s: %s", job.name, error, extra={"action": "slot_failed"})
        finally:
            with self._lock:
                self._running.discard(job.name)

    def _run(self, job: Job, slot: datetime) -> None:
        run: dict[str, str] = {"job": job.name, "slot": slot.isoformat(), "run": str(uuid4())}
        if not self._store.call("safari_schedule_begin", **run, host=self._host):
            return
        fields = {"job": job.name, "slot": slot.isoformat()}
        detail: dict[str, Any]
        try:
            context = RunContext(self._store, self._settings, slot, self._closed.is_set)
            detail, ok = dict(job.run(context)), True
        except Exception as error:  # noqa: BLE001 - a job of any kind must not end the schedule
            _log.error("the job failed", exc_info=True, extra={"action": "job_failed", **fields})
            detail, ok = {"error": f"{type(error).__name__}: {error}"[:500]}, False
        else:
            _log.info("%s", detail, extra={"action": "job_done", **fields})
        self._end(run, ok=ok, detail=detail)

    def _end(self, run: Mapping[str, str], *, ok: bool, detail: Mapping[str, Any]) -> None:
        backoff, random = Backoff(), SystemRandom()
        for failures in range(END_ATTEMPTS):
            try:
                self._store.call("safari_schedule_end", **run, ok=ok, detail=detail)
            except StoreUnavailable:
                if self._closed.wait(backoff.delay_seconds(failures, random.random())):
                    return
            else:
                return

    def close(self) -> None:
        """Wait for the database no more, and have long jobs end."""
        self._closed.set()


@contextmanager
def scheduling(settings: Settings, jobs: Sequence[Job]) -> Iterator[Callable[[], bool]]:
    """Run the schedule meanwhile, on its own store; yields whether it still moves."""
    # It says each time that a job ran, and that a tick is still waiting for its database.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    host = f"{socket.gethostname()}/{os.getpid()}"
    with closing(open_store(settings, application_name="actp-scheduler")) as store:
        schedule = Schedule(store, settings, jobs, host=host)
        pulse = Pulse(settings.heartbeat_stale_seconds)
        scheduler = start(schedule, pulse)
        _log.info("scheduling", extra={"action": "scheduling", "jobs": len(jobs)})
        try:
            yield pulse.is_felt
        finally:
            # A job under way is a few calls of the database, or is told to end; what it has not
            # said is a lost slot.
            schedule.close()
            scheduler.shutdown(wait=False)


class Pulse:
    """The last beat through the scheduler's own thread, by a clock that stops in sleep."""

    def __init__(self, stale_seconds: float) -> None:
        self.beat_seconds = stale_seconds / BEATS_UNTIL_STALE
        self._stale_seconds = stale_seconds
        self._beat_at = monotonic()

    def beat(self) -> None:
        """Keep this moment."""
        self._beat_at = monotonic()

    def is_felt(self) -> bool:
        """Return whether the last beat is recent."""
        return monotonic() - self._beat_at < self._stale_seconds


def start(schedule: Schedule, pulse: Pulse) -> BackgroundScheduler:
    """Begin to run what is due; short jobs never wait for long ones."""
    executors = {
        "default": ThreadPoolExecutor(THREADS),
        LONG: ThreadPoolExecutor(LONG_THREADS),
        BEAT: ThreadPoolExecutor(1),
    }
    scheduler = BackgroundScheduler(timezone=UTC, executors=executors)

    def tick() -> None:
        try:
            due = schedule.due()
        except ActpError as error:
            _log.warning("tick failed: %s", error, extra={"action": "tick_failed"})
            return
        for job, slot in due:
            # By its name a job that still waits for a thread is not put behind itself.
            scheduler.add_job(
                schedule.run,
                args=(job, slot),
                id=job.name,
                replace_existing=True,
                executor=LONG if job.is_long else "default",
                misfire_grace_time=None,
            )

    now = datetime.now(UTC)
    options: dict[str, Any] = {"coalesce": True, "misfire_grace_time": None, "next_run_time": now}
    scheduler.add_job(tick, "interval", seconds=TICK_SECONDS, max_instances=1, **options)
    # The beat passes through the scheduler's own thread, but not through the database nor the
    # threads that wait for it: an outage is no hang.
    scheduler.add_job(pulse.beat, "interval", seconds=pulse.beat_seconds, executor=BEAT, **options)
    scheduler.start()
    return scheduler
