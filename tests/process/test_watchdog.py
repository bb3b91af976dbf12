"""The real watchdog under a real supervisord, over processes that fail in every way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest

from actp.errors import WrongState
from actp.settings import load_settings
from actp.tree import Tree
from metrics.serve import port_of
from simulator.process import free_port_base
from tests.actors.rows import eventually
from tests.actors.settings_for_tests import environment_for
from tests.process.test_prometheus import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.supervision import Process
    from simulator.process import SimulatorProcess
    from tests.support.databases import Database

ROOT = Path(__file__).parents[2]
BACK_SECONDS = 40.0
# Until something was noticed and done; others may crowd the machine.
DONE_SECONDS = 60.0
HANG_SECONDS = 60.0
STALE_SECONDS = "3"
MAIN = "from supervisor.supervisord import main; main()"
HEAD = """
[supervisord]
nodaemon=true
pidfile=%(ENV_ACTP_RUN)s/supervisord.pid
logfile=%(ENV_ACTP_LOGS)s/supervisord.log
childlogdir=%(ENV_ACTP_LOGS)s

[unix_http_server]
file=%(ENV_ACTP_RUN)s/supervisor.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[eventlistener:watchdog]
command={python} -m actors.watchdog
events=PROCESS_STATE_FATAL,PROCESS_STATE_EXITED,PROCESS_STATE_BACKOFF
buffer_size=1024
stdout_logfile=NONE
stderr_logfile=%(ENV_ACTP_LOGS)s/watchdog.log
"""

# A worker that grows while a file is there; the first to see it takes it away.
GROWING = """
import sys, threading
from pathlib import Path
sys.path.insert(0, ".")
from actors.__main__ import main

held = []

def grow():
    flag = Path(sys.argv[1])
    while not flag.exists():
        threading.Event().wait(0.1)
    flag.unlink()
    held.append(bytearray(b"x") * 300_000_000)

threading.Thread(target=grow, daemon=True).start()
sys.exit(main(["0"]))
"""


class SmallTree:
    """supervisord with the watchdog and the programs of one test."""

    def __init__(self, environment: dict[str, str], programs: str) -> None:
        self.settings = load_settings(environment)
        tree = Tree(self.settings)
        self.supervisor = tree.supervisor
        self.run_folder, self.log_folder = tree.run_folder, tree.log_folder
        for folder in (self.run_folder, self.log_folder):
            folder.mkdir(parents=True, exist_ok=True)
        configuration = self.run_folder / "small.conf"
        configuration.write_text((HEAD + programs).replace("{python}", f'"{sys.executable}"'))
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "-c", configuration],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "ACTP_RUN": str(self.run_folder),
                "ACTP_LOGS": str(self.log_folder),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        eventually(self.supervisor.is_up, "supervisord answers", BACK_SECONDS)

    def of(self, name: str) -> Process:
        return next(it for it in self.supervisor.processes() if it.name == name)

    def children(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children())

    def log(self, name: str) -> str:
        path = self.log_folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(BACK_SECONDS)


@contextmanager
def small_tree(environment: dict[str, str], programs: str) -> Iterator[SmallTree]:
    tree = SmallTree(environment, programs)
    try:
        yield tree
    finally:
        tree.end()


def worker(name: str, *more: str) -> str:
    lines = (
        f"[program:{name}]",
        "command={python} -m actors 0",
        "startsecs=2",
        "autorestart=unexpected",
        "exitcodes=0",
        "redirect_stderr=true",
        f"stdout_logfile=%(ENV_ACTP_LOGS)s/{name}.log",
        *more,
    )
    return "\n".join(lines) + "\n\n"


def alerts(database: Database) -> dict[str, Any]:
    with psycopg.connect(database.dsn) as connection:
        rows = connection.execute("select kind, detail from safari_alerts").fetchall()
    return {f"{kind} {detail['program']}": detail["error"] for kind, detail in rows}


@pytest.fixture
def environment(database: Database, simulator: SimulatorProcess, tmp_path: Path) -> dict[str, str]:
    more = {"WORKERS": "1", "HEARTBEAT_STALE_SECONDS": STALE_SECONDS}
    return environment_for(database, simulator, tmp_path, **more)


def test_a_hanging_worker_shows_its_stacks_and_is_started_anew(
    environment: dict[str, str], database: Database
) -> None:
    with small_tree(environment, worker("worker")) as tree:
        eventually(lambda: "started working" in tree.log("worker"), "it works", DONE_SECONDS)
        pid = tree.of("worker").pid
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: tree.of("worker").pid not in {0, pid}, "another process", HANG_SECONDS)
        eventually(
            lambda: tree.log("worker").count("started working") > 1, "it works", DONE_SECONDS
        )
        eventually(lambda: "process_stuck worker" in alerts(database), "it is told", DONE_SECONDS)
        assert " kill " in tree.log("watchdog")


def test_a_worker_whose_one_thread_hangs_ends_by_itself_when_told(
    environment: dict[str, str],
) -> None:
    """The whole process does not hang, so that it can say where it stands."""
    hanging = (
        "import threading; from actp.vitals import run_program;"
        " run_program(lambda vitals: threading.Event().wait())"
    )
    program = worker("stuck").replace("-m actors 0", f"-c '{hanging}'")
    with small_tree(environment, program) as tree:
        eventually(lambda: "terminate" in tree.log("watchdog"), "it is told to end", HANG_SECONDS)
        assert "most recent call first" in tree.log("stuck")
        assert "<lambda>" in tree.log("stuck")


def test_a_fatal_program_is_told_and_started_again(
    environment: dict[str, str], database: Database, tmp_path: Path
) -> None:
    flag = tmp_path / "well"
    shell = f"/bin/sh -c 'test -e \"{flag}\" && exec sleep 60'"
    program = f"[program:flaky]\ncommand={shell}\nstartretries=0\nstartsecs=1\n"
    base = free_port_base()
    page = f"http://127.0.0.1:{port_of(base, 'watchdog')}/metrics"
    series = 'actp_watchdog_actions_total{program="flaky",step="%s"} %s'
    with small_tree({**environment, "METRICS_PORT_BASE": str(base)}, program) as tree:
        eventually(lambda: "process_fatal flaky" in alerts(database), "it is told", DONE_SECONDS)
        flag.touch()
        eventually(lambda: tree.of("flaky").state == "RUNNING", "it runs", DONE_SECONDS)
        shown = fetch(page)
    assert series % ("kill", "0.0") in shown
    assert series % ("start", "0.0") not in shown
    assert series % ("start", "") in shown


def test_misconfigured_program_alerts_and_waits_for_new_settings(
    environment: dict[str, str], database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "settings.env"
    file.touch()
    with small_tree({**environment, "ACTP_ENV_FILE": str(file)}, worker("worker")) as tree:
        eventually(lambda: "started working" in tree.log("worker"), "it works", DONE_SECONDS)
        file.write_text("SAFARI_ALLOW_REMOTE=perhaps\n")
        os.kill(tree.of("worker").pid, signal.SIGKILL)
        eventually(lambda: tree.of("worker").state == "STOPPED", "it is given up", DONE_SECONDS)
        told = "process_misconfigured worker"
        eventually(lambda: told in alerts(database), "it is told", DONE_SECONDS)
        assert "SAFARI_ALLOW_REMOTE" in alerts(database)[told]
        assert tree.of("worker").state == "STOPPED"
        file.write_text("")
        eventually(
            lambda: tree.log("worker").count("started working") > 1, "it works", DONE_SECONDS
        )


def test_a_worker_over_its_memory_is_started_anew_in_order(
    environment: dict[str, str], tmp_path: Path
) -> None:
    flag, script = tmp_path / "grow", tmp_path / "growing.py"
    script.write_text(GROWING)
    program = worker("worker").replace("-m actors 0", f'"{script}" "{flag}"')
    with small_tree({**environment, "WORKER_MEMORY_MB": "250"}, program) as tree:
        eventually(lambda: "started working" in tree.log("worker"), "it works", DONE_SECONDS)
        pid = tree.of("worker").pid
        flag.touch()
        eventually(lambda: tree.of("worker").pid not in {0, pid}, "another", DONE_SECONDS)
        assert "stopping" in tree.log("worker")
        assert "exit status 0" in tree.log("supervisord")


def test_alerts_wait_for_the_database_also_over_the_watchdog_s_death(
    environment: dict[str, str], database: Database, tmp_path: Path
) -> None:
    shut = {**environment, "DATABASE_URL": "postgresql://app@127.0.0.1:1/none"}
    program = "[program:flaky]\ncommand=/bin/false\nstartretries=0\nstartsecs=1\n"
    with small_tree(shut, program) as tree:
        kept = tree.run_folder / "watchdog.json"
        eventually(
            lambda: kept.exists() and "process_fatal" in kept.read_text(), "kept", DONE_SECONDS
        )
        eventually(lambda: "alerts_wait" in tree.log("watchdog"), "it waits", DONE_SECONDS)
        text = kept.read_text()
    successor = {**environment, "ACTP_HOME": str(tmp_path / "successor")}
    kept = Tree(load_settings(successor)).run_folder / "watchdog.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(text)
    with small_tree(successor, ""):
        eventually(lambda: "process_fatal flaky" in alerts(database), "it is told", DONE_SECONDS)
        eventually(lambda: "flaky" not in kept.read_text(), "it is kept no more", DONE_SECONDS)


def test_nothing_works_on_without_its_supervisor(environment: dict[str, str]) -> None:
    with small_tree(environment, worker("worker")) as tree:
        eventually(lambda: "started working" in tree.log("worker"), "it works", DONE_SECONDS)
        beat = tree.run_folder / "watchdog.beat"
        eventually(beat.exists, "the watchdog begins", DONE_SECONDS)
        begun = beat.read_text()
        eventually(lambda: beat.read_text() != begun, "it has looked", DONE_SECONDS)
        orphans = tree.children()
        tree.process.kill()
        _, alive = psutil.wait_procs(orphans, DONE_SECONDS)
        assert alive == []
        with pytest.raises(WrongState):
            tree.supervisor.processes()
