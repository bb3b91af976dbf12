"""One HTTP exchange with a service, bounded by one deadline from the connect to the last byte."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from actp.safari.http_answer import read_http
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
CHUNK_BYTES: Final = 64 * 1024
MAX_DETAIL_LENGTH: Final = 200
MASK: Final = b"********"
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
WITH_BODY: Final = frozenset({"PATCH", "POST", "PUT"})

_TARGET: Final = re.compile("[\x21-\x7e]+")
_FIELD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\r\n\0]*")


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

    It follows no redirects, keeps no cookies and makes no HEAD requests. A failure is *never
    connected* until the first byte of the request may have left, and *maybe sent* from then on.
    The token is masked in whatever comes back.
    """

    def __init__(self, url: str, token: SecretStr | None = None) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        is_secure = parts.scheme == "https"
        usual_port = 443 if is_secure else 80
        self._port = parts.port or usual_port
        self._prefix = parts.path.rstrip("/")
        self._secret = token.get_secret_value() if token else ""
        self._headers = {
            "Host": _host_header(self._host, None if self._port == usual_port else self._port),
            "Accept-Encoding": "identity",
            "Accept": "application/json",
            "Content-Type": "application/json",
            **bearer_headers(token),
        }
        # The system's certificates are loaded only where they are needed: it takes a while.
        self._tls = ssl.create_default_context() if is_secure else None
        self._open: socket.socket | None = None
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
            request = self._request(method, path, content, self._headers | {**headers})
            sock = self._connected(deadline)
        except (OSError, ValueError) as error:
            return Failure(Phase.NEVER_CONNECTED, self._described(error))
        self._open = None
        try:
            return self._exchanged(sock, request, deadline)
        except (OSError, ValueError) as error:
            sock.close()
            return Failure(Phase.MAYBE_SENT, self._described(error))

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

    def _connected(self, deadline: float) -> socket.socket:
        if self._open is not None:
            # A connection that holds bytes nobody asked for was closed, or is out of step.
            is_fresh = monotonic() - self._used_at < KEEPALIVE_SECONDS
            if is_fresh and not select.select([self._open], [], [], 0)[0]:
                return self._open
            self.close()
        timeout_seconds = min(CONNECT_TIMEOUT_SECONDS, max(deadline - monotonic(), 0.001))
        self._open = _connect(self._host, self._port, self._tls, timeout_seconds)
        return self._open

    def _request(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> bytes:
        target = f"{self._prefix}{path}" or "/"
        if not _TARGET.fullmatch(target):
            raise ValueError("the path of the request holds a space or a sign beyond ASCII")
        if content or method in WITH_BODY:
            headers["Content-Length"] = str(len(content))
        lines = [f"{name}: {value}" for name, value in headers.items()]
        if not all(map(_FIELD.fullmatch, lines)):
            raise ValueError("a header of the request holds a line break")
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "\r\n"])
        return head.encode("latin-1") + content

    def _exchanged(self, sock: socket.socket, request: bytes, deadline: float) -> Reply:
        def receive() -> bytes:
            _bound(sock, deadline)
            return sock.recv(CHUNK_BYTES)

        write_deadline = min(deadline, monotonic() + WRITE_TIMEOUT_SECONDS)
        left = memoryview(request)
        while left:
            _bound(sock, write_deadline)
            left = left[sock.send(left) :]
        answer = read_http(receive)
        # What TLS has decrypted already does not show in select.
        if answer.is_last or self._tls:
            sock.close()
        else:
            self._open, self._used_at = sock, monotonic()
        body = answer.body
        if self._secret:
            body = body.replace(self._secret.encode(), MASK)
        return Reply(answer.status, answer.headers, body)

    def _described(self, error: Exception) -> str:
        said = f"{type(error).__name__}: {error}"
        if self._secret:
            said = said.replace(self._secret, MASK.decode())
        return said[:MAX_DETAIL_LENGTH]


def _host_header(host: str, port: int | None) -> str:
    with contextlib.suppress(UnicodeError):  # otherwise connecting fails, and nothing is sent
        host = host.encode("idna").decode()
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"


def _connect(
    host: str, port: int, tls: ssl.SSLContext | None, timeout_seconds: float
) -> socket.socket:
    try:
        plain = socket.create_connection((host, port), timeout_seconds)
    except UnicodeError:
        raise OSError("the host is not a name") from None
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return tls.wrap_socket(plain, server_hostname=host) if tls else plain
    except OSError:
        plain.close()
        raise


def _bound(sock: socket.socket, deadline: float) -> None:
    """Make the next read or write end at a deadline, however slowly bytes come."""
    if (left := deadline - monotonic()) <= 0:
        raise TimeoutError("timed out")
    sock.settimeout(left)
