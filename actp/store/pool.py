"""A small pool of connections.

psycopg_pool connects from its own threads: a wrong password or a refused port reaches
the caller there as a bare timeout, and after an outage its own backoff decides when calls
succeed again. Here the caller connects and hears why it failed.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from psycopg.pq import TransactionStatus

from actp.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actp.store.connection import DeadlineConnection

POOL_SIZE = 5
POOL_WAIT_SECONDS = 20.0
MAX_IDLE_SECONDS = 60.0


class Lease(NamedTuple):
    """A connection for one call; a reused one may have died while it lay idle."""

    connection: DeadlineConnection
    reused: bool


class Pool:
    """Lends up to ``size`` connections, the one used last first."""

    def __init__(
        self,
        open_connection: Callable[[], DeadlineConnection],
        *,
        size: int = POOL_SIZE,
        wait_seconds: float = POOL_WAIT_SECONDS,
        max_idle_seconds: float = MAX_IDLE_SECONDS,
    ) -> None:
        self._open_connection = open_connection
        self._size = size
        self._wait_seconds = wait_seconds
        self._max_idle_seconds = max_idle_seconds
        self._free = threading.BoundedSemaphore(size)
        self._idle: deque[tuple[float, DeadlineConnection]] = deque()
        self._closed = False

    @contextmanager
    def lease(self, *, fresh: bool = False) -> Iterator[Lease]:
        """Lend a connection; ``fresh`` demands a new one."""
        if self._closed:
            raise StoreUnavailable("this store is closed")
        if not self._free.acquire(timeout=self._wait_seconds):
            raise StoreUnavailable(
                f"all {self._size} database connections stayed busy for {self._wait_seconds:g} s"
            )
        try:
            idle = None if fresh else self._idle_connection()
            connection = idle or self._open_connection()
            try:
                yield Lease(connection, reused=idle is not None)
            finally:
                self._give_back(connection)
        finally:
            self._free.release()

    def close_idle(self) -> None:
        """Close every connection that nobody uses."""
        while self._idle:
            try:
                _, connection = self._idle.pop()
            except IndexError:  # another thread was faster
                return
            connection.close()

    def close(self) -> None:
        """Close the idle connections now and the lent ones when they come back."""
        self._closed = True
        self.close_idle()

    def _idle_connection(self) -> DeadlineConnection | None:
        # Wall-clock time alone counts the sleep of the machine on both Linux and macOS, and
        # a wrong clock costs no more than a new connection.
        try:
            since, connection = self._idle.pop()
        except IndexError:
            return None
        if 0 <= time.time() - since <= self._max_idle_seconds:
            return connection
        connection.close()
        self.close_idle()  # those below were used even longer ago
        return None

    def _give_back(self, connection: DeadlineConnection) -> None:
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            connection.close()
            return
        self._idle.append((time.time(), connection))
        if self._closed:  # looked at last, so that none slips in behind close()
            self.close_idle()
