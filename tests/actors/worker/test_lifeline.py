"""The lifeline: registered, spool written, dead ones' work picked up, and only then open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actors.runtime.messages import Drained, LeasesHeld, PeerRestarted, Stop
from actors.worker.entries import Begin, Finish, begin_item, finish_item
from actors.worker.identity import WorkerIdentity
from actors.worker.lifeline import LIFELINE, Lifeline
from actors.worker.messages import LeasesLost, StartClaiming, WaitLifted
from actors.worker.poller import POLLER
from actp.errors import StoreUnavailable
from actp.spool import Spool
from tests.actors.house import Grenade
from tests.actors.postman import SENT
from tests.actors.rows import Queue

if TYPE_CHECKING:
    from pathlib import Path

    from tests.actors.house import House
    from tests.actors.latch import LatchedStore

SERVICE = "instagram-dm"
HOST = "this-host"
LEASE_SECONDS = 0.6
AWAY = StoreUnavailable("away")


class Scene:
    """A lifeline with a stand-in for the poller, and a predecessor on the same host."""

    def __init__(self, house: House, queue: Queue, latched: LatchedStore, folder: Path) -> None:
        self.house = house
        self.queue = queue
        self.latched = latched
        self.folder = folder / "spool"
        self.poller = house.stand_in(POLLER)
        self.predecessor = Queue(queue.database)
        self.predecessor.register(SERVICE, host_key=HOST)
        queue.execute(
            "update safari_workers set started_at = now() - interval '1 h' where boot_id = %s",
            self.predecessor.boot_id,
        )

    def move_in(self, rounds_per_beat: int = 1) -> None:
        me = WorkerIdentity(
            self.queue.boot_id,
            HOST,
            "test/1",
            (SERVICE,),
            LEASE_SECONDS,
            self.folder,
            settings={"retry_limit": 7},
        )
        lifeline = Lifeline.start(
            self.house.context, store=self.latched, me=me, rounds_per_beat=rounds_per_beat
        )
        self.house.move_in(LIFELINE, lifeline)

    def boot(self) -> None:
        self.move_in()
        self.poller.take(StartClaiming)

    def spool(self, results: dict[str, Any]) -> None:
        """Leave results as the predecessor would."""
        spool = Spool(self.folder, self.predecessor.boot_id)
        spool.keep(results)
        spool.close()


@pytest.fixture
def scene(house: House, queue: Queue, latched: LatchedStore, tmp_path: Path) -> Scene:
    return Scene(house, queue, latched, tmp_path)


def begun_by(queue: Queue, recipient: str) -> dict[str, Any]:
    """Return a row that the process has begun, with the finish that it did not write."""
    (id_,) = queue.add(recipient)
    (row,) = queue.claim(instagram_dm=1)
    begin = begin_item(Begin(id_, row.lease, SERVICE, recipient, None, id_))
    answer = queue.store.call("safari_ledger", boot_id=queue.boot_id, finishes=[], begins=[begin])
    assert answer["begins"][0]["verdict"] == "granted"
    return finish_item(Finish(id_, row.lease, SERVICE, 1, SENT))


def test_the_spool_is_written_before_anything_is_rescued_or_claimed(scene: Scene) -> None:
    result, lost = (begun_by(scene.predecessor, name) for name in ("spooled", "lost"))
    scene.spool({result["id"]: result})
    scene.boot()
    assert [call.function for call in scene.latched.calls()][:5] == [
        "safari_configure",
        "safari_register",
        "safari_ledger",
        "safari_watermark",
        "safari_rescue",
    ]
    assert scene.queue.row(result["id"])["status"] == "completed"
    assert scene.queue.row(lost["id"])["reason"] == "unknown"
    assert list(scene.folder.iterdir()) == []
    stored = scene.queue.store.call("safari_configure", policies=[], settings={})["settings"]
    assert stored["retry_limit"] == 7


def test_a_spooled_result_that_is_refused_is_kept_aside_and_stops_nothing(scene: Scene) -> None:
    good = begun_by(scene.predecessor, "good")
    scene.spool({"bad": {**good, "id": "this is no id"}, "good": good})
    scene.boot()
    assert scene.queue.row(good["id"])["status"] == "completed"
    assert [path.suffix for path in scene.folder.iterdir()] == [".refused"]


REFUSE = """create function theirs() returns trigger language plpgsql as
 $$ begin insert into a_table_that_is_gone values (1); return new; end $$;
create trigger theirs before update of status on safari_command_queue for each row
 when (new.status in ('completed', 'failed')) execute function theirs()"""


def test_a_trigger_of_theirs_stops_no_start_and_loses_no_result(
    scene: Scene,
) -> None:
    sent = begun_by(scene.predecessor, "ada")
    scene.spool({"sent": sent})
    scene.queue.execute(REFUSE)
    scene.boot()
    assert scene.queue.row(sent["id"])["status"] == "running"
    assert [path.suffix for path in scene.folder.iterdir()] == [".jsonl"]
    assert set(scene.queue.alerts()) == {"write_refused"}
    scene.queue.execute("drop function theirs cascade")
    scene.house.tell(LIFELINE, Grenade())
    scene.boot()
    assert scene.queue.row(sent["id"])["status"] == "completed"
    assert list(scene.folder.iterdir()) == []


def test_while_the_database_is_away_nothing_is_opened(scene: Scene) -> None:
    scene.latched.break_with(AWAY)
    scene.move_in()
    first, second = scene.latched.await_calls("safari_configure", 2)[:2]
    assert second.at - first.at >= 0.2, "it tries again without a pause"
    scene.house.tell(LIFELINE, PeerRestarted(POLLER))
    scene.house.settle(LIFELINE)
    assert scene.poller.all_of(StartClaiming) == []
    scene.latched.mend()
    scene.poller.take(StartClaiming)


def test_a_new_poller_is_opened_again(scene: Scene) -> None:
    scene.boot()
    scene.house.tell(LIFELINE, PeerRestarted(POLLER))
    scene.poller.take(StartClaiming)


def test_a_new_lifeline_boots_again(scene: Scene) -> None:
    scene.boot()
    scene.house.tell(LIFELINE, Grenade())
    scene.boot()


def test_the_work_of_others_is_rescued_with_each_beat_that_arrives(scene: Scene) -> None:
    queue, latched = scene.queue, scene.latched
    queue.execute("update safari_workers set host_key = 'elsewhere' where host_key = %s", HOST)
    row = begun_by(scene.predecessor, "ada")
    queue.execute("update safari_command_queue set lease_expires_at = now() - interval '1 h'")
    scene.boot()
    latched.break_with(AWAY)
    beat(scene, beats=1)
    scene.house.settle(LIFELINE)
    latched.mend()
    assert [call.arguments["expired"] for call in latched.calls("safari_rescue")] == [False]
    for beats in range(2, 10_000):
        beat(scene, beats=beats)
        latched.await_answers("safari_beat", beats - 1)
        if queue.row(row["id"])["reason"] == "unknown":
            return
    pytest.fail("nothing is rescued")


def beat(scene: Scene, *, beats: int) -> None:
    scene.house.tell(LIFELINE, LeasesHeld((), {}))
    scene.latched.await_calls("safari_beat", beats)


def test_a_lifted_wait_reaches_the_service_once(scene: Scene) -> None:
    service = scene.house.stand_in(SERVICE)
    scene.boot()
    scene.queue.database.store.call("safari_resume_service", service=SERVICE)
    for beats in (1, 2):
        beat(scene, beats=beats)
        scene.latched.await_answers("safari_beat", beats)
        scene.house.settle(LIFELINE)
    service.take(WaitLifted)
    assert service.all_of(WaitLifted) == []
    scene.queue.database.store.call("safari_resume_service", service=SERVICE)
    beat(scene, beats=3)
    service.take(WaitLifted)


def test_a_beat_renews_what_is_held_and_tells_all_what_is_lost(scene: Scene) -> None:
    queue, service = scene.queue, scene.house.stand_in(SERVICE)
    queue.add("ada", "bob")
    ada, bob = queue.claim(instagram_dm=2)
    queue.execute("update safari_command_queue set lease_expires_at = now() - interval '1 h'")
    queue.execute("update safari_command_queue set lease_number = 9 where id = %s", bob.id)
    scene.boot()
    held = ((ada.id, ada.lease), (bob.id, bob.lease))
    scene.house.tell(LIFELINE, LeasesHeld(held, {SERVICE: {"state": "ready"}}))
    lost = frozenset({(bob.id, bob.lease)})
    assert service.take(LeasesLost).held == scene.poller.take(LeasesLost).held == lost
    renewed = queue.execute(
        "select id::text from safari_command_queue"
        " where lease_expires_at > now() - interval '1 min'"
    )
    assert renewed == [{"id": ada.id}]
    states = queue.execute("select state from safari_workers where boot_id = %s", queue.boot_id)
    assert states == [{"state": {SERVICE: {"state": "ready"}}}]


def test_nothing_is_rescued_before_the_spool_is_written(scene: Scene) -> None:
    scene.latched.break_with(AWAY)
    scene.move_in()
    scene.latched.await_calls("safari_configure", 1)
    beat(scene, beats=1)
    assert scene.latched.calls("safari_beat")[0].arguments["services"] is None


def test_a_rescue_that_fails_leaves_the_leases_renewed(scene: Scene) -> None:
    queue = scene.queue
    queue.add("ada")
    (ada,) = queue.claim(instagram_dm=1)
    scene.boot()
    queue.execute("update safari_command_queue set lease_expires_at = now() - interval '1 h'")
    queue.execute("alter function safari_rescue rename to safari_rescue_that_is_gone")
    try:
        scene.house.tell(LIFELINE, LeasesHeld(((ada.id, ada.lease),), {}))
        scene.latched.await_answers("safari_beat", 1)
    finally:
        queue.execute("alter function safari_rescue_that_is_gone rename to safari_rescue")
    assert queue.execute(
        "select id from safari_command_queue where lease_expires_at > now() - interval '1 min'"
    )


def test_where_requests_are_dear_it_beats_in_every_second_round(scene: Scene) -> None:
    scene.move_in(rounds_per_beat=2)
    scene.poller.take(StartClaiming)
    for rounds, beats in ((1, 1), (2, 1), (3, 2)):
        scene.house.tell(LIFELINE, LeasesHeld((), {}))
        scene.house.settle(LIFELINE)
        scene.latched.await_answers("safari_beat", beats)
        scene.house.settle(LIFELINE)
        assert len(scene.latched.calls("safari_beat")) == beats, rounds
    scene.latched.break_with(AWAY)
    for _ in range(2):
        scene.house.tell(LIFELINE, LeasesHeld((), {}))
        scene.house.settle(LIFELINE)
    scene.latched.await_calls("safari_beat", 3)
    scene.house.settle(LIFELINE)
    scene.house.tell(LIFELINE, LeasesHeld((), {}))
    scene.latched.await_calls("safari_beat", 4)


def test_told_to_stop_it_signs_off(scene: Scene) -> None:
    scene.boot()
    scene.house.tell(LIFELINE, Stop())
    assert scene.house.supervisor.take(Drained).name == LIFELINE
    assert has_stopped(scene.queue)


def test_a_database_that_is_away_does_not_keep_it_from_stopping(scene: Scene) -> None:
    scene.boot()
    scene.latched.break_with(AWAY)
    scene.house.tell(LIFELINE, Stop())
    assert scene.house.supervisor.take(Drained).name == LIFELINE
    assert not has_stopped(scene.queue)


def has_stopped(queue: Queue) -> bool:
    (worker,) = queue.execute(
        "select stopped_at from safari_workers where boot_id = %s", queue.boot_id
    )
    return worker["stopped_at"] is not None
