"""A connection pooler in miniature, which starts connections itself as PgBouncer does."""

from __future__ import annotations

import contextlib
import secrets
import socket
import struct
import threading
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

TIMEOUT_SECONDS = 20
SESSIONS = 4
KEY, READY, QUERY, SYNC, TERMINATE = b"K", b"Z", b"Q", b"S", b"X"
IDLE = b"I"


class Message(NamedTuple):
    kind: bytes
    body: bytes

    def __bytes__(self) -> bytes:
        return self.kind + struct.pack("!I", len(self.body) + 4) + self.body


class Pooler:
    """Shares four sessions of a server among the clients of 127.0.0.1:``port``.

    A client has a session until it leaves, or, with ``by_transaction``, until its transaction ends.
    """

    def __init__(self, server: Path, *, by_transaction: bool) -> None:
        self._server = server
        self._by_transaction = by_transaction
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._greeting = b""
        self._idle: list[socket.socket] = []
        self._sockets: list[socket.socket] = []
        self._sessions = 0
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        session = None
        with contextlib.suppress(OSError):
            startup = _startup(client)
            self._give_back(self._taken(startup))
            client.sendall(self._greeting + _own_key() + bytes(Message(READY, IDLE)))
            while (message := _message(client)).kind != TERMINATE:
                session = session or self._taken(startup)
                session.sendall(bytes(message))
                if message.kind not in (QUERY, SYNC):
                    continue
                while (answer := _message(session)).kind != READY:
                    client.sendall(bytes(answer))
                client.sendall(bytes(answer))
                if self._by_transaction and answer.body == IDLE:
                    self._give_back(session)
                    session = None
        if session is not None:
            self._give_back(session)

    def _taken(self, startup: bytes) -> socket.socket:
        """Return the idle session that was used last, or a new one."""
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._idle or self._sessions < SESSIONS, TIMEOUT_SECONDS
            ):
                raise TimeoutError
            if self._idle:
                return self._idle.pop()
            self._sessions += 1
            session = socket.socket(socket.AF_UNIX)
            session.settimeout(TIMEOUT_SECONDS)
            session.connect(str(self._server))
            session.sendall(startup)
            greeting = [_message(session)]
            while greeting[-1].kind != READY:
                greeting.append(_message(session))
            self._greeting = b"".join(bytes(m) for m in greeting if m.kind not in (KEY, READY))
            self._sockets.append(session)
            return session

    def _give_back(self, session: socket.socket) -> None:
        with self._changed:
            self._idle.append(session)
            self._changed.notify()


def _startup(client: socket.socket) -> bytes:
    """Return a client's first packet; the database of the first of all is that of the sessions."""
    length = _exactly(client, 4)
    return length + _exactly(client, struct.unpack("!I", length)[0] - 4)


def _own_key() -> bytes:
    return bytes(Message(KEY, secrets.token_bytes(8)))


def _message(source: socket.socket) -> Message:
    kind = _exactly(source, 1)
    return Message(kind, _exactly(source, struct.unpack("!I", _exactly(source, 4))[0] - 4))


def _exactly(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        if not (more := source.recv(count - len(data))):
            raise ConnectionResetError
        data += more
    return data
