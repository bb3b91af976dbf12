"""A disk that is full or read-only, and a run folder that is gone, under a tree at work."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING

import psutil
import pytest

from actp.settings import load_settings
from actp.tree import Tree
from tests.actors.rows import Queue, eventually
from tests.actors.settings_for_tests import environment_for
from tests.process.test_tree import command, delivers, worker_pids
from tests.process.workers import START_SECONDS
from tests.support.environment import skip_or_fail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from simulator.process import SimulatorProcess

STALE_SECONDS = 3
SUITES = {"small": (1, 2.5 * STALE_SECONDS), "large": (10, 60.0)}
MOUNT_SECONDS = 30
LOOK_SECONDS = 0.2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that is just large enough to start on."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0:
        skip_or_fail("only root on Linux can make a small disk")
    if subprocess.run(mount, check=False, capture_output=True, timeout=MOUNT_SECONDS).returncode:
        skip_or_fail("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True, timeout=MOUNT_SECONDS)


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """Leave not a byte of room."""
    path = folder / "filling"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (2**20, 2**12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    yield
    path.unlink()


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nothing be opened for writing; files that are open stay so, as after a remount."""
    above = ["mount", "--bind", str(folder), str(folder)]
    subprocess.run(above, check=True, timeout=MOUNT_SECONDS)
    remount = ["mount", "-o", "remount,bind,ro", str(folder)]
    subprocess.run(remount, check=True, timeout=MOUNT_SECONDS)
    with pytest.raises(OSError, match="Read-only file system"):
        (folder / "filling").touch()
    yield
    subprocess.run(["umount", "-l", str(folder)], check=True, timeout=MOUNT_SECONDS)


@pytest.mark.timeout(1500)
def test_a_disk_that_takes_nothing_ends_nobody_and_loses_nothing(
    queue: Queue, simulator: SimulatorProcess, small_disk: Path, suite: str
) -> None:
    rounds, trouble_seconds = SUITES[suite]
    environment = environment_for(
        queue.database,
        simulator,
        small_disk,
        ACTP_HOME=str(small_disk),
        WORKERS="1",
        HEARTBEAT_STALE_SECONDS=str(STALE_SECONDS),
        # The long suite sends more than one service takes in an hour.
        SAFARI_DAILY_LIMITS='{"instagram": {"dm": 1000}}',
    )
    tree = Tree(load_settings(environment))
    pause = threading.Event()
    command(environment, "up")
    try:
        eventually(lambda: bool(worker_pids(tree)), "workers run", START_SECONDS)
        supervisord, workers = tree.supervisor.pid(), worker_pids(tree)
        delivers(queue, "before")
        troubles = [*[full] * rounds, read_only]
        for number, trouble in enumerate(troubles):
            with trouble(small_disk):
                (id_,) = queue.add(f"during{number}")
                # As long as beats that cannot be written would take to look like a death.
                until = monotonic() + trouble_seconds
                while monotonic() < until:
                    assert tree.supervisor.pid() == supervisord
                    assert worker_pids(tree) == workers
                    pause.wait(LOOK_SECONDS)
            eventually(lambda: queue.statuses(id_) == ["completed"], "it arrives", START_SECONDS)  # noqa: B023
            delivers(queue, f"after{number}")
        sent = [line["recipient"] for line in simulator.world()]
        assert sorted(sent) == sorted(
            ["before"]
            + [f"{when}{n}" for when in ("during", "after") for n in range(len(troubles))]
        )
    finally:
        command(environment, "down")


def test_a_tree_whose_run_folder_is_gone_ends_itself(
    queue: Queue, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    environment = environment_for(queue.database, simulator, tmp_path, WORKERS="1")
    tree = Tree(load_settings(environment))
    command(environment, "up")
    eventually(lambda: bool(worker_pids(tree)), "workers run", START_SECONDS)
    supervisord = psutil.Process(tree.supervisor.pid())
    shutil.rmtree(tree.run_folder)
    eventually(lambda: not supervisord.is_running(), "the tree has ended", START_SECONDS)
    command(environment, "up")
    command(environment, "down")
