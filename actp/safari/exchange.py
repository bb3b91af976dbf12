"""One HTTP exchange with a service, bounded by one deadline from the connect to the last byte."""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from actp.safari.outcomes import Failure, Phase, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

__all__ = ["Ask", "Connection", "bearer_headers"]

CONNECT_TIMEOUT_SECONDS: Final = 3.0
WRITE_TIMEOUT_SECONDS: Final = 5.0
# Node closes an idle connection after 5 s. A request sent at that very moment would leave its
# outcome unknown.
KEEPALIVE_SECONDS: Final = 2.0
MAX_REPLY_BYTES: Final = 32 * 1024 * 1024
CHUNK_BYTES: Final = 64 * 1024
MAX_DETAIL_LENGTH: Final = 200
MASK: Final = b"********"
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Ask(Protocol):
    """Asks the service one thing and waits for the answer."""

    def __call__(
        self, method: str, path: str, content: bytes = b"", *, timeout_seconds: float
    ) -> Reply | Failure:
        """Return what came back."""


def bearer_headers(token: SecretStr | None) -> dict[str, str]:
    """Return the headers that let a request in; empty without a token."""
    return {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}


class Connection:
    """A connection to one origin, for one thread; opened when needed and used again while fresh.

    It follows no redirects and keeps no cookies. A failure is *never connected* until the first
    byte of the request may have left, and *maybe sent* from then on. The token is masked in
    whatever comes back.
    """

    def __init__(self, url: str, token: SecretStr | None = None) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._prefix = parts.path.rstrip("/")
        self._secret = token.get_secret_value() if token else ""
        self._headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            **bearer_headers(token),
        }
        # The system's certificates are loaded only where they are needed: it takes a while.
        self._tls = _tls_context() if parts.scheme == "https" else None
        self._open: _Http | None = None
        self._used_at = 0.0

    def exchange(
        self,
        method: str,
        path: str,
        content: bytes = b"",
        *,
        timeout_seconds: float,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Reply | Failure:
        """Send one request and return its whole answer, or why there is none; never raises."""
        deadline = monotonic() + timeout_seconds
        try:
            connection = self._connected(deadline)
        except OSError as error:
            return Failure(Phase.NEVER_CONNECTED, self._described(error))
        self._open = None
        try:
            asked = (method, path, content, self._headers | {**headers})
            reply = self._exchanged(connection, asked, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            return Failure(Phase.MAYBE_SENT, self._described(error))
        return reply

    def can_connect(self, timeout_seconds: float) -> Failure | None:
        """Return why no connection can be opened, or None; sends nothing."""
        try:
            self._connected(monotonic() + timeout_seconds)
        except OSError as error:
            return Failure(Phase.NEVER_CONNECTED, self._described(error))
        finally:
            self.close()
        return None

    def close(self) -> None:
        """Close the connection; the next exchange opens another."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _connected(self, deadline: float) -> _Http:
        if self._open is not None:
            # A connection that holds bytes nobody asked for was closed, or is out of step.
            is_fresh = monotonic() - self._used_at < KEEPALIVE_SECONDS
            if is_fresh and not select.select([self._open.sock], [], [], 0)[0]:
                return self._open
            self.close()
        self._open = _Http(self._host, self._port, self._tls)
        timeout_seconds = min(CONNECT_TIMEOUT_SECONDS, max(deadline - monotonic(), 0.001))
        self._open.timeout = timeout_seconds
        try:
            self._open.connect()
        except OSError:
            self.close()
            raise
        return self._open

    def _exchanged(
        self,
        connection: _Http,
        asked: tuple[str, str, bytes, dict[str, str]],
        deadline: float,
    ) -> Reply | Failure:
        method, path, content, headers = asked
        sock = connection.sock
        sock.deadline = min(deadline, monotonic() + WRITE_TIMEOUT_SECONDS)
        connection.request(method, f"{self._prefix}{path}", content or None, headers)
        sock.deadline = deadline
        with connection.getresponse() as answer:
            body, is_in_step = _body(answer, sock)
        if body is None:
            connection.close()
            return Failure(Phase.MAYBE_SENT, "the answer did not end")
        if is_in_step and answer.status >= http.HTTPStatus.OK:  # after 1xx comes another answer
            self._open, self._used_at = connection, monotonic()
        else:
            connection.close()
        if self._secret:
            body = body.replace(self._secret.encode(), MASK)
        return Reply(answer.status, dict(answer.getheaders()), body)

    def _described(self, error: Exception) -> str:
        said = f"{type(error).__name__}: {error}"
        if self._secret:
            said = said.replace(self._secret, MASK.decode())
        return said[:MAX_DETAIL_LENGTH]


class _Deadline:
    """Makes every read and write of a socket end at one deadline, however slowly bytes come."""

    deadline: float | None = None  # None: whatever timeout the socket has

    def recv_into(self, buffer: Any, nbytes: int | None = 0, flags: int = 0) -> int:
        self._bound()
        return super().recv_into(buffer, nbytes, flags)  # type: ignore[misc, no-any-return]

    def sendall(self, data: Any, flags: int = 0) -> None:
        self._bound()
        super().sendall(data, flags)  # type: ignore[misc]

    def _bound(self) -> None:
        if self.deadline is None:
            return
        left = self.deadline - monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.settimeout(left)  # type: ignore[attr-defined]


class _Socket(_Deadline, socket.socket):
    pass


class _TlsSocket(_Deadline, ssl.SSLSocket):
    pass


def _tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.sslsocket_class = _TlsSocket
    return context


class _Http(http.client.HTTPConnection):
    """An HTTP connection over a socket that keeps a deadline."""

    sock: _Socket | _TlsSocket

    def __init__(self, host: str, port: int | None, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port or (443 if tls else 80))
        self._tls = tls

    def connect(self) -> None:
        try:
            plain = socket.create_connection((self.host, self.port), self.timeout)
        except UnicodeError:
            raise OSError("the host is not a name") from None
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            self.sock = _Socket(plain.family, plain.type, plain.proto, plain.detach())
            return
        try:
            wrapped = self._tls.wrap_socket(plain, server_hostname=self.host)
        except OSError:
            plain.close()
            raise
        assert isinstance(wrapped, _TlsSocket)  # noqa: S101 - the class that the context was given
        self.sock = wrapped


def _body(
    answer: http.client.HTTPResponse, sock: _Socket | _TlsSocket
) -> tuple[bytes | None, bool]:
    """Return the body, None where it is too long, and whether the next answer can follow it."""
    body = bytearray()
    if answer.chunked or answer.length is None:
        while chunk := answer.read1(CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_REPLY_BYTES:
                return None, False
        return bytes(body), False
    if answer.length > MAX_REPLY_BYTES:
        return None, False
    stream = answer.fp
    if not isinstance(stream, io.BufferedReader):  # no body at all: HEAD, 204
        return b"", True
    while len(body) < answer.length:
        chunk = stream.read1(min(CHUNK_BYTES, answer.length - len(body)))
        if not chunk:
            raise http.client.IncompleteRead(b"", answer.length - len(body))
        body += chunk
    if answer.will_close or isinstance(sock, _TlsSocket):
        return bytes(body), False
    # Bytes that nobody asked for would be taken for the next answer.
    sock.deadline = None
    sock.setblocking(False)
    return bytes(body), not stream.peek(1)
