"""The whole tree under supervisord."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import psutil
import pytest

from actp.errors import StoreError, WrongState
from actp.settings import load_settings
from actp.store.embedded.account import server_account
from actp.store.embedded.cluster import Cluster
from actp.store.embedded.location import locate
from actp.store.postgres import PostgresStore
from actp.supervision import TreeStopping
from actp.tree import Tree
from tests.actors.rows import Queue, eventually
from tests.actors.settings_for_tests import environment_for
from tests.process.workers import ROOT, START_SECONDS
from tests.support.databases import Database
from tests.support.servers import short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from simulator.process import SimulatorProcess

COMMAND_SECONDS = 240
TOKENS = {"SAFARI_INSTAGRAM_DM_TOKEN": "a-token-of-ours"}


@contextmanager
def standing(environment: dict[str, str]) -> Iterator[Tree]:
    """Bring the tree up and take it down again; nothing of it is left."""
    tree = Tree(load_settings(environment))
    command(environment, "up")
    pids: list[int] = []
    try:
        eventually(
            lambda: len(worker_pids(tree)) == tree.settings.workers, "workers run", START_SECONDS
        )
        yield tree
        assert [path for path in files_of(tree) if path.stat().st_mode & 0o077] == []
    finally:
        pids += [process["pid"] for process in tree.processes() if process["pid"]]
        command(environment, "down")
    assert [pid for pid in pids if is_alive(pid)] == []
    assert not tree.is_up()
    logs = "".join(path.read_text() for path in tree.log_folder.iterdir())
    assert [token for token in TOKENS.values() if token in logs] == []
    assert "Traceback" not in (tree.log_folder / "supervisord.out").read_text()


def files_of(tree: Tree) -> list[Path]:
    """Logs, and what processes say of themselves; the socket has its own mode."""
    files = [
        path
        for folder in (tree.log_folder, tree.run_folder)
        for path in folder.iterdir()
        if path.is_file()
    ]
    suffixes = {path.suffix for path in files}
    assert {".log", ".out"} <= suffixes  # else nothing would be looked at
    return files


def command(environment: dict[str, str], name: str) -> None:
    done = run(environment, name)
    assert done.returncode == 0, done.stderr


def run(environment: dict[str, str], name: str) -> subprocess.CompletedProcess[str]:
    with started(environment, name) as process:
        out, error = process.communicate(timeout=COMMAND_SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)


def started(environment: dict[str, str], name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "actp.cli", name],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def worker_pids(tree: Tree) -> dict[str, int]:
    return {
        process["name"]: process["pid"]
        for process in tree.processes()
        if process["name"].startswith("worker_") and process["pid"]
    }


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def answers(store: PostgresStore) -> bool:
    try:
        store.call("safari_now")
    except StoreError:
        return False
    return True


def delivers(queue: Queue, recipient: str) -> None:
    (id_,) = queue.add(recipient)
    eventually(
        lambda: queue.statuses(id_) == ["completed"], f"{recipient} is reached", START_SECONDS
    )


def test_tree_runs_in_a_path_with_spaces_and_percent_signs(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    folder = tmp_path / "a path  with spaces, 100%sure, %(here)s"
    folder.mkdir()
    nowhere = PostgresStore("")
    nobody = Database("embedded", "", "", nowhere)
    environment = environment_for(
        nobody, simulator, folder, WORKERS="2", SAFARI_LEASE_SECONDS="10", **TOKENS
    )
    nowhere.close()
    # The socket of supervisord moves there, since the path of its folder is too long for one.
    with (
        short_folder() as locks,
        standing({**environment, "ACTP_LOCK_DIR": str(locks)}) as tree,
    ):
        with pytest.raises(WrongState, match="already up"):
            tree.refuse_second()
        # bin/up ends the server that it migrated: the next command must find the one that stays.
        server = next(it["pid"] for it in tree.processes() if it["name"] == "postgres")
        assert psutil.Process(server).name() == "postgres"
        log = locate(tree.settings.actp_home, server_account()).log.read_text()
        assert log.count("starting PostgreSQL") == 1  # the supervised start has another log
        dsn = Cluster(tree.settings.actp_home).dsn
        with closing(PostgresStore(dsn)) as store:
            eventually(lambda: answers(store), "the database is up", START_SECONDS)
            delivers(Queue(Database("embedded", dsn, dsn, store)), "ada")
    assert [effect["recipient"] for effect in simulator.effects()] == ["ada"]


def test_up_warns_of_a_settings_file_that_others_can_read(
    database: Database, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    file = tmp_path / "my own settings.env"
    file.write_text("STOP_SECONDS=5\n")
    environment = environment_for(
        database, simulator, tmp_path, WORKERS="1", ACTP_ENV_FILE=str(file)
    )
    for mode, warns in ((0o644, True), (0o600, False)):
        file.chmod(mode)
        done = run(environment, "up")
        command(environment, "down")
        assert done.returncode == 0, done.stderr
        assert (f"other users can read {file}. Run chmod 600 '{file}'." in done.stderr) is warns


def test_a_worker_that_is_killed_comes_back_and_works(
    database: Database,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    queue = Queue(database)
    environment = environment_for(database, simulator, tmp_path, WORKERS="1", **TOKENS)
    with standing(environment) as tree:
        delivers(queue, "before")
        ((name, pid),) = worker_pids(tree).items()
        os.kill(pid, signal.SIGKILL)
        delivers(queue, "after")
        assert worker_pids(tree)[name] != pid
    assert len(simulator.effects()) == 2


def test_commands_say_that_the_tree_is_stopping(
    database: Database, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    environment = environment_for(database, simulator, tmp_path, WORKERS="1", STOP_SECONDS="90")
    tree = Tree(load_settings(environment))
    command(environment, "up")
    eventually(lambda: bool(worker_pids(tree)), "the worker runs", START_SECONDS)
    (worker,) = worker_pids(tree).values()
    os.kill(worker, signal.SIGSTOP)  # so that the stop lasts until it may go on
    with started(environment, "down") as first:
        try:
            eventually(lambda: is_stopping(tree), "the stop has begun", START_SECONDS)
            for name, code in (("up", 65), ("restart", 65), ("doctor", 1)):
                done = run(environment, name)
                assert done.returncode == code, done.stderr
                assert "the tree is stopping" in done.stdout + done.stderr
            assert first.poll() is None
            second = started(environment, "down")
        finally:
            os.kill(worker, signal.SIGCONT)
        with second:
            assert (first.wait(COMMAND_SECONDS), second.wait(COMMAND_SECONDS)) in {(0, 0), (0, 65)}
    assert not tree.is_up()
    assert "SHUTDOWN_STATE" not in (tree.log_folder / "watchdog.log").read_text()


def is_stopping(tree: Tree) -> bool:
    try:
        tree.supervisor.pid()
    except TreeStopping:
        return True
    return False
