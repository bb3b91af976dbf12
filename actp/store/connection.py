"""A PostgreSQL connection with a timeout on every wait."""

from __future__ import annotations

import re
from contextlib import closing
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import PGconn
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_loads

from actp.errors import ActpError, SettingsError, StoreRefused
from actp.store.decoding import decoded
from actp.store.sqlstate import connecting_error, error_of

if TYPE_CHECKING:
    from collections.abc import Generator

CONNECT_TIMEOUT_SECONDS = 3
STATEMENT_TIMEOUT_SECONDS = 15
LOCK_TIMEOUT_SECONDS = 10
CALL_TIMEOUT_SECONDS = 20.0
PROBE_TIMEOUT_SECONDS = 3.0
KEEPALIVE_IDLE_SECONDS = 15
KEEPALIVE_INTERVAL_SECONDS = 5
KEEPALIVE_COUNT = 3
TRANSACTION_POOLER_PORT = "6543"
# There is no statement of the name, or another client's.
UNPREPARED = frozenset({"26000", "42P05"})
NO_SOCKETS = "/dev/null"
# Parameters that libpq reads only once it is about to connect.
WHOLE_NUMBERS = frozenset(
    {"connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"}
    | {"tcp_user_timeout"}
)
_UNKNOWN_PARAMETER = re.compile(r'invalid (?:URI query parameter|connection option):? "(\w+)"')

_T = TypeVar("_T")

Parameters = dict[str, Any]


class CallTimedOut(psycopg.OperationalError):
    """Raised when the server is silent for longer than a call may take."""


class DeadlineConnection(psycopg.Connection[TupleRow]):
    """A connection on which a silent server costs at most ``call_timeout_seconds``.

    libpq bounds only the connecting, and statement_timeout is kept by the very server that
    may hang; a proxy may even acknowledge every packet of a connection that leads nowhere.
    """

    call_timeout_seconds = CALL_TIMEOUT_SECONDS

    def wait(self, gen: Generator[Any, Any, _T], *args: Any, **kwargs: Any) -> _T:
        """Run the generator as psycopg does, but close the connection at the deadline."""
        deadline = monotonic() + self.call_timeout_seconds
        try:
            return super().wait(_until(deadline, gen), *args, **kwargs)
        except CallTimedOut:
            self.close()
            raise


def _until(deadline: float, gen: Generator[Any, Any, _T]) -> Generator[Any, Any, _T]:
    # psycopg resumes its generators at least every 0.1 s, with data or without.
    try:
        state = next(gen)
        while True:
            ready = yield state
            if monotonic() >= deadline:
                raise CallTimedOut("the database did not answer in time")
            state = gen.send(ready)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # StopIteration.value is Any


def parameters_of(dsn: str, *, application_name: str = "actp") -> Parameters:
    """Return libpq's parameters for a DSN or URL, with our timeouts where it names none.

    Raises SettingsError without the text of a malformed DSN, which may hold a password, and for a
    value that libpq does not take.
    """
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.Error as error:
        if unknown := _UNKNOWN_PARAMETER.search(str(error)):
            raise SettingsError(
                f"DATABASE_URL has a parameter that PostgreSQL does not know: {unknown[1]}",
                remedy="Remove it from the address; other libraries may have put it there.",
            ) from None
        raise SettingsError(
            "DATABASE_URL is not a PostgreSQL address",
            remedy="Write it as postgresql://user:password@host:5432/database.",
        ) from None
    _refuse_mistakes(given)
    return {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": application_name,
        "keepalives_idle": KEEPALIVE_IDLE_SECONDS,
        "keepalives_interval": KEEPALIVE_INTERVAL_SECONDS,
        "keepalives_count": KEEPALIVE_COUNT,
        "tcp_user_timeout": int(CALL_TIMEOUT_SECONDS * 1000),
        **given,
        # A role or a database may have another; texts of people have letters that it lacks.
        "client_encoding": "UTF8",
    }


def _refuse_mistakes(given: Parameters) -> None:
    """Have libpq judge the values; a socket that cannot be there keeps it from reaching out."""
    for name in WHOLE_NUMBERS & given.keys():
        if not re.fullmatch(r"-?[0-9]+", str(given[name]), re.ASCII):
            raise SettingsError(f"DATABASE_URL cannot be used: {name} is not a whole number")
    hosts = str(given.get("host") or given.get("hostaddr") or given.get("port") or "").split(",")
    local = {
        **{name: value for name, value in given.items() if name != "hostaddr"},
        "host": ",".join([NO_SOCKETS] * len(hosts)),
        "port": given.get("port", "5432"),
    }
    attempt = PGconn.connect_start(make_conninfo(**local).encode())
    said = attempt.get_error_message().strip().partition("\n")[0]
    attempt.finish()
    if said and NO_SOCKETS not in said:
        raise SettingsError(
            f"DATABASE_URL cannot be used: {said}",
            remedy="Correct that part of it: "
            "https://www.postgresql.org/docs/current/libpq-connect.html lists what each may be.",
        )


def is_transaction_pooler(parameters: Parameters) -> bool:
    """Return whether sessions are shared there: no LISTEN, SET or prepared statement lasts."""
    return TRANSACTION_POOLER_PORT in str(parameters.get("port", "")).split(",")


def connect(
    parameters: Parameters,
    *,
    is_shared: bool | None = None,
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
) -> DeadlineConnection:
    """Return an open autocommit connection with our timeouts set on the server too.

    ``is_shared``: whether a pooler gives its session to others between two calls. None where that
    is not known: behind any pooler nothing is then left in the session, since it may be another
    client's next.
    """
    options: dict[str, Any] = {"prepare_threshold": None} if is_shared else {}
    try:
        connection = DeadlineConnection.connect(autocommit=True, **options, **parameters)
    except psycopg.Error as error:
        raise translated(error, connecting=True) from error
    set_json_loads(decoded, connection)
    if not is_shared:
        try:
            _set_timeouts(connection, lock_timeout_seconds, is_own=is_shared is False)
        except psycopg.Error as error:
            connection.close()
            raise translated(error) from error
    return connection


def _set_timeouts(
    connection: DeadlineConnection, lock_timeout_seconds: float, *, is_own: bool
) -> None:
    row = connection.execute(
        "select set_config('statement_timeout', %(statement)s, passing),"
        " set_config('lock_timeout', %(lock)s, passing),"
        " set_config('idle_session_timeout', '0', passing), passing"
        " from (select not %(is_own)s and pg_backend_pid() <> %(pid)s) p (passing)",
        {
            "statement": f"{STATEMENT_TIMEOUT_SECONDS}s",
            "lock": f"{lock_timeout_seconds}s",
            "is_own": is_own,
            "pid": connection.info.backend_pid,
        },
    ).fetchone()
    if row is not None and row[-1]:
        connection.prepare_threshold = None


def shares_sessions(parameters: Parameters) -> bool:
    """Return whether a transaction pooler is at the address, whatever its port.

    A pooler answers with another process id than the server's. One for transactions gives a
    connection another session when two are free: the one used last, or unused for longest.
    """
    try:
        with closing(connect(parameters)) as first:
            if first.prepare_threshold is not None:
                return False
            with closing(connect(parameters)) as second:
                first.call_timeout_seconds = second.call_timeout_seconds = PROBE_TIMEOUT_SECONDS
                return any(
                    _is_given_another(first, *order) for order in ((first, second), (second, first))
                )
    except CallTimedOut:
        return True  # one session for both: the second waits for the first
    except psycopg.Error as error:
        raise translated(error) from error


def _is_given_another(
    probed: DeadlineConnection, outer: DeadlineConnection, inner: DeadlineConnection
) -> bool:
    with outer.transaction(), inner.transaction():
        sessions = {each: _session(each) for each in (outer, inner)}
    return _session(probed) != sessions[probed]


def _session(connection: DeadlineConnection) -> int:
    row = connection.execute("select pg_backend_pid()").fetchone()
    return 0 if row is None else int(row[0])


def is_of_shared_session(error: psycopg.Error) -> bool:
    """Return whether a statement was prepared in the session of another client; nothing ran."""
    return error.sqlstate in UNPREPARED


def is_loss(error: psycopg.Error) -> bool:
    """Return whether the connection went away, rather than the server answering or hanging."""
    if isinstance(error, CallTimedOut):
        return False
    state = error.sqlstate
    if state is None:
        return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    return state.startswith(("08", "57P"))


def translated(error: psycopg.Error, *, connecting: bool = False) -> ActpError:
    """Return our error for one of psycopg's, with the server's own words."""
    message = error.diag.message_primary or str(error).strip() or type(error).__name__
    if error.sqlstate is not None:
        return error_of(error.sqlstate, message)
    if connecting or isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return connecting_error(message)
    return StoreRefused(message)
