"""The queue of a test: rows go in, are claimed as a worker does, and are looked at."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass, field, fields
from time import monotonic
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.rows import dict_row

from actors.worker.messages import Row
from tests.actors.house import DEADLINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from actp.store import Store
    from tests.support.databases import Database

LEASE_SECONDS = 30.0
LOOK_SECONDS = 0.02
POSTS = {
    "instagram-comments": "https://www.instagram.com/p/Cabc123/",
    "threads-comments": "https://www.threads.com/@ada/post/Cabc123",
}
OPEN_HOURS = (
    "update safari_policies"
    " set active_from = 0, active_to = 24, min_gap_seconds = 0, hourly_limit = 1000"
)


def row_of(recipient: str = "ada", *, lease: int = 1, **changes: Any) -> Row:
    """Return a claimed row of instagram-dm that no database knows."""
    values: dict[str, Any] = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, recipient)),
        "lease": lease,
        "service": "instagram-dm",
        "action": "send_dm",
        "platform": "instagram",
        "params": {"username": recipient, "text": "Hello"},
        "effect": "once",
        "crash_count": 0,
        "waited_seconds": 0.0,
    }
    return Row(**values | changes)


@dataclass(frozen=True, slots=True)
class Queue:
    """A migrated database without hours or pace, used as one worker process."""

    database: Database
    boot_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def store(self) -> Store:
        return self.database.store

    def register(self, *services: str, host_key: str = "this-host") -> None:
        self.execute(OPEN_HOURS)
        self.store.call(
            "safari_register",
            boot_id=self.boot_id,
            host_key=host_key,
            worker="test/1",
            services=list(services),
        )

    def execute(self, statement: str, *values: object) -> list[dict[str, Any]]:
        with self.database.connect() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            cursor.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def add(self, *recipients: str, text: str = "Hello") -> list[str]:
        """Insert a direct message on instagram to each, and return the ids."""
        params = [{"username": name, "text": text} for name in recipients]
        return [self.insert("send_dm", "instagram", each) for each in params]

    def insert(self, action: str, platform: str, params: object, **columns: object) -> str:
        """Insert one row as a stranger's SQL would."""
        names = ["action", "platform", "params", *columns]
        statement = sql.SQL(
            "insert into safari_command_queue ({}) values ({}) returning id::text"
        ).format(
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join(sql.Placeholder() * len(names)),
        )
        with self.database.connect() as connection:
            values = (action, platform, json.dumps(params), *columns.values())
            inserted = connection.execute(statement, values).fetchone()
        assert inserted is not None
        return str(inserted[0])

    def claim(self, **wants: int) -> tuple[Row, ...]:
        """Claim rows as the worker does; services are named with underscores."""
        answer = self.store.call(
            "safari_claim",
            boot_id=self.boot_id,
            wants={name.replace("_", "-"): number for name, number in wants.items()},
            held=0,
            lease_seconds=LEASE_SECONDS,
        )
        names = [each.name for each in fields(Row)]
        return tuple(Row(**{name: row[name] for name in names}) for row in answer["commands"])

    def row(self, id_: str) -> dict[str, Any]:
        (row,) = self.execute("select * from safari_command_queue where id = %s", id_)
        return row

    def statuses(self, *ids: str) -> list[str]:
        return [self.row(id_)["status"] for id_ in ids]

    def alerts(self) -> list[str]:
        return [row["kind"] for row in self.execute("select kind from safari_alerts order by id")]


def eventually(condition: Callable[[], bool], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Wait until a condition holds; fails when the time is over."""
    deadline = monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert monotonic() < deadline, f"in vain waited until {what}"
        pause.wait(LOOK_SECONDS)
