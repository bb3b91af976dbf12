"""The store on a PostgreSQL that is reached directly or through a pooler."""

from __future__ import annotations

import logging
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from actp.errors import ActpError, StoreUnavailable
from actp.store.arguments import encode
from actp.store.connection import (
    CALL_TIMEOUT_SECONDS,
    LOCK_TIMEOUT_SECONDS,
    CallTimedOut,
    DeadlineConnection,
    connect,
    is_loss,
    is_of_shared_session,
    is_transaction_pooler,
    parameters_of,
    shares_sessions,
    translated,
)
from actp.store.listener import PostgresListener
from actp.store.pool import Pool

if TYPE_CHECKING:
    from actp.store.protocol import Json, Listener

_STATEMENTS_REMEMBERED = 512
READ_ONLY: Final = "25006"
SHARED: Final = (
    "DATABASE_URL leads to a transaction pooler, which shares sessions: it continues without"
    " prepared statements and without NOTIFY; the session pooler is faster"
)

_log = logging.getLogger(__name__)


class PostgresStore:
    """Calls database functions over a pool of connections."""

    def __init__(
        self,
        dsn: str,
        *,
        application_name: str = "actp",
        call_timeout_seconds: float = CALL_TIMEOUT_SECONDS,
        lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    ) -> None:
        self._parameters = parameters_of(dsn, application_name=application_name)
        self._call_timeout_seconds = call_timeout_seconds
        self._lock_timeout_seconds = lock_timeout_seconds
        # None until somebody asks for a listener: to find out takes a second connection.
        self._is_shared = True if is_transaction_pooler(self._parameters) else None
        self._pool = Pool(self._connection)

    def call(self, function: str, /, **arguments: Json) -> Any:
        """See Store."""
        parameters = encode(arguments)
        statement = _statement(function, tuple(parameters))
        try:
            return self._answer(statement, parameters)
        except _DiedIdleError:
            # A restart of the server kills all idle connections at once.
            self._pool.close_idle()
            return self._answer(statement, parameters, fresh=True)
        except _SharedSessionError:
            self._share()
            self._pool.close_idle()
            return self._answer(statement, parameters, fresh=True)

    def listener(self) -> Listener | None:
        """See Store."""
        if self._is_shared is None:
            try:
                self._is_shared = shares_sessions(self._parameters) or None
            except ActpError as error:
                # The listener comes back when the database does.
                _log.warning("it is not known whether NOTIFY will arrive: %s", error)
            if self._is_shared:
                self._share()
        if self._is_shared:
            return None
        return PostgresListener(partial(connect, self._parameters))

    def _share(self) -> None:
        _log.warning(SHARED)
        self._is_shared = True

    def close(self) -> None:
        """See Store."""
        self._pool.close()

    def _connection(self) -> DeadlineConnection:
        connection = connect(
            self._parameters,
            is_shared=self._is_shared,
            lock_timeout_seconds=self._lock_timeout_seconds,
        )
        connection.call_timeout_seconds = self._call_timeout_seconds
        return connection

    def _answer(
        self, statement: bytes, parameters: dict[str, str | None], *, fresh: bool = False
    ) -> Any:
        with self._pool.lease(fresh=fresh) as (connection, reused):
            try:
                row = connection.execute(statement, parameters).fetchone()
            except psycopg.Error as error:
                if is_of_shared_session(error):
                    connection.close()
                    raise _SharedSessionError from error
                if is_loss(error):
                    connection.close()
                    if reused:
                        raise _DiedIdleError from error
                if error.sqlstate == READ_ONLY:
                    # After a failover or a full disk its session may stay so, and a new one not.
                    connection.close()
                    self._pool.close_idle()
                if isinstance(error, CallTimedOut):
                    # Where one ends in silence so do the others, each after its own timeout.
                    self._pool.close_idle()
                    raise StoreUnavailable(
                        f"the database did not answer within {self._call_timeout_seconds:g} s"
                    ) from error
                raise translated(error) from error
            return None if row is None else row[0]


class _DiedIdleError(Exception):
    """A connection from the pool turned out to be dead."""


class _SharedSessionError(Exception):
    """A pooler gave the session of this connection to another client."""


@lru_cache(maxsize=_STATEMENTS_REMEMBERED)
def _statement(function: str, names: tuple[str, ...]) -> bytes:
    arguments = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in names
    )
    query = sql.SQL("select {}({})").format(sql.Identifier("public", function), arguments)
    return query.as_bytes(None)
