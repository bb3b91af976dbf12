"""LISTEN on its own connection."""

from __future__ import annotations

import logging
import selectors
import socket
import threading
from random import SystemRandom
from time import monotonic
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from actp.errors import StoreError
from actp.store.connection import translated
from actp.store.protocol import Notification
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from actp.store.connection import DeadlineConnection

NOTIFY_CHANNEL = "safari_commands"

_log = logging.getLogger(__name__)


class PostgresListener:
    """Waits for NOTIFY without polling and finds its way back after an outage."""

    def __init__(
        self,
        open_connection: Callable[[], DeadlineConnection],
        *,
        channel: str = NOTIFY_CHANNEL,
        backoff: Backoff | None = None,
    ) -> None:
        self._open_connection = open_connection
        self._channel = channel
        self._backoff = backoff or Backoff()
        self._random = SystemRandom()
        self._connection: DeadlineConnection | None = None
        self._failures = 0
        self._retry_at = 0.0
        self._closed = False
        self._waiting = threading.Lock()
        self._wake_reader, self._wake_writer = socket.socketpair()

    def wait(self, timeout_seconds: float) -> Notification | None:
        """See Listener."""
        deadline = monotonic() + timeout_seconds
        with self._waiting:
            while not self._closed:
                if self._connection is None and monotonic() >= self._retry_at:
                    self._connect()
                    if self._connection is not None:
                        return Notification()
                self._sleep(deadline if self._connection else min(deadline, self._retry_at))
                if (notification := self._notified()) is not None:
                    return notification
                if monotonic() >= deadline:
                    break
            return None

    def close(self) -> None:
        """See Listener."""
        if self._closed:
            return
        self._closed = True
        self._wake_writer.send(b"\0")
        with self._waiting:
            self._disconnect()
            self._wake_reader.close()
            self._wake_writer.close()

    def _sleep(self, until: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_reader, selectors.EVENT_READ)
            if self._connection is not None:
                selector.register(self._connection.fileno(), selectors.EVENT_READ)
            selector.select(max(0.0, until - monotonic()))

    def _notified(self) -> Notification | None:
        if self._connection is None:
            return None
        try:
            payloads = [notify.payload for notify in self._connection.notifies(timeout=0)]
        except psycopg.Error as error:
            self._failed(translated(error))
            return None
        if not payloads:
            return None
        if "" in payloads:
            return Notification()
        return Notification(frozenset(",".join(payloads).split(",")))

    def _connect(self) -> None:
        try:
            connection = self._open_connection()
        except StoreError as error:
            self._failed(error)
            return
        try:
            connection.execute(sql.SQL("listen {}").format(sql.Identifier(self._channel)))
        except psycopg.Error as error:
            connection.close()
            self._failed(translated(error))
            return
        self._connection, self._failures, self._retry_at = connection, 0, 0.0

    def _failed(self, error: Exception) -> None:
        self._disconnect()
        delay_seconds = self._backoff.delay_seconds(self._failures, self._random.random())
        self._failures += 1
        self._retry_at = monotonic() + delay_seconds
        _log.warning("listener lost its connection: %s", error, extra={"action": "listener_lost"})

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
