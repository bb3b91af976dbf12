"""All actors of a process together: whichever of them crashes, nothing sticks or doubles."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pykka
import pytest

from actors.runtime.messages import Wake
from actors.worker.ledger_actor import LedgerActor
from actors.worker.lifeline import Lifeline
from actors.worker.poller import Poller
from actors.worker.process import Worker, take_ports
from actors.worker.service import ServiceActor
from actp.errors import ExitCode, PortTaken
from tests.actors.house import DEADLINE_SECONDS, STOP_SECONDS, Grenade
from tests.actors.latch import LatchedStore
from tests.actors.rows import POSTS, eventually
from tests.actors.settings_for_tests import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actors.runtime.actor import Actor
    from actp.settings import Settings
    from actp.store import Store
    from simulator.process import SimulatorProcess
    from tests.actors.rows import Queue

SERVICES = ("instagram-dm", "twitter-dm", "threads-comments")


@pytest.fixture
def settings(queue: Queue, simulator: SimulatorProcess, tmp_path: Path) -> Settings:
    return settings_for(queue.database, simulator, tmp_path, SAFARI_TURNS="1")


@contextmanager
def working(
    settings: Settings, store: Store, services: tuple[str, ...] = SERVICES
) -> Iterator[Worker]:
    worker = Worker(settings, store, take_ports(settings, services))
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()
        worker.wait(DEADLINE_SECONDS)
        worker.close()
        pykka.ActorRegistry.stop_all(timeout=STOP_SECONDS)


def crash(kind: type[Actor]) -> None:
    for ref in pykka.ActorRegistry.get_by_class(kind):
        ref.tell(Grenade())


def add_mixed(queue: Queue, names: tuple[str, ...]) -> list[str]:
    post = {"postUrl": POSTS["threads-comments"]}
    ids = queue.add(*names)
    for name in names:
        ids.append(queue.insert("send_dm", "twitter", {"username": name, "text": "Hello"}))
        ids.append(queue.insert("comment", "threads", {**post, "text": f"Hello {name}"}))
    return ids


@pytest.mark.parametrize("kind", [LedgerActor, Lifeline, Poller, ServiceActor])
def test_a_crash_amid_work_neither_stops_nor_doubles_anything(
    kind: type[Actor], queue: Queue, settings: Settings, simulator: SimulatorProcess
) -> None:
    simulator.play({"services": {"*": {"latency_ms": 20}}})
    with working(settings, queue.store):
        before = add_mixed(queue, ("ada", "bob", "eve"))
        simulator.wait_for(effects=2)
        crash(kind)
        # A row that the crashed actor held comes back with its lease, at once would be luck.
        eventually(lambda: len(simulator.effects()) >= 4, "the work goes on")
        after = add_mixed(queue, ("joe", "liz"))
        eventually(lambda: set(queue.statuses(*after)) == {"completed"}, "new work is done")
        eventually(
            lambda: not {"pending", "running"} & set(queue.statuses(*before)), "old work ends"
        )
    seen = Counter((e["service"], e["recipient"], e["text"]) for e in simulator.effects())
    assert set(seen.values()) == {1}
    done = queue.statuses(*before, *after).count("completed")
    assert sum(seen.values()) == done
    assert done >= len(after) + len(before) - (1 if kind is not ServiceActor else len(SERVICES))


def test_answer_in_flight_is_recorded_after_a_service_crash(
    queue: Queue, settings: Settings, simulator: SimulatorProcess
) -> None:
    rule = {"service": "twitter-dm", "behaviour": "slow", "seconds": 0.4, "times": 1}
    simulator.play({"rules": [rule]})
    with working(settings, queue.store, ("twitter-dm",)):
        first = queue.insert("send_dm", "twitter", {"username": "ada", "text": "Hello"})
        simulator.wait_for(used=1)
        crash(ServiceActor)
        second = queue.insert("send_dm", "twitter", {"username": "bob", "text": "Hello"})
        eventually(lambda: queue.statuses(first, second) == ["completed"] * 2, "both are done")
    assert [effect["recipient"] for effect in simulator.effects()] == ["ada", "bob"]
    assert queue.row(first)["attempt"] == 1


def test_wrong_token_holds_its_commands_and_no_others(
    queue: Queue, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    settings = settings_for(
        queue.database,
        simulator,
        tmp_path,
        SAFARI_TURNS="1",
        SAFARI_THREADS_COMMENTS_TOKEN="wrong",  # noqa: S106  # of nobody
    )
    post = {"postUrl": POSTS["threads-comments"], "text": "Hello"}
    with working(settings, queue.store):
        comments = [
            queue.insert("comment", "threads", {**post, "text": text}) for text in ("a", "b")
        ]
        eventually(lambda: "misconfigured" in queue.alerts(), "somebody is told")
        (message,) = queue.add("ada")
        eventually(lambda: queue.statuses(message) == ["completed"], "others are served")
        eventually(lambda: queue.statuses(*comments) == ["pending"] * 2, "the comments wait")
    assert [queue.row(id_)["retry_count"] for id_ in comments] == [0, 0]
    used = (
        "select coalesce(sum(used), 0) as used from safari_rate_limits where platform = 'threads'"
    )
    assert queue.execute(used) == [{"used": 0}]


def test_rows_that_a_last_claim_brings_after_the_stop_are_handed_back(
    queue: Queue, settings: Settings
) -> None:
    store = LatchedStore(queue.store)
    with working(settings, store, ("instagram-dm",)) as worker:
        store.await_answers("safari_claim", 1)
        store.shut("safari_claim")
        (id_,) = queue.add("ada")
        (poller,) = pykka.ActorRegistry.get_by_class(Poller)
        poller.tell(Wake())
        eventually(lambda: queue.statuses(id_) == ["running"], "the row is claimed")
        worker.stop()
        assert worker.wait(0.3) is None, "it ends without the answer to its claim"
        store.open()
        assert worker.wait(DEADLINE_SECONDS) == ExitCode.OK
    row = queue.row(id_)
    assert (row["status"], row["boot_id"], row["attempt"]) == ("pending", None, 0)
    assert (row["retry_count"], row["crash_count"]) == (0, 0)


def test_a_process_whose_services_are_all_owned_by_another_says_so(
    queue: Queue, settings: Settings
) -> None:
    with (
        working(settings, queue.store),
        pytest.raises(PortTaken, match="another process on this host"),
    ):
        Worker(settings, queue.store, take_ports(settings, SERVICES))
