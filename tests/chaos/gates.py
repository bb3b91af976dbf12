"""Gates inside the database: a transaction can be held just before it commits.

They make every moment in the life of a command reachable from outside, without a hook in what is
tested: a process that records the chosen event waits until the gate opens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import psycopg
from psycopg import sql

from tests.chaos.waiting import eventually

if TYPE_CHECKING:
    from types import TracebackType
    from typing import LiteralString

__all__ = ["Gate"]

KEY = 20261122
_TRIGGER: LiteralString = """
create or replace function chaos_gate() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(20261122);
  return null;
end $$;
"""
_HELD: LiteralString = """
select pid from pg_locks where locktype = 'advisory' and not granted and objid = 20261122
   and database = (select oid from pg_database where datname = current_database())
"""


class Gate:
    """Holds each transaction that records an event of that kind, as its last act."""

    def __init__(self, dsn: str, event: str) -> None:
        self._dsn = dsn
        self._connection = psycopg.connect(dsn, autocommit=True)
        self._event = event

    def __enter__(self) -> Self:
        self._connection.execute("select pg_advisory_lock(%s)", (KEY,))
        self._connection.execute(_TRIGGER)
        self._connection.execute(
            sql.SQL(
                "create or replace trigger chaos_gate after insert on safari_command_events"
                " for each row when (new.event = {}) execute function chaos_gate()"
            ).format(sql.Literal(self._event))
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.open()
        self._connection.execute("drop function chaos_gate cascade")
        self._connection.close()

    def wait_until_reached(self) -> None:
        """Wait until a transaction stands at the gate."""
        eventually(self._held, f"somebody records {self._event}")

    def open(self) -> None:
        """Let through every waiting process, dead or alive: what has been sent is committed."""
        self._connection.execute("select pg_advisory_unlock_all()")

    def break_off(self) -> None:
        """Roll back what stands at the gate, as if its connection had broken just before."""
        for pid in self._held():
            self._connection.execute("select pg_terminate_backend(%s, 5000)", (pid,))
        self.open()

    def reconnect(self) -> None:
        """Connect anew, after the server was killed and the gate opened with it."""
        self._connection.close()
        self._connection = psycopg.connect(self._dsn, autocommit=True)

    def _held(self) -> list[int]:
        return [row[0] for row in self._connection.execute(_HELD).fetchall()]
