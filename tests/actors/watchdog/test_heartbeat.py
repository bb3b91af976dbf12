"""What a monitor outside the host receives."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from actors.watchdog.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_SECONDS = 30


class Monitor(HTTPServer):
    def __init__(self) -> None:
        self.pings: Queue[tuple[str, str]] = Queue()
        super().__init__(("127.0.0.1", 0), _Handler)

    def await_ping(self, path: str, body: str) -> None:
        """Wait for it; others may have come before."""
        while self.pings.get(timeout=WAIT_SECONDS) != (path, body):
            pass

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/key"


class _Handler(BaseHTTPRequestHandler):
    server: Monitor

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.pings.put((self.path, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    with Monitor() as monitor:
        thread = threading.Thread(target=monitor.serve_forever, daemon=True)
        thread.start()
        yield monitor
        monitor.shutdown()
        thread.join(WAIT_SECONDS)


def test_a_working_tree_pings_and_one_that_does_not_says_why(monitor: Monitor) -> None:
    heartbeat = Heartbeat(SecretStr(monitor.url), interval_seconds=0.02)
    heartbeat.report(None)
    monitor.await_ping("/key", "")
    heartbeat.report("not running: worker_00")
    monitor.await_ping("/key/fail", "not running: worker_00")
    heartbeat.close()


def test_an_address_that_does_not_answer_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    heartbeat = Heartbeat(SecretStr("http://127.0.0.1:9/secret-key"), interval_seconds=3600)
    heartbeat._ping(None)  # noqa: SLF001 - what its thread does once a minute
    heartbeat.close()
    assert "no heartbeat: ConnectError" in caplog.text
    assert "secret-key" not in caplog.text


def test_without_an_address_nothing_runs() -> None:
    before = set(threading.enumerate())
    Heartbeat(None)
    assert set(threading.enumerate()) <= before
