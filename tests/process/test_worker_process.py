"""A worker process: how it starts, waits, works and ends."""

from __future__ import annotations

import signal
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import make_conninfo

from actp.store.embedded.cluster import Cluster
from actp.store.migrate import migrate
from actp.store.postgres import PostgresStore
from tests.actors.rows import POSTS, Queue, eventually
from tests.actors.settings_for_tests import environment_for
from tests.process.workers import START_SECONDS, WorkerProcess
from tests.support.databases import Database
from tests.support.servers import short_folder
from tests.support.supabase import supabase_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from simulator.process import SimulatorProcess
    from tests.support.databases import Databases

WRONG_PASSWORD = "wrong-but-secret"  # noqa: S105  # of nobody
TOKENS = {"SAFARI_INSTAGRAM_DM_TOKEN": "a-token-of-ours", "TELEGRAM_BOT_TOKEN": "1:telegram-token"}
# Without a call it would look after thirty.
AT_ONCE_SECONDS = 15.0


@pytest.fixture
def environment(queue: Queue, simulator: SimulatorProcess, tmp_path: Path) -> dict[str, str]:
    return environment_for(queue.database, simulator, tmp_path, **TOKENS)


@pytest.fixture
def worker(environment: dict[str, str], tmp_path: Path) -> Iterator[WorkerProcess]:
    with WorkerProcess(environment, tmp_path) as worker:
        yield worker


def completed(queue: Queue, *ids: str) -> None:
    eventually(lambda: set(queue.statuses(*ids)) == {"completed"}, "it is delivered", START_SECONDS)


def test_told_to_stop_an_idle_worker_ends_well(worker: WorkerProcess) -> None:
    worker.await_log(" started ")
    assert worker.stop() == 0
    assert "Traceback" not in worker.log


def test_stop_finishes_requests_in_flight_and_releases_the_rest(
    queue: Queue, simulator: SimulatorProcess, worker: WorkerProcess
) -> None:
    simulator.play({"rules": [{"service": "instagram-dm", "behaviour": "held"}]})
    first, *others = queue.add("ada", "bob", "eve")
    simulator.wait_for(START_SECONDS, used=1)
    worker.signal(signal.SIGTERM)
    worker.await_log(" stopping ")
    simulator.release()
    assert worker.end() == 0
    assert queue.statuses(first, *others) == ["completed", "pending", "pending"]
    for id_ in others:
        row = queue.row(id_)
        assert (row["attempt"], row["retry_count"], row["boot_id"]) == (0, 0, None)
    assert len(simulator.effects()) == 1


def test_a_second_sigterm_ends_it_at_once(
    queue: Queue, simulator: SimulatorProcess, worker: WorkerProcess
) -> None:
    simulator.play({"rules": [{"service": "instagram-dm", "behaviour": "hang", "seconds": 60}]})
    queue.add("ada")
    simulator.wait_for(START_SECONDS, used=1)
    worker.signal(signal.SIGTERM)
    worker.await_log(" stopping ")
    assert worker.stop() == -signal.SIGTERM


def test_a_second_worker_for_the_same_services_says_so_and_ends(
    environment: dict[str, str], worker: WorkerProcess, tmp_path: Path
) -> None:
    worker.await_log(" started ")
    with WorkerProcess(environment, tmp_path, "second") as second:
        assert second.end() == 75
        cause, remedy = second.log.splitlines()
    assert cause == "another process on this host already owns these services"
    assert remedy == "Stop a running tree with bin/down; in tests ACTP_LOCK_DIR separates hosts."
    assert worker.process.poll() is None


@pytest.mark.parametrize("arguments", ["", "3", "x"])
def test_a_share_that_does_not_exist_is_a_usage_error(arguments: str) -> None:
    from actors.__main__ import main

    assert main(arguments.split()) == 2


def test_a_plain_insert_is_delivered_and_its_result_is_an_object(
    queue: Queue, simulator: SimulatorProcess, worker: WorkerProcess
) -> None:
    worker.await_log(" started ")
    post = {"postUrl": POSTS["threads-comments"], "text": "Nice"}
    comment = queue.insert("comment", "threads", post)
    research = queue.insert("market_research", "twitter", {"query": "ai", "maxPosts": 3})
    unknown = queue.insert("dance", "twitter", {})
    completed(queue, comment, research)
    assert queue.row(comment)["result"]["success"] is True
    assert queue.row(research)["result"]["answer"]
    assert [effect["text"] for effect in simulator.effects()] == ["Nice"]
    eventually(lambda: queue.statuses(unknown) == ["failed"], "the unknown action ends")
    assert "unknown action: dance" in queue.row(unknown)["error"]


@pytest.mark.usefixtures("worker")
def test_an_idle_worker_hears_of_new_work_at_once(queue: Queue) -> None:
    (first,) = queue.add("first")
    completed(queue, first)
    inserted_at = monotonic()
    (second,) = queue.add("second")
    completed(queue, second)
    assert monotonic() - inserted_at < AT_ONCE_SECONDS


def test_over_postgrest_it_delivers_as_well(
    postgres15_databases: Databases, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    with supabase_database(postgres15_databases) as database:
        queue = Queue(database)
        with WorkerProcess(environment_for(database, simulator, tmp_path), tmp_path) as worker:
            worker.await_log(" started ")
            (id_,) = queue.add("ada")
            completed(queue, id_)
            assert worker.stop() == 0


def test_with_a_wrong_password_it_says_so_and_goes_on_trying_in_peace(
    postgres15_databases: Databases, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    with postgres15_databases.fresh() as name:
        dsn = make_conninfo(postgres15_databases.server.owner(name), password=WRONG_PASSWORD)
        store = PostgresStore(dsn)
        database = Database("postgres15", dsn, dsn, store, {"DATABASE_URL": dsn})
        environment = environment_for(database, simulator, tmp_path)
        with WorkerProcess(environment, tmp_path) as worker:
            began_at = monotonic()
            worker.await_log("boot failed", times=4)
            lines = [line for line in worker.log.splitlines() if " WARNING " in line]
            assert monotonic() - began_at > 3 * 0.2
            assert any("password authentication failed" in line for line in lines)
            assert len(lines) < 40, "it tries without a pause"
            assert worker.stop() == 0
        store.close()


def test_with_a_database_that_is_down_it_waits_until_it_is_there(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    with short_folder() as folder:
        cluster = Cluster(folder, {"fsync": "off"})
        cluster.ensure_running()
        migrate(cluster.dsn)
        cluster.stop()
        store = PostgresStore(cluster.dsn)
        database = Database(
            "embedded", cluster.dsn, cluster.dsn, store, {"DATABASE_URL": cluster.dsn}
        )
        try:
            environment = environment_for(database, simulator, tmp_path)
            with WorkerProcess(environment, tmp_path) as worker:
                worker.await_log("boot failed", times=2)
                cluster.ensure_running()
                queue = Queue(database)
                (id_,) = queue.add("ada")
                completed(queue, id_)
                assert worker.stop() == 0
        finally:
            store.close()
            cluster.stop()
