"""What a request over real HTTP comes to, when the other side does not behave."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import takewhile
from time import monotonic
from typing import TYPE_CHECKING, Self

import pytest
from pydantic import SecretStr

from actp.errors import InvalidInput
from actp.safari.catalogue import LOCAL, SERVICES
from actp.safari.exchange import Connection
from actp.safari.http_answer import MAX_BODY_BYTES
from actp.safari.local import LocalOptions
from actp.safari.outcomes import Failure, Phase
from actp.safari.transport import (
    HttpTransport,
    LocalTransport,
    with_ceiling,
)
from tests.unit.safari.commands_for_tests import command, command_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from actp.safari.outcomes import Outcome

    Script = Callable[[socket.socket, threading.Event], None]

DEADLINE_SECONDS = 20.0
TIMEOUT_SECONDS = 0.3
# The first answer is not waited for to the end, and the second comes within it.
SECOND_SECONDS = 1.5
NAME = "twitter-dm"
SECRET = "a-secret-token"  # noqa: S105  # of nobody
SENT = json.dumps({"success": True, "verified": True}).encode()


def whole_request(client: socket.socket) -> bytes:
    """Read a request to its end: head and body may come in two pieces."""
    with client.makefile("rb") as stream:
        lines = list(takewhile(bytes.strip, stream))
        lengths = [int(line[15:]) for line in lines if line.lower().startswith(b"content-length:")]
        return b"".join([*lines, b"\r\n", stream.read(sum(lengths))])


class Server:
    """Plays one script for each connection, the last one again and again."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = scripts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        with contextlib.suppress(OSError):  # a thread in accept() is woken only so
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(DEADLINE_SECONDS)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                script = self._scripts[min(len(self._threads), len(self._scripts)) - 1]
                thread = threading.Thread(target=self._play, args=(script, client))
                self._threads.append(thread)
                thread.start()

    def _play(self, script: Script, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(DEADLINE_SECONDS)
            self.requests.append(whole_request(client))
            script(client, self._end)


def answering(body: bytes, status: str = "200 OK") -> Script:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"

    def script(client: socket.socket, _end: threading.Event) -> None:
        client.sendall(head.encode() + body)

    return script


def saying(data: bytes) -> Script:
    def script(client: socket.socket, _end: threading.Event) -> None:
        client.sendall(data)

    return script


def hang(_client: socket.socket, end: threading.Event) -> None:
    end.wait(DEADLINE_SECONDS * 2)


def drip(client: socket.socket, end: threading.Event) -> None:
    """Send a byte now and then, each well within a read timeout."""
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not end.wait(TIMEOUT_SECONDS / 6):
        client.sendall(b" ")


def drip_head(client: socket.socket, end: threading.Event) -> None:
    """Send a header byte by byte, each well within a read timeout."""
    client.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not end.wait(TIMEOUT_SECONDS / 6):
        client.sendall(b"x")


def flood(client: socket.socket, end: threading.Event) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    block = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    for _ in range(MAX_BODY_BYTES // 0x100000 + 2):
        client.sendall(block)
    end.wait(DEADLINE_SECONDS)


@contextlib.contextmanager
def transport_to(url: str, *, timeout_seconds: float = DEADLINE_SECONDS) -> Iterator[HttpTransport]:
    service = replace(SERVICES[NAME], action_timeout_seconds=timeout_seconds)
    with contextlib.closing(HttpTransport(service, url=url, token=SecretStr(SECRET))) as transport:
        yield transport


def carry(*scripts: Script, timeout_seconds: float = DEADLINE_SECONDS) -> Outcome:
    with (
        Server(*scripts) as server,
        transport_to(server.url, timeout_seconds=timeout_seconds) as to,
    ):
        message = command_of(NAME)
        return to.send(message, to.prepare(message))


def probe(*scripts: Script) -> str | None:
    with Server(*scripts) as server, transport_to(server.url) as transport:
        return transport.probe()


def refused_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


@pytest.mark.parametrize("is_name", [True, False])
def test_a_refused_connection_is_not_sent(*, is_name: bool) -> None:
    message = command_of(NAME)
    with transport_to(refused_url() if is_name else "http://no..name/") as transport:
        outcome = transport.send(message, transport.prepare(message))
        assert transport.probe() is not None
    assert (outcome.verdict, outcome.reason) == ("retry", "never_connected")
    assert outcome.quota_back


def test_a_clear_answer_is_sent_and_the_request_was_whole() -> None:
    with Server(answering(SENT)) as server, transport_to(server.url) as transport:
        message = command_of(NAME)
        outcome = transport.send(message, transport.prepare(message))
    assert (outcome.verdict, outcome.http_status) == ("sent", 200)
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/twitter/messages/send-to HTTP/1.1\r\n")
    assert f"Authorization: Bearer {SECRET}".encode() in head
    assert json.loads(body) == {"username": "ada", "text": "Hello"}


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(saying(b""), id="dropped after the request"),
        pytest.param(hang, id="no answer"),
        pytest.param(drip, id="an answer that drips past the deadline"),
        pytest.param(drip_head, id="a header that drips past the deadline"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), id="cut short"),
        pytest.param(saying(b"SSH-2.0-OpenSSH_9.9\r\n"), id="no HTTP"),
        pytest.param(answering(b"<html>", "502 Bad Gateway"), id="an error of something between"),
    ],
)
def test_what_may_have_left_without_a_clear_answer_is_unknown(script: Script) -> None:
    began_at = monotonic()
    outcome = carry(script, timeout_seconds=TIMEOUT_SECONDS)
    assert outcome.verdict == "unknown"
    assert not outcome.quota_back
    assert monotonic() - began_at < DEADLINE_SECONDS, "it waited for the end of the server"


def test_an_answer_without_end_is_cut_off() -> None:
    outcome = carry(flood)
    assert outcome.verdict == "unknown"
    assert "did not end" in outcome.error


def test_a_connection_that_was_closed_while_idle_is_opened_again() -> None:
    """A server may close an idle connection without having said so."""
    closed = threading.Event()

    def answer_and_close(client: socket.socket, end: threading.Event) -> None:
        answering(SENT)(client, end)
        client.shutdown(socket.SHUT_RDWR)
        client.close()
        closed.set()

    with Server(answer_and_close) as server, transport_to(server.url) as transport:
        for _ in range(3):
            closed.clear()
            message = command_of(NAME)
            assert transport.send(message, transport.prepare(message)).verdict == "sent"
            assert closed.wait(DEADLINE_SECONDS)
        assert len(server.requests) == 3


def test_an_answer_that_closes_its_connection_is_read() -> None:
    head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(SENT)}\r\n\r\n"
    assert carry(saying(head.encode() + SENT)).verdict == "sent"
    assert carry(saying(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + SENT)).verdict == "sent"


def test_a_connection_is_used_again() -> None:
    def answer_twice(client: socket.socket, end: threading.Event) -> None:
        answering(SENT)(client, end)
        whole_request(client)
        answering(SENT)(client, end)

    with Server(answer_twice) as server, transport_to(server.url) as transport:
        message = command_of(NAME)
        for _ in range(2):
            assert transport.send(message, transport.prepare(message)).verdict == "sent"
    assert len(server.requests) == 1


def test_a_second_answer_to_one_request_is_not_taken_for_the_next() -> None:
    doubled = threading.Event()

    def answer_doubly(client: socket.socket, end: threading.Event) -> None:
        answering(SENT)(client, end)
        answering(SENT)(client, end)
        doubled.set()
        end.wait(DEADLINE_SECONDS)

    refused = json.dumps({"success": False, "error": "User not found"}).encode()
    with Server(answer_doubly, answering(refused)) as server, transport_to(server.url) as transport:
        message = command_of(NAME)
        assert transport.send(message, transport.prepare(message)).verdict == "sent"
        assert doubled.wait(DEADLINE_SECONDS)
        assert transport.send(message, transport.prepare(message)).verdict == "rejected"
        assert len(server.requests) == 2


def test_an_answer_that_announces_another_is_not_taken_for_it() -> None:
    late = threading.Event()

    def announce(client: socket.socket, end: threading.Event) -> None:
        client.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        late.wait(DEADLINE_SECONDS)
        with contextlib.suppress(OSError):
            answering(SENT)(client, end)

    refused = json.dumps({"success": False, "error": "User not found"}).encode()
    with (
        Server(announce, answering(refused)) as server,
        transport_to(server.url, timeout_seconds=SECOND_SECONDS) as transport,
    ):
        message = command_of(NAME)
        assert transport.send(message, transport.prepare(message)).verdict == "unknown"
        assert transport.send(message, transport.prepare(message)).verdict == "rejected"
        late.set()
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("path", "token", "said"),
    [
        ("/health and more", SECRET, "holds a space"),
        ("/health\r\nX: 1", SECRET, "holds a space"),
        ("/caf\u00e9", SECRET, "holds a space"),
        ("/health", f"{SECRET}\r\nX: 1", "holds a line break"),
        ("/health", f"{SECRET}\u20ac", "encode"),
    ],
)
def test_a_request_that_cannot_be_written_is_not_sent(path: str, token: str, said: str) -> None:
    with Server(answering(SENT)) as server:
        connection = Connection(server.url, SecretStr(token))
        reply = connection.exchange("GET", path, timeout_seconds=DEADLINE_SECONDS)
    assert isinstance(reply, Failure)
    assert reply.phase is Phase.NEVER_CONNECTED
    assert said in reply.detail
    assert SECRET not in reply.detail
    assert server.requests == []


def test_a_service_that_repeats_the_token_does_not_store_it() -> None:
    said = json.dumps({"error": f"you sent Bearer {SECRET}"}).encode()
    outcome = carry(answering(said, "400 Bad Request"))
    assert SECRET not in repr(outcome)
    assert "you sent Bearer ********" in outcome.error


def test_no_error_shows_the_token() -> None:
    message = command_of(NAME)
    with transport_to(refused_url()) as transport:
        said = [repr(transport.send(message, transport.prepare(message))), str(transport.probe())]
    said.append(repr(carry(saying(b"nonsense"))))
    assert not any(SECRET in each for each in said)


def test_a_service_that_says_who_it_is_may_be_used() -> None:
    assert probe(answering(b'{"status": "ok", "service": "twitter-dm"}')) is None


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (answering(b'{"service": "tiktok-dm"}'), "leads to tiktok-dm"),
        (answering(b'{"ok": true}'), "does not call itself twitter-dm"),
        (answering(b"<html>It works</html>"), "something that is not twitter-dm"),
        (answering(b"[1]"), "something that is not twitter-dm"),
        (answering(b'{"service": "twitter-dm"}', "500 Error"), "says HTTP 500 to /health"),
        (answering(b'{"error": "Unauthorized"}', "401 Unauthorized"), "says HTTP 401"),
        (answering(b"\xff\xfe"), "something that is not twitter-dm"),
        (saying(b"SSH-2.0-OpenSSH_9.9\r\n"), "does not answer"),
        (saying(b""), "does not answer"),
    ],
)
def test_whoever_else_listens_is_not_used(script: Script, said: str) -> None:
    problem = probe(script)
    assert problem is not None
    assert said in problem


def test_a_probe_ends_though_the_service_hangs() -> None:
    began_at = monotonic()
    with ThreadPoolExecutor() as both:  # each takes the whole time that a probe has
        assert all(problem is not None for problem in both.map(probe, (hang, drip)))
    assert monotonic() - began_at < DEADLINE_SECONDS


def test_an_invalid_command_makes_no_request() -> None:
    with transport_to(refused_url()) as transport, pytest.raises(InvalidInput):
        transport.prepare(command("send_dm", "twitter", username="ada"))


def test_a_ceiling_cuts_down_what_is_longer() -> None:
    service = SERVICES["tiktok-dm"]
    assert with_ceiling(service, None) is service
    assert with_ceiling(service, 10_000.0) == service
    short = with_ceiling(service, 2.0)
    assert (short.action_timeout_seconds, short.busy_seconds) == (2.0, 4.0)


@pytest.mark.parametrize(
    ("action", "drives"), [("sync", True), ("pipeline", True), ("score", False)]
)
def test_local_actions_take_a_turn_only_if_they_drive_safari(action: str, *, drives: bool) -> None:
    transport = LocalTransport(SERVICES[LOCAL], LocalOptions())
    assert transport.needs_turn(command(action)) is drives
    assert transport.probe() is None
