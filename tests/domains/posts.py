"""Tasks of publishing on a database, and publishers that work them off."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from actp.domains.publishing.publisher import Me, Publisher
from actp.domains.publishing.results import Results

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from actp.clients.blotato.client import Blotato
    from actp.settings import Settings
    from actp.store.protocol import Store
    from simulator.process import SimulatorProcess

VIDEO = "https://cdn.example/v.mp4"
FOUR = ("tiktok", "instagram", "twitter", "threads")


class Publishers:
    """Makes publishers, each its own process as far as the database can tell."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        blotato: Blotato,
        folder: Path,
        *,
        ask_seconds: float = 5.0,
    ) -> None:
        self._settings = settings
        self._store = store
        self._blotato = blotato
        self._folder = folder
        self._ask_seconds = ask_seconds

    def __call__(self, host: str = "here", *, store: Store | None = None) -> Publisher:
        me = Me(str(uuid4()), host, f"{host}/1")
        own = store or self._store
        return Publisher(
            own,
            self._blotato,
            Results(own, self._folder / host, me.boot_id),
            me=me,
            accounts=self._settings.blotato_accounts,
            retry_base_seconds=15.0,
            ask_seconds=self._ask_seconds,
        )


def ask(admin: psycopg.Connection, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return admin.execute(query.encode(), values or None).fetchall()


def add(admin: psycopg.Connection, *platforms: str, **more: Any) -> str:
    given = {"video_url": VIDEO, "platforms": platforms or FOUR, "text": "A hook", **more}
    ((id_,),) = ask(
        admin,
        "insert into actp_workflow_tasks (task_type, input_data)"
        " values ('blotato_multi_publish', %s) returning id::text",
        json.dumps(given),
    )
    return str(id_)


def pass_time(admin: psycopg.Connection) -> None:
    """Make due what waits."""
    admin.execute("update actp_publish_attempts set retry_at = now() where retry_at is not null")
    admin.execute("update actp_publish_attempts set ask_at = now() where ask_at is not null")
    admin.execute("update actp_workflow_tasks set next_at = now() where next_at is not null")


def work_off(publisher: Publisher, admin: psycopg.Connection) -> None:
    for _ in range(30):
        if publisher.work(lambda: False) is None:
            return
        pass_time(admin)
    raise AssertionError("it does not come to an end")


def ended(admin: psycopg.Connection, id_: str) -> tuple[str, Any, str | None]:
    query = "select status, output_data, error from actp_workflow_tasks where id = %s"
    ((status, output, error),) = ask(admin, query, id_)
    return status, output, error


def alerts(admin: psycopg.Connection, kind: str) -> list[Any]:
    query = "select detail from safari_alerts where kind = %s order by id"
    return [detail for (detail,) in ask(admin, query, kind)]


def play(simulator: SimulatorProcess, *rules: dict[str, Any], **more: Any) -> None:
    simulator.play({"blotato": {"rules": rules, **more}})


def seen(simulator: SimulatorProcess) -> list[str]:
    return [effect["platform"] for effect in simulator.effects("blotato")]
