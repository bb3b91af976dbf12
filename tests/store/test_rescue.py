"""Who may say that others are dead, and what is left to those who were not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.chaos.commands import RESEARCH, command_for
from tests.support.moving_clock import MovingClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from actp.store.protocol import Store
    from tests.support.databases import Database

pytestmark = pytest.mark.usefixtures("moving_clock")

SERVICE = "twitter-dm"
LEASE_SECONDS = 30.0
BEAT_SECONDS = 5.0
# What a worker may pause between two tries.
LONGEST_PAUSE_SECONDS = 4.0


class Scene:
    """A database whose time is moved; those who beat do so while it passes."""

    def __init__(self, store: Store, admin: psycopg.Connection) -> None:
        self.store = store
        self.admin = admin
        self.clock = MovingClock(admin)
        admin.execute(
            "update safari_policies set active_from = 0, active_to = 24, min_gap_seconds = 0"
        )

    def worker(self, host: str) -> Worker:
        return Worker(self.store, host)

    def pass_by(self, seconds: float, *beating: Worker) -> None:
        """Let time pass in which only these workers reach the database."""
        while seconds > 0:
            self.clock.advance(timedelta(seconds=min(seconds, BEAT_SECONDS)))
            seconds -= BEAT_SECONDS
            for worker in beating:
                worker.beat()

    def enqueue(self, service: str = SERVICE) -> str:
        return str(self.store.call("safari_enqueue", commands=[command_for(service)])[0]["id"])

    def row(self, id_: str) -> dict[str, Any]:
        row: dict[str, Any] = self.store.call("safari_show", id=id_)["command"]
        return row

    def quota_used(self) -> int:
        row = self.admin.execute(
            "select coalesce(sum(used), 0) from safari_rate_limits where platform = 'twitter'"
        ).fetchone()
        assert row is not None
        return int(row[0])


class Worker:
    """The calls of one process."""

    def __init__(self, store: Store, host: str) -> None:
        self._store = store
        self._host = host
        self._boot_id = str(uuid4())
        self._held: list[dict[str, Any]] = []
        store.call(
            "safari_register",
            boot_id=self._boot_id,
            host_key=host,
            worker=f"{host}/1",
            services=[SERVICE],
        )

    def claim(self) -> None:
        answer = self._store.call(
            "safari_claim",
            boot_id=self._boot_id,
            wants={SERVICE: 1, RESEARCH: 1},
            held=0,
            lease_seconds=LEASE_SECONDS,
        )
        self._held = [{"id": row["id"], "lease": row["lease"]} for row in answer["commands"]]

    def begin(self) -> dict[str, Any]:
        items = [{**held, "service": SERVICE, "recipient": "maria"} for held in self._held]
        return dict(self._tell(begins=items)["begins"][0])

    def finish(self, attempt: int, verdict: str) -> dict[str, Any]:
        quota_back = verdict == "wait"
        items = [
            {**held, "attempt": attempt, "verdict": verdict, "quota_back": quota_back}
            for held in self._held
        ]
        return dict(self._tell(finishes=items)["finishes"][0])

    def round(self) -> None:
        """Beat, and rescue what may be rescued."""
        self._store.call(
            "safari_beat",
            boot_id=self._boot_id,
            held=self._held,
            state={},
            lease_seconds=LEASE_SECONDS,
            host_key=self._host,
            services=[SERVICE],
        )

    def beat(self) -> list[str]:
        answer = self._store.call(
            "safari_heartbeat",
            boot_id=self._boot_id,
            held=self._held,
            state={},
            lease_seconds=LEASE_SECONDS,
        )
        lost: list[str] = answer["lost"]
        return lost

    def rescue(self, *, services: tuple[str, ...] = ()) -> dict[str, int]:
        rescued: dict[str, int] = self._store.call(
            "safari_rescue",
            boot_id=self._boot_id,
            host_key=self._host,
            services=list(services),
            expired=True,
        )
        return rescued

    def _tell(self, **items: Any) -> dict[str, Any]:
        empty: dict[str, Any] = {"finishes": [], "begins": []}
        answer: dict[str, Any] = self._store.call(
            "safari_ledger", boot_id=self._boot_id, **empty | items
        )
        return answer


@pytest.fixture
def scene(database: Database) -> Iterator[Scene]:
    with database.connect() as admin:
        yield Scene(database.store, admin)


def test_work_of_a_dead_worker_is_rescued_after_its_lease(scene: Scene) -> None:
    holder, other = scene.worker("here"), scene.worker("there")
    scene.pass_by(LEASE_SECONDS + BEAT_SECONDS, holder, other)
    id_ = scene.enqueue()
    holder.claim()
    scene.pass_by(LEASE_SECONDS - 1, other)
    assert other.rescue() == {}
    scene.pass_by(BEAT_SECONDS, other)
    assert other.rescue() == {"pending": 1}
    assert scene.row(id_)["status"] == "pending"


def test_a_newcomer_judges_nobody_before_it_has_beaten_for_a_lease(scene: Scene) -> None:
    holder = scene.worker("here")
    scene.enqueue()
    holder.claim()
    scene.pass_by(2 * LEASE_SECONDS)
    newcomer = scene.worker("there")
    assert newcomer.rescue() == {}
    newcomer.beat()
    scene.pass_by(LEASE_SECONDS - 1, newcomer)
    assert newcomer.rescue() == {}
    scene.pass_by(BEAT_SECONDS, newcomer)
    assert newcomer.rescue() == {"pending": 1}


@pytest.mark.parametrize("outage_seconds", [0.5 * LEASE_SECONDS + 1, 40 * LEASE_SECONDS])
def test_rescue_waits_a_full_lease_after_an_outage(scene: Scene, outage_seconds: float) -> None:
    late, early = scene.worker("here"), scene.worker("there")
    scene.pass_by(LEASE_SECONDS + BEAT_SECONDS, late, early)
    id_ = scene.enqueue()
    late.claim()
    scene.pass_by(outage_seconds)
    assert early.rescue() == {}, "it was asked before the outage, and is carried out after it"
    early.beat()
    assert early.rescue() == {}
    scene.pass_by(LEASE_SECONDS + LONGEST_PAUSE_SECONDS - 1, early)
    assert early.rescue() == {}
    assert late.beat() == []
    scene.pass_by(BEAT_SECONDS, early, late)
    assert early.rescue() == {}
    assert scene.row(id_)["status"] == "running"


def test_who_does_not_come_back_from_an_outage_is_dead(scene: Scene) -> None:
    dead, other = scene.worker("here"), scene.worker("there")
    scene.pass_by(LEASE_SECONDS + BEAT_SECONDS, dead, other)
    scene.enqueue()
    dead.claim()
    scene.pass_by(2 * LEASE_SECONDS)
    other.beat()
    scene.pass_by(LEASE_SECONDS + LONGEST_PAUSE_SECONDS + 1, other)
    assert other.rescue() == {"pending": 1}


def test_a_clock_that_goes_back_by_hours_keeps_nobody_from_rescue(scene: Scene) -> None:
    dead, other = scene.worker("here"), scene.worker("there")
    scene.pass_by(LEASE_SECONDS + BEAT_SECONDS, dead, other)
    scene.enqueue()
    dead.claim()
    scene.clock.advance(timedelta(hours=-3))
    assert dead.beat() == []
    scene.pass_by(LEASE_SECONDS, other)
    assert other.rescue() == {}
    scene.pass_by(LONGEST_PAUSE_SECONDS + BEAT_SECONDS, other)
    assert other.rescue() == {"pending": 1}


def test_what_a_dead_process_asked_for_takes_nothing_from_its_successor(scene: Scene) -> None:
    dead = scene.worker("here")
    successor = scene.worker("here")
    id_ = scene.enqueue()
    successor.claim()
    assert dead.rescue(services=(SERVICE,)) == {}
    assert scene.row(id_)["status"] == "running"
    assert scene.worker("here").rescue(services=(SERVICE,)) == {"pending": 1}


def test_a_holder_that_was_taken_for_dead_before_it_sent_says_so(scene: Scene) -> None:
    holder, other = scene.worker("here"), scene.worker("there")
    id_ = scene.enqueue()
    holder.claim()
    assert holder.begin()["verdict"] == "granted"
    scene.pass_by(2 * LEASE_SECONDS, other)
    assert other.rescue() == {"unknown": 1}
    again = holder.begin()
    assert (again["verdict"], again["attempt"]) == ("lost", 1)
    assert scene.quota_used() == 1
    assert holder.finish(1, "wait")["recorded"]
    assert scene.quota_used() == 0
    assert scene.row(id_)["status"] == "pending"
    other.claim()
    assert other.begin()["verdict"] == "granted"
    assert other.finish(2, "sent")["status"] == "completed"


def test_a_late_answer_to_a_research_that_was_given_up_is_taken(scene: Scene) -> None:
    holder, other = scene.worker("here"), scene.worker("there")
    id_ = scene.enqueue(RESEARCH)
    holder.claim()
    assert holder.begin()["verdict"] == "granted"
    scene.pass_by(2 * LEASE_SECONDS, other)
    assert other.rescue() == {"pending": 1}
    other.claim()
    assert holder.finish(1, "sent") == {"id": id_, "recorded": True, "status": "completed"}
    assert other.begin()["verdict"] == "lost"
    assert scene.row(id_)["status"] == "completed"


def test_what_a_person_has_settled_stays_as_it_is(scene: Scene) -> None:
    holder, other = scene.worker("here"), scene.worker("there")
    id_ = scene.enqueue()
    holder.claim()
    holder.begin()
    scene.pass_by(2 * LEASE_SECONDS, other)
    other.rescue()
    scene.store.call("safari_resolve", id=id_, verdict="not-sent")
    assert holder.begin()["attempt"] is None
    holder.finish(1, "wait")
    assert scene.row(id_)["status"] == "failed"


@pytest.mark.parametrize(
    ("other", "ends", "alerts"),
    [
        ("one", "never", 1),  # a copied lock folder: both go on
        ("one", "at once", 0),  # killed, and started again
        ("another", "never", 0),
    ],
)
def test_two_processes_with_one_host_key_are_alerted_once(
    scene: Scene, other: str, ends: str, alerts: int
) -> None:
    first, second = scene.worker("one"), scene.worker(other)
    for _ in range(10):
        second.round()
        scene.pass_by(BEAT_SECONDS, *([first] if ends == "never" else []))
    second.round()
    rows = scene.admin.execute(
        "select detail from safari_alerts where kind = 'host_copied'"
    ).fetchall()
    assert len(rows) == alerts


def test_a_worker_that_died_while_the_clock_was_ahead_is_dead(scene: Scene) -> None:
    id_ = scene.enqueue()
    scene.clock.advance(timedelta(days=3))
    dead = scene.worker("one")
    dead.claim()
    scene.clock.advance(-timedelta(days=3))
    (last,) = scene.store.call("safari_status")["workers"]
    successor = scene.worker("one")
    for _ in range(10):
        successor.round()
        scene.pass_by(BEAT_SECONDS)
    (alive,) = scene.store.call("safari_status")["workers"]
    assert alive["boot_id"] != last["boot_id"]
    assert scene.row(id_)["status"] == "pending"
    assert scene.admin.execute("select kind from safari_alerts").fetchall() == []


def test_a_row_that_a_trigger_of_theirs_does_not_let_end_stops_nobody(scene: Scene) -> None:
    holder, other = scene.worker("here"), scene.worker("there")
    refused, free = scene.enqueue(), scene.enqueue()
    expired = scene.enqueue()
    scene.admin.execute(
        "create function theirs() returns trigger language plpgsql as"
        " $$ begin raise exception 'not on a Sunday'; end $$;"
        "create trigger theirs before update of status on safari_command_queue for each row"
        f" when (new.status = 'failed' and new.id <> '{free}') execute function theirs()"
    )
    holder.claim()
    assert holder.begin()["verdict"] == "granted"
    scene.worker("here").claim()
    scene.admin.execute(
        "update safari_command_queue set expires_at = now() where id = %s", (expired,)
    )
    scene.pass_by(2 * LEASE_SECONDS, other)
    assert other.rescue() == {"pending": 1}
    other.claim()
    assert other.begin()["verdict"] == "granted"
    rows = [scene.row(id_)["status"] for id_ in (refused, free, expired)]
    assert rows == ["running", "running", "pending"]
    told = scene.admin.execute("select kind from safari_alerts order by id").fetchall()
    assert told == [("write_refused",)] * 2
