"""The sentinel as a process: what it tells a person, alone and beside another one."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from actp.safari.catalogue import HTTP_SERVICES
from actp.settings import SERVICE_SETTINGS
from tests.actors.rows import eventually
from tests.process.workers import WorkerProcess

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.process import SimulatorProcess
    from tests.actors.rows import Queue

TOKEN = "123456:a-secret-for-no-log"  # noqa: S105  # of a simulated bot
PROGRAM = ("actors.sentinel",)
HEALTHY_SECONDS = 40.0


@pytest.fixture
def environment(queue: Queue, simulator: SimulatorProcess, tmp_path: Path) -> dict[str, str]:
    urls = {f"{stem}_URL": simulator.url(name) for name, stem in SERVICE_SETTINGS.items()}
    return {
        **urls,
        "DATABASE_URL": queue.database.dsn,
        "ACTP_HOME": str(tmp_path / "home"),
        "ACTP_LOCK_DIR": str(tmp_path / "locks"),
        "ACTP_ENV_FILE": "",
        "HEALTH_SECONDS": "2",
        "METRICS_PORT_BASE": "0",
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_CHAT_ID": "42",
        "TELEGRAM_API_URL": simulator.url("telegram"),
    }


def test_two_sentinels_report_an_outage_and_its_end_once(
    environment: dict[str, str], queue: Queue, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.play({"telegram": {"token": TOKEN, "min_gap_seconds": 0.9}})
    with ExitStack() as stack:
        sentinels = [
            stack.enter_context(
                WorkerProcess(
                    {**environment, "ACTP_LOCK_DIR": str(tmp_path / host)}, tmp_path, host, PROGRAM
                )
            )
            for host in ("here", "there")
        ]
        healthy = "select count(*) from safari_service_health where status = 'healthy'"
        eventually(
            lambda: queue.execute(healthy)[0]["count"] == len(HTTP_SERVICES),
            "all were found healthy",
            HEALTHY_SECONDS,
        )
        simulator.down("twitter-dm")
        eventually(lambda: len(simulator.messages()) == 1, "the outage was told", HEALTHY_SECONDS)
        simulator.up("twitter-dm")
        eventually(lambda: len(simulator.messages()) == 2, "its end was told", HEALTHY_SECONDS)
        assert [sentinel.stop() for sentinel in sentinels] == [0, 0]
    down, back = simulator.messages()
    assert down.startswith("⚠️ Safari Service Down: twitter-dm (port 3003)\nLast healthy: ")
    assert back.startswith("✅ Safari Service Back: twitter-dm (port 3003)")


def test_a_sentinel_without_a_database_stays_up_and_stops_in_order(
    environment: dict[str, str], tmp_path: Path
) -> None:
    nowhere = {**environment, "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    with WorkerProcess(nowhere, tmp_path, "sentinel", PROGRAM) as sentinel:
        sentinel.await_log("database_lost")
        assert sentinel.stop() == 0


def test_a_wrong_setting_ends_it_with_the_reason(
    environment: dict[str, str], tmp_path: Path
) -> None:
    remote = {**environment, "TELEGRAM_API_URL": "http://telegram.example.org"}
    with WorkerProcess(remote, tmp_path, "sentinel", PROGRAM) as sentinel:
        assert sentinel.end() == 78
        assert "TELEGRAM_API_URL" in sentinel.log
