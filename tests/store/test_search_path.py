"""Where a client looks up names does not matter: every function says it itself."""

from __future__ import annotations

import uuid
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import make_conninfo

from actp.store.postgres import PostgresStore

if TYPE_CHECKING:
    from tests.support.databases import Database

ELSEWHERE = "-c search_path=elsewhere"
READERS = ("safari_status", "safari_gauges", "safari_limits", "safari_history", "agent_report")


def test_a_command_goes_through_with_another_search_path(database: Database) -> None:
    dsn = make_conninfo(database.dsn, options=ELSEWHERE)
    boot = str(uuid.uuid4())
    with database.connect() as connection:
        connection.execute(
            "update safari_policies set active_from = 0, active_to = 24, min_gap_seconds = 0"
        )
    with closing(PostgresStore(dsn)) as store:
        store.call(
            "safari_register", boot_id=boot, host_key="here", worker="w", services=["twitter-dm"]
        )
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(
                "insert into public.safari_command_queue (action, platform, params)"
                ' values (\'send_dm\', \'twitter\', \'{"username": "ada", "text": "Hi"}\')'
            )
        [row] = store.call(
            "safari_claim", boot_id=boot, wants={"twitter-dm": 1}, held=0, lease_seconds=30
        )["commands"]
        ids = {"id": row["id"], "lease": row["lease"]}
        begin = ids | {
            "service": "twitter-dm",
            "recipient": "ada",
            "person": "ada",
            "text_hash": "x",
        }
        [begun] = store.call("safari_ledger", boot_id=boot, begins=[begin], finishes=[])["begins"]
        finish = ids | {
            "attempt": begun["attempt"],
            "verdict": "sent",
            "quota_back": False,
            "result": {},
        }
        [done] = store.call("safari_ledger", boot_id=boot, begins=[], finishes=[finish])["finishes"]
        assert done["recorded"]
        assert store.call("safari_show", id=row["id"])["command"]["status"] == "completed"
        assert store.call("safari_rehearse")["error"] is None
        for reader in READERS:
            store.call(reader)
