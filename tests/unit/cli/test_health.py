from __future__ import annotations

import json
import socket
import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from actp.errors import ExitCode
from actp.safari.catalogue import HTTP_SERVICES
from actp.safari.session_check import MAX_BODY_BYTES, Health, probe_all
from actp.settings import SERVICE_SETTINGS
from actp.store.embedded.cluster import Cluster
from tests.support.servers import short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import Database
    from tests.unit.cli.conftest import Cli

# One after the other, nine hanging services would take twice as long.
WHOLE_SECONDS = 8.0


@contextmanager
def answering(body: Any, status: int = 200) -> Iterator[str]:
    """A service that says one thing; gives its origin."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name http.server calls
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def hanging() -> Iterator[str]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def ask(name: str, url: str) -> Health:
    """Ask with one service at ``url`` and the others nowhere."""
    results = probe_all(lambda service: url if service == name else "http://127.0.0.1:1")
    return next(result for result in results if result.service_name == name)


def test_all_nine_are_asked_in_the_order_of_the_catalogue() -> None:
    results = probe_all(lambda _service: "http://127.0.0.1:1")
    assert [result.service_name for result in results] == [s.name for s in HTTP_SERVICES]
    assert {result.status for result in results} == {"down"}
    assert results[0].error == "nothing listens at http://127.0.0.1:1"


def test_a_service_that_names_itself_is_healthy() -> None:
    with answering({"status": "ok", "service": "twitter-dm"}) as url:
        result = ask("twitter-dm", url)
    assert (result.status, result.error) == ("healthy", None)
    assert result.response_ms is not None


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"service": "tiktok-dm"}, 200, "tiktok-dm"),
        ({"status": "ok"}, 200, "does not call itself twitter-dm"),
        (b"<html>", 200, "another program"),
        ([1], 200, "another program"),
        (b"[" * 100_000, 200, "another program"),
        (b" " * (MAX_BODY_BYTES + 1), 200, "too long"),
        ({"error": "no"}, 503, "HTTP 503"),
    ],
)
def test_an_answer_of_another_kind_is_down_with_the_reason(
    body: Any, status: int, words: str
) -> None:
    with answering(body, status) as url:
        result = ask("twitter-dm", url)
    assert result.status == "down"
    assert words in str(result.error)


def test_nine_hanging_services_and_a_hanging_database_are_waited_for_at_once(
    run: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        for prefix in SERVICE_SETTINGS.values():
            monkeypatch.setenv(f"{prefix}_URL", stack.enter_context(hanging()))
        port = stack.enter_context(hanging()).rpartition(":")[2]
        monkeypatch.setenv("DATABASE_URL", f"postgresql://app@127.0.0.1:{port}/none")
        began = monotonic()
        result = run("health", "--json")
        assert monotonic() - began < WHOLE_SECONDS
    assert result.code == ExitCode.FAILED
    assert {service["status"] for service in result.json["services"]} == {"timeout"}
    assert result.json["recorded"] is False


def test_what_was_found_is_stored(
    run: Cli, queue: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering({"service": "twitter-dm"}) as url:
        monkeypatch.setenv("SAFARI_TWITTER_DM_URL", url)
        assert run("health", "--json").json["recorded"] is True
    with queue.connect() as connection:
        stored = connection.execute(
            "select service_name, status, last_healthy_at is not null"
            " from safari_service_health where service_name like 'twitter%' order by 1"
        ).fetchall()
    assert stored == [("twitter-comments", "down", False), ("twitter-dm", "healthy", True)]


def test_a_first_check_waits_for_its_database_to_be_made(
    run: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with short_folder() as home:
        monkeypatch.setenv("ACTP_HOME", str(home))
        monkeypatch.delenv("DATABASE_URL", raising=False)
        try:
            assert run("health", "--json").json["recorded"] is True
        finally:
            Cluster(home).stop()


def test_an_unreachable_database_does_not_hide_what_was_found(run: Cli) -> None:
    result = run("health")
    assert result.code == ExitCode.FAILED
    assert "0 of 9 services are healthy." in result.out
    assert "Not stored: connection failed" in result.out
    assert result.err == ""
