"""The part of Supabase's gateway that a client notices: a prefix and a check of the key."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

PREFIX = "/rest/v1"
UPSTREAM_TIMEOUT_SECONDS = 60.0
FORWARDED = ("Authorization", "Content-Type", "Prefer", "Accept", "Accept-Profile")


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=UPSTREAM_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@dataclass(frozen=True, slots=True)
class Traffic:
    """How often each function was asked for, and the bytes of all answers."""

    requests: Counter[str]
    answer_bytes: int

    def __sub__(self, earlier: Traffic) -> Traffic:
        """Return what has come since."""
        return Traffic(self.requests - earlier.requests, self.answer_bytes - earlier.answer_bytes)


class Gateway:
    """Serves ``/rest/v1`` of an upstream to holders of a key, and counts what is asked."""

    def __init__(self, upstream: Path, keys: set[str]) -> None:
        class Handler(_Handler):
            pass

        Handler.upstream, Handler.keys = upstream, frozenset(keys)
        Handler.count = self._count
        self._counting = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._answer_bytes = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def traffic(self) -> Traffic:
        """Return what has come so far."""
        with self._counting:
            return Traffic(Counter(self._requests), self._answer_bytes)

    def _count(self, path: str, answer_bytes: int) -> None:
        with self._counting:
            self._requests[path.rpartition("/")[2]] += 1
            self._answer_bytes += answer_bytes

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    upstream: Path
    keys: frozenset[str]
    count: Callable[[str, int], None]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    connection_upstream: UnixConnection | None = None

    def do_POST(self) -> None:  # http.server's name
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("apikey") not in self.keys:
            self._answer(401, json.dumps({"message": "Invalid API key"}).encode(), {})
            return
        if self.connection_upstream is None:
            self.connection_upstream = UnixConnection(self.upstream)
        headers = {name: self.headers[name] for name in FORWARDED if name in self.headers}
        self.connection_upstream.request(
            self.command, self.path.removeprefix(PREFIX), body=body, headers=headers
        )
        answer = self.connection_upstream.getresponse()
        content = answer.read()
        type(self).count(self.path, len(content))
        self._answer(
            answer.status,
            content,
            {"Content-Type": answer.headers.get("Content-Type", "application/json")},
        )

    do_GET = do_PATCH = do_DELETE = do_POST  # noqa: N815 - http.server's names

    def finish(self) -> None:
        super().finish()
        if self.connection_upstream is not None:
            self.connection_upstream.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
