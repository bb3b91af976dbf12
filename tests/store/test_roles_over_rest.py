"""The keys of a producer and a caller, tried over REST as an outsider would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from actp.tls import certificates
from tests.support.supabase import key_for, supabase_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import Database, Databases

ROW = {"action": "send_dm", "platform": "twitter", "params": {"username": "a", "text": "b"}}
QUEUE = "safari_command_queue"
CALL = {"commands": [ROW]}
UUID = "00000000-0000-0000-0000-000000000000"
TIMEOUT_SECONDS = 30.0


class Outsider:
    """Somebody who holds the public key of a project, and a token for one role."""

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url}/rest/v1"
        self._headers = {
            "apikey": key_for("anon"),
            "Authorization": f"Bearer {token}",
            "Prefer": "return=minimal",
        }

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return httpx.request(
            method,
            f"{self._url}/{path}",
            json=body,
            headers=self._headers,
            timeout=TIMEOUT_SECONDS,
            verify=certificates(),
        )


@pytest.fixture(scope="module")
def project(postgres15_databases: Databases) -> Iterator[tuple[str, Database]]:
    with supabase_project(postgres15_databases) as (database, gateway):
        yield gateway.url, database


def test_a_producer_inserts_and_a_worker_sees_it(project: tuple[str, Database]) -> None:
    url, database = project
    producer = Outsider(url, key_for("actp_producer"))
    assert producer.ask("POST", QUEUE, ROW).status_code == 201
    several = [{**ROW, "priority": n, "batch_id": "n8n"} for n in range(2)]
    assert producer.ask("POST", QUEUE, several).status_code == 201
    rows = database.store.call("safari_history", status="pending")
    assert len(rows) == 3
    assert {row["service"] for row in rows} == {"twitter-dm"}


def test_a_caller_enqueues_and_looks(project: tuple[str, Database]) -> None:
    url, _ = project
    caller = Outsider(url, key_for("actp_caller"))
    made = caller.ask("POST", "rpc/safari_enqueue", CALL)
    assert made.status_code == 200, made.text
    shown = caller.ask("POST", "rpc/safari_show", {"id": made.json()[0]["id"]})
    assert shown.json()["command"]["recipient"] == "a"
    absent = caller.ask("POST", "rpc/safari_show", {"id": "0" * 32})
    assert absent.status_code == 404
    assert "there is no command" in absent.json()["message"]
    quoted = caller.ask("POST", "rpc/safari_enqueue", {"commands": json.dumps([ROW])})
    assert quoted.status_code == 400
    assert "a JSON array of objects, not of the type string" in quoted.json()["message"]
    for function in ("safari_status", "safari_limits"):
        assert caller.ask("POST", f"rpc/{function}", {}).status_code == 200


@pytest.mark.parametrize("role", ["actp_producer", "actp_caller", "anon", "authenticated"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"{QUEUE}?select=*", None),
        ("GET", "safari_command_attempts", None),
        ("GET", "crm_contacts", None),
        ("GET", "safari_settings", None),
        ("PATCH", f"{QUEUE}?status=eq.pending", {"status": "pending"}),
        ("DELETE", f"{QUEUE}?status=eq.pending", None),
        ("PATCH", "safari_rate_limits?used=gt.0", {"used": 0}),
        ("PATCH", "safari_policies?kind=eq.dm", {"daily_limit": 9999}),
        ("POST", "safari_do_not_contact", {"platform": "all", "recipient": "x"}),
        ("POST", QUEUE, {**ROW, "attempt": -1}),
        ("POST", QUEUE, {**ROW, "effect": "repeatable"}),
        ("POST", QUEUE, {**ROW, "lease_number": 9223372036854775807}),
        ("POST", QUEUE, {**ROW, "created_at": "-infinity"}),
        ("POST", QUEUE, {**ROW, "status": "completed"}),
        ("POST", QUEUE, {**ROW, "campaign_id": "c1"}),
        ("POST", "rpc/safari_claim", {"boot_id": UUID, "wants": {}, "held": 0, "lease_seconds": 9}),
        ("POST", "rpc/safari_ledger", {"boot_id": UUID, "finishes": [], "begins": []}),
        ("POST", "rpc/safari_configure", {"policies": [], "settings": {}}),
        ("POST", "rpc/safari_backlog", {"accept": True}),
        ("POST", "rpc/safari_act", {"operator": "x", "act": "pause", "arguments": {}}),
        ("POST", "rpc/safari_secure", {"tables": []}),
        ("POST", "rpc/safari_set_aside", {"services": [], "error": "x"}),
        ("POST", "rpc/agent_report", {}),
    ],
)
def test_nothing_else_is_let_through(
    project: tuple[str, Database], role: str, method: str, path: str, body: Any
) -> None:
    url, database = project
    before = state_of(database)
    answer = Outsider(url, key_for(role)).ask(method, path, body)
    # 404: PostgREST does not know a function with these arguments for anybody.
    if role.startswith("actp_") or method == "POST":
        assert answer.status_code in {401, 403, 404}, (answer.status_code, answer.text)
    else:  # a project grants its tables to visitors, and row-level security shows them no row
        assert answer.text in {"", "[]"} or answer.status_code in {401, 403}, answer.text
    assert state_of(database) == before


def state_of(database: Database) -> list[tuple[object, ...]]:
    """Return what the requests would change."""
    tables = (QUEUE, "safari_rate_limits", "safari_policies", "safari_do_not_contact")
    rows = " union all ".join(f"select to_jsonb(t)::text from {name} t" for name in tables)  # noqa: S608  ours
    with database.connect() as connection:
        return connection.execute(f"{rows} order by 1".encode()).fetchall()


@pytest.mark.parametrize("path", ["rpc/safari_enqueue", QUEUE])
def test_visitors_and_forged_tokens_enqueue_nothing(
    project: tuple[str, Database], path: str
) -> None:
    url, _ = project
    body = CALL if path.startswith("rpc") else ROW
    forged = f"{key_for('service_role').rpartition('.')[0]}.{key_for('anon').rpartition('.')[2]}"
    for token in (key_for("anon"), key_for("authenticated"), forged, key_for("postgres")):
        answer = Outsider(url, token).ask("POST", path, body)
        assert answer.status_code in {401, 403}, (token, answer.text)
