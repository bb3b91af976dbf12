"""Answers of outside services that would never end, or fill the memory."""

from __future__ import annotations

import gzip
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from actp.clients.wire import MAX_ANSWER_BYTES, PLAIN, WHOLE_FILE, bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
TIMEOUT_SECONDS = 0.5
BOMB = gzip.compress(b"0" * 40_000_000)


@contextmanager
def service(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Answer one request with whatever ``answer`` writes."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                try:
                    answer(connection, done)
                except OSError:
                    return  # the client has gone, as it should

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            done.set()
            thread.join()


def trickle(connection: socket.socket, done: threading.Event) -> None:
    connection.sendall(OK + b"Content-Length: 100000\r\n\r\n")
    while not done.wait(TIMEOUT_SECONDS / 10):
        connection.sendall(b"x")


def endless(connection: socket.socket, done: threading.Event) -> None:
    connection.sendall(OK + b"\r\n")
    while not done.is_set():
        connection.sendall(b"x" * 65_536)


def bomb(connection: socket.socket, done: threading.Event) -> None:
    del done
    length = f"Content-Length: {len(BOMB)}\r\n".encode()
    connection.sendall(OK + b"Content-Encoding: gzip\r\n" + length + b"\r\n" + BOMB)


@pytest.mark.parametrize("answer", [trickle, endless, bomb])
@pytest.mark.timeout(30)
def test_an_answer_without_end_is_ended(
    answer: Callable[[socket.socket, threading.Event], None],
) -> None:
    hooks = {"response": [bounded]}
    with (
        service(answer) as url,
        httpx.Client(
            timeout=TIMEOUT_SECONDS, headers=PLAIN, event_hooks=hooks, trust_env=False
        ) as client,
        pytest.raises(httpx.HTTPError),
    ):
        client.get(url)


def test_a_file_may_be_longer() -> None:
    size = MAX_ANSWER_BYTES + 1

    def answer(connection: socket.socket, done: threading.Event) -> None:
        del done
        connection.sendall(OK + f"Content-Length: {size}\r\n\r\n".encode() + b"x" * size)

    hooks = {"response": [bounded]}
    with (
        service(answer) as url,
        httpx.Client(event_hooks=hooks, trust_env=False) as client,
        client.stream("GET", url, extensions=WHOLE_FILE) as file,
    ):
        assert len(b"".join(file.iter_bytes())) == size
