"""A week of outreach to a made-up CRM: two builders, two senders, and processes that die."""

from __future__ import annotations

import subprocess
import sys
from bisect import bisect_left
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from psycopg.rows import class_row

from actp.domains.outreach.hearing import hear
from actp.domains.outreach.queueing import build_queue
from actp.domains.outreach.sending import send
from actp.domains.tools import Tools
from actp.settings import PROJECT_ROOT
from tests.domains.made_up_crm import MadeUpCrm
from tests.support.moving_clock import MovingClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import psycopg

    from actp.settings import Settings
    from actp.store.protocol import Store
    from tests.domains.conftest import OpenTools
    from tests.support.databases import Database

SERVICES = ("instagram-dm", "linkedin-automation", "tiktok-dm", "twitter-dm")
PLATFORMS = ("instagram", "linkedin", "tiktok", "twitter")
DEATHS = 0.05
ACTION = timedelta(seconds=6)
BUILT_AT = timedelta(hours=5)
HANDED_AT = tuple(timedelta(hours=hours) for hours in (9.5, 13.5, 14.5, 17.5, 18.5))
ENDS_AT = timedelta(hours=23)
SENT = """
select a.service, a.begun_at, coalesce(a.finished_at, a.begun_at) as ended_at,
       q.params ->> 'contact_id' as contact, m.message_type as kind
  from safari_command_attempts a
  join safari_command_queue q on q.id = a.command_id
  join crm_message_queue m on m.id::text = q.params ->> 'message_id'
 where a.outcome is distinct from 'not_sent' order by a.begun_at
"""


@dataclass(frozen=True, slots=True)
class Suite:
    """How large the CRM is, and what each platform takes."""

    persons: int
    daily: int
    hourly: int
    killed: int


SMALL = Suite(persons=400, daily=8, hourly=3, killed=1)
LARGE = Suite(persons=20_000, daily=120, hourly=30, killed=12)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that went out, or may have."""

    service: str
    begun_at: datetime
    ended_at: datetime
    contact: str
    kind: str


class Worker:
    """Sends what it can claim; now and then it dies between two lines."""

    def __init__(self, store: Store, admin: psycopg.Connection, clock: MovingClock) -> None:
        self._store = store
        self._admin = admin
        self._clock = clock
        self._random = Random(3)
        self.deaths = 0
        self._live()

    def work(self, until: datetime) -> None:
        """Work until a moment; what waits is waited for."""
        while self._clock.now() < until:
            self._register()
            rows = self._claimed()
            for row in rows:
                if not self._sends(row):
                    break
            else:
                if not rows:
                    self._clock.advance_to(max(min(self._next(until), until), self._clock.now()))

    def _sends(self, row: dict[str, Any]) -> bool:
        """Send one row; return whether the worker still lives."""
        if self._random.random() < DEATHS:
            return self._dies()
        (begun,) = self._ledger([], [{"id": row["id"], "lease": row["lease"]}])["begins"]
        if begun["verdict"] != "granted":
            return True
        self._clock.advance(ACTION)
        if self._random.random() < DEATHS:
            return self._dies()
        finish = {
            "id": row["id"],
            "lease": row["lease"],
            "attempt": begun["attempt"],
            "verdict": "sent",
            "quota_back": False,
            "result": {"outcome": "sent"},
        }
        self._ledger([finish], [])
        return True

    def _dies(self) -> bool:
        """Leave everything as it is; the next worker picks it up when the leases are over."""
        self.deaths += 1
        self._clock.advance(timedelta(seconds=90))
        self._live()
        self._store.call(
            "safari_rescue",
            boot_id=self._boot_id,
            host_key="test",
            services=list(SERVICES),
            expired=True,
        )
        return False

    def _live(self) -> None:
        self._boot_id = str(uuid4())
        self._register()

    def _register(self) -> None:
        self._store.call(
            "safari_register",
            boot_id=self._boot_id,
            host_key="test",
            worker="test/1",
            services=list(SERVICES),
        )

    def _claimed(self) -> list[dict[str, Any]]:
        answer = self._store.call(
            "safari_claim",
            boot_id=self._boot_id,
            wants=dict.fromkeys(SERVICES, 1),
            held=0,
            lease_seconds=30.0,
        )
        return list(answer["commands"])

    def _ledger(self, finishes: list[Any], begins: list[Any]) -> dict[str, Any]:
        answer = self._store.call(
            "safari_ledger", boot_id=self._boot_id, finishes=finishes, begins=begins
        )
        return dict(answer)

    def _next(self, until: datetime) -> datetime:
        """Return when something may go next: a gate opens, or a row falls due."""
        ((opens, due),) = self._admin.execute(
            "select (select min(g.until) from unnest(%s::text[]) s, safari_service_gate(s) g"
            "  where g.reason is not null and exists (select from safari_command_queue q"
            "   where q.service = s and q.status = 'pending')),"
            " (select min(q.due_at) from safari_command_queue q where q.status = 'pending'"
            "   and not q.ready and q.hold is null and q.due_at < 'infinity')",
            (list(SERVICES),),
        ).fetchall()
        moments = [each for each in (opens, due) if each is not None]
        return min(moments, default=until) + timedelta(milliseconds=50)


class Week:
    """Seven days of builders, senders and a worker, under a clock that a test moves."""

    def __init__(
        self, database: Database, admin: psycopg.Connection, settings: Settings, suite: Suite
    ) -> None:
        self._database = database
        self._admin = admin
        self._settings = settings
        self._random = Random(5)
        self._killed = suite.killed
        self.clock = MovingClock(admin)
        self.worker = Worker(database.store, admin, self.clock)
        policies: list[Any] = [
            {
                "platform": platform,
                "kind": "dm",
                "daily_limit": suite.daily,
                "hourly_limit": suite.hourly,
                "time_zone": "UTC",
                "spread": platform == "instagram",
            }
            for platform in PLATFORMS
        ]
        database.store.call("safari_configure", policies=policies, settings={})

    def days(self) -> Iterator[datetime]:
        """Yield the midnights of a week from the next Monday on, in UTC."""
        now = self.clock.now().astimezone(UTC)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        monday = midnight + timedelta(days=7 - midnight.weekday())
        for number in range(7):
            self.clock.advance_to(max(monday + timedelta(days=number), self.clock.now()))
            yield monday + timedelta(days=number)

    def run(self, midnight: datetime) -> None:
        """Build in the morning, hand over five times, and work between."""
        self.worker.work(midnight + BUILT_AT)
        self._twice(build_queue, "--build-queue")
        for at in HANDED_AT:
            self.worker.work(midnight + at)
            self._twice(send, "--send")
        self.worker.work(midnight + ENDS_AT)

    def _twice(self, task: Callable[[Tools], object], flag: str) -> None:
        if self._killed:
            self._killed -= 1
            self._kill(flag)
        with ThreadPoolExecutor(2) as pool:
            for future in [pool.submit(_with_tools, self._settings, task) for _ in range(2)]:
                future.result()

    def _kill(self, flag: str) -> None:
        """Run the script and kill it at a random moment."""
        with subprocess.Popen(
            [sys.executable, PROJECT_ROOT / "strategic_outreach.py", flag],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                process.wait(self._random.uniform(0.5, 2.5))
            except subprocess.TimeoutExpired:
                process.kill()


def _with_tools(settings: Settings, task: Callable[[Tools], object]) -> None:
    with Tools(settings) as tools:
        task(tools)


def most_within(moments: Sequence[datetime], window: timedelta) -> int:
    """Return how many of the moments, in their order, lie in the fullest window."""
    return max(
        (
            number - bisect_left(moments, moment - window + timedelta(microseconds=1)) + 1
            for number, moment in enumerate(moments)
        ),
        default=0,
    )


@pytest.fixture
def suite(request: pytest.FixtureRequest) -> Suite:
    """The CRM of 400 persons; with --chaos that of 20 000."""
    return LARGE if request.config.getoption("--chaos") else SMALL


@pytest.mark.timeout(3600)
def test_a_week_of_outreach_harms_nobody(
    open_tools: OpenTools, database: Database, admin: psycopg.Connection, suite: Suite
) -> None:
    crm = MadeUpCrm(admin, suite.persons)
    truth = crm.store()
    settings = open_tools(OUTREACH_NEW_PER_DAY=str(6 * suite.daily)).settings
    store = database.store
    hear(store)
    inbox = store.call("agent_inbox", row_limit=suite.persons)["rows"]
    waiting = Counter(truth.person_of[row["contact_id"]] for row in inbox)
    assert waiting == dict.fromkeys(truth.waiting, 1)

    week = Week(database, admin, settings, suite)
    for number, midnight in enumerate(week.days()):
        # The servers of the tests have no autovacuum, which does this.
        admin.execute("analyze")
        week.run(midnight)
        if number == 1:
            crm.store_late_twins(sorted({each.contact for each in sent_so_far(admin)}))
    sent = sent_so_far(admin)

    assert len(sent) > 5 * 3 * suite.daily / 2, "the week was busy"
    assert week.worker.deaths > 0
    openers = Counter(truth.person_of[each.contact] for each in sent if each.kind == "outreach")
    assert [person for person, count in openers.items() if count > 1] == []
    written = {truth.person_of[each.contact] for each in sent}
    assert (written & truth.stopped, written & truth.waiting) == (set(), set())
    for service in SERVICES:
        begun = [each.begun_at for each in sent if each.service == service]
        assert most_within(begun, timedelta(days=1)) <= suite.daily
        assert most_within(begun, timedelta(hours=1)) <= suite.hourly
        assert max(Counter(at.astimezone(UTC).date() for at in begun).values()) <= suite.daily
    assert {each.begun_at.astimezone(UTC).hour for each in sent} <= set(range(9, 21))
    assert {each.ended_at.astimezone(UTC).hour for each in sent} <= set(range(9, 21))


def sent_so_far(admin: psycopg.Connection) -> list[Sent]:
    return admin.cursor(row_factory=class_row(Sent)).execute(SENT).fetchall()
