"""A clock of a database that a test moves; everything in the database goes by it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from actp.clock import steady_seconds
from actp.store.statements import statements

if TYPE_CHECKING:
    from datetime import datetime

    import psycopg

SCRIPT = Path(__file__).with_suffix(".sql")


def put_in(admin: psycopg.Connection) -> None:
    """Let a database go by a clock that can be moved."""
    for statement in statements(SCRIPT.read_text(encoding="utf-8")):
        admin.execute(statement.text.encode())


class MovingClock:
    """Runs as the real one does, some time ahead of it.

    It is put in after the migrations, by the owner of their functions; a test that asks for the
    fixture ``moving_clock`` finds it there.
    """

    def __init__(self, admin: psycopg.Connection) -> None:
        self._admin = admin
        self._ahead = timedelta()
        if admin.execute("select to_regclass('moving_clock.clock')").fetchone() == (None,):
            put_in(admin)

    def now(self) -> datetime:
        """Return its time, as functions of the database see it."""
        ((now,),) = self._admin.execute("select moving_clock.now()").fetchall()
        return cast("datetime", now)

    def steady_seconds(self) -> float:
        """Return the steady clock of a host for which as much time passes."""
        return steady_seconds() + self._ahead.total_seconds()

    def advance(self, by: timedelta) -> None:
        """Let so much time pass at once."""
        self._ahead += by
        self._admin.execute("update moving_clock.clock set ahead = ahead + %s", (by,))

    def advance_to(self, moment: datetime) -> None:
        """Let time pass until then; a moment that has passed is too late to wait for."""
        by = moment - self.now()
        assert by >= timedelta(), f"{moment} has passed"
        self.advance(by)
