"""A real Prometheus finds and scrapes a real worker and exporter."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from actp.tls import certificates
from metrics.serve import port_of, targets_folder
from simulator.process import free_port_base
from tests.actors.rows import eventually
from tests.actors.settings_for_tests import environment_for
from tests.process.workers import ROOT, WorkerProcess
from tests.support.environment import skip_or_fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.process import SimulatorProcess
    from tests.actors.rows import Queue

UP_SECONDS = 40.0
END_SECONDS = 30.0
SCRAPE_SECONDS = 0.05
HTTP_SECONDS = 20.0
PROGRAMS = ("exporter", "worker_00")
CONFIGURATION = ROOT / "metrics" / "prometheus.yml"


@pytest.fixture
def environment(queue: Queue, simulator: SimulatorProcess, tmp_path: Path) -> dict[str, str]:
    base = free_port_base()
    return environment_for(queue.database, simulator, tmp_path, METRICS_PORT_BASE=str(base))


@pytest.fixture
def home(environment: dict[str, str]) -> Path:
    return Path(environment["ACTP_HOME"])


@pytest.fixture
def exporter(environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "metrics.exporter"]
    with running(command, tmp_path / "exporter.log", environment) as process:
        yield process


@pytest.fixture
def worker(environment: dict[str, str], tmp_path: Path) -> Iterator[WorkerProcess]:
    with WorkerProcess(environment, tmp_path) as worker:
        yield worker


@pytest.fixture
def pages(
    environment: dict[str, str],
    home: Path,
    exporter: subprocess.Popen[bytes],
    worker: WorkerProcess,
) -> dict[str, str]:
    """The addresses of both, once they announce themselves and the database has been read."""
    assert exporter.poll() is None
    assert worker.process.poll() is None
    base = int(environment["METRICS_PORT_BASE"])
    files = [targets_folder(home) / f"{program}.json" for program in PROGRAMS]
    eventually(lambda: all(file.exists() for file in files), "both are announced", UP_SECONDS)
    found = {program: f"http://127.0.0.1:{port_of(base, program)}/metrics" for program in PROGRAMS}
    eventually(
        lambda: "actp_database_up 1.0" in fetch(found["exporter"]),
        "the database is read",
        UP_SECONDS,
    )
    return found


@contextmanager
def running(
    command: list[str], log: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(END_SECONDS)


def tool(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        skip_or_fail(f"{name} is not installed (apt install prometheus)")
    return program


@contextmanager
def prometheus(home: Path, folder: Path) -> Iterator[str]:
    """Our configuration with the targets of this home, looked for every second."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    for told, instead in (
        ("../var/metrics/targets", str(targets_folder(home))),
        ("rules/*.yml", f"{CONFIGURATION.parent}/rules/*.yml"),
        ("scrape_timeout: 5s", "scrape_timeout: 1s"),
        ("15s", "1s"),
    ):
        assert told in text
        text = text.replace(told, instead)
    path = folder / "prometheus.yml"
    path.write_text(text, encoding="utf-8")
    address = f"127.0.0.1:{free_port_base()}"
    command = [
        tool("prometheus"),
        f"--config.file={path}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={address}",
    ]
    with running(command, folder / "prometheus.log", {}):
        yield f"http://{address}/api/v1"


def fetch(page: str) -> str:
    # Not by httpx, which takes longer to make a client than a scrape may take.
    with urllib.request.urlopen(page, timeout=HTTP_SECONDS) as answer:  # noqa: S310 - our own
        body: bytes = answer.read()
    return body.decode()


def ask(url: str, **parameters: str) -> Any:
    try:
        answer = httpx.get(url, params=parameters, timeout=HTTP_SECONDS, verify=certificates())
        return answer.json()["data"]
    except (httpx.TransportError, json.JSONDecodeError):  # it is still starting
        return None


def test_prometheus_has_all_targets_up_and_every_rule_healthy(
    home: Path, pages: dict[str, str], tmp_path: Path
) -> None:
    assert pages
    with prometheus(home, tmp_path) as api:

        def up() -> dict[str, str]:
            data = ask(f"{api}/targets", state="active") or {"activeTargets": []}
            return {t["labels"]["program"]: t["health"] for t in data["activeTargets"]}

        eventually(lambda: up() == dict.fromkeys(PROGRAMS, "up"), "all targets are up", UP_SECONDS)
        eventually(
            lambda: firing(api) == {"ActpDeadMan"}, "only the dead man's alert fires", UP_SECONDS
        )
        groups = ask(f"{api}/rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert {
            rule["name"]: rule.get("lastError") for rule in rules if rule["health"] == "err"
        } == {}


def firing(api: str) -> set[str]:
    data = ask(f"{api}/alerts") or {"alerts": []}
    return {a["labels"]["alertname"] for a in data["alerts"] if a["state"] == "firing"}


def test_promtool_finds_nothing_wrong_with_what_is_shown(pages: dict[str, str]) -> None:
    for page in pages.values():
        done = subprocess.run(
            [tool("promtool"), "check", "metrics"],
            input=fetch(page),
            check=False,
            capture_output=True,
            text=True,
            timeout=END_SECONDS,
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), page


def test_a_scrape_is_quick(pages: dict[str, str]) -> None:
    for page in pages.values():
        await_quick(page)


def await_quick(page: str) -> None:
    """Scrape until it costs little; on a crowded machine some scrapes wait for their turn."""

    def is_quick() -> bool:
        began = perf_counter()
        fetch(page)
        return perf_counter() - began < SCRAPE_SECONDS

    eventually(is_quick, f"{page} is quick", UP_SECONDS)


def test_commands_are_counted(queue: Queue, pages: dict[str, str]) -> None:
    queue.add("ada", "bob")
    with queue.database.connect() as connection:
        connection.execute("insert into safari_command_queue (action) values ('made-up-by-hand')")
    wanted = (
        'actp_commands_total{action="send_dm",outcome="sent",service="instagram-dm"} 2.0',
        'actp_commands_total{action="other",outcome="rejected",service="local"} 1.0',
    )

    def counted() -> bool:
        text = fetch(pages["worker_00"])
        return all(series in text for series in wanted)

    eventually(counted, "all are counted", UP_SECONDS)
    assert "made-up-by-hand" not in fetch(pages["worker_00"])


def test_without_a_database_the_exporter_stays_and_says_so(
    environment: dict[str, str], home: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "metrics.exporter"]
    away = {**environment, "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing"}
    page = f"http://127.0.0.1:{port_of(int(environment['METRICS_PORT_BASE']), 'exporter')}/metrics"
    target = targets_folder(home) / "exporter.json"
    with running(command, tmp_path / "exporter.log", away) as process:
        eventually(target.exists, "it is announced", UP_SECONDS)
        eventually(
            lambda: "actp_database_read_failures_total 0.0" not in fetch(page),
            "it has tried",
            UP_SECONDS,
        )
        text = fetch(page)
        await_quick(page)
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_SECONDS) == 0
    assert "actp_database_up 0.0" in text
    assert not target.exists()
