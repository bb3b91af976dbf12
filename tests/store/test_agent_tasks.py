"""The log of the agents' tasks, through every adapter."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store


def begin(store: Store, id_: str, task: str = "due", host: str = "here", **more: Any) -> Any:
    who = {"host": host, "host_name": "mac", "pid": 7, "lease_seconds": 60.0, **more}
    return store.call(
        "agent_task_begin", id=id_, domain="outreach", task=task, params={"limit": 3}, **who
    )


def end(store: Store, id_: str, *, ok: bool = True, **result: Any) -> Any:
    said = {"stdout": "", "returncode": 0, "data": None, **result}
    error = result.get("error")
    return store.call("agent_task_end", id=id_, ok=ok, result=said, duration_ms=12, error=error)


def log(admin: psycopg.Connection) -> list[Any]:
    return admin.execute(
        "select status, result from actp_agent_tasks order by created_at"
    ).fetchall()


def test_a_run_begins_once_is_kept_and_ends_once(store: Store, admin: psycopg.Connection) -> None:
    mine, theirs = str(uuid4()), str(uuid4())
    assert begin(store, mine) == begin(store, mine) == {"begun": True}
    refused = begin(store, theirs, host="there")
    assert (refused["begun"], refused["id"], refused["pid"]) == (False, mine, 7)
    assert begin(store, str(uuid4()), "build-queue") == {"begun": True}
    assert store.call("agent_task_renew", id=mine, lease_seconds=60.0) is True
    end(store, mine, data={"headline": "3 due"})
    end(store, mine, ok=False, error="said too late")
    assert store.call("agent_task_renew", id=mine, lease_seconds=60.0) is False
    assert log(admin)[0][0] == "ok"
    assert begin(store, theirs) == {"begun": True}
    assert admin.execute("select kind from safari_alerts").fetchall() == []


def test_of_many_that_begin_at_once_one_does(store: Store, admin: psycopg.Connection) -> None:
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(lambda _: begin(store, str(uuid4())), range(24)))
    assert [answer["begun"] for answer in begun].count(True) == 1
    assert len(log(admin)) == 1


def test_the_runs_of_the_dead_are_marked_and_told(store: Store, admin: psycopg.Connection) -> None:
    dead, alive, late = (str(uuid4()) for _ in range(3))
    begin(store, dead, "due")
    begin(store, alive, "send")
    begin(store, late, "build-queue", lease_seconds=-1.0)
    leases = store.call("agent_task_leases_of", host="here")
    assert {lease["id"] for lease in leases} == {dead, alive, late}
    assert store.call("agent_task_reap", gone=[dead]) == 2
    assert store.call("agent_task_reap", gone=[dead]) == 0
    assert [status for status, _ in log(admin)] == ["error", "running", "error"]
    told = admin.execute("select kind, detail ->> 'task' from safari_alerts order by id").fetchall()
    assert sorted(told) == [("agent_error", "build-queue"), ("agent_error", "due")]
    # It was not dead after all.
    end(store, dead, data={"headline": "3 due"})
    assert log(admin)[0][0] == "ok"


def test_rows_of_other_programs_are_shown_and_left_alone(
    store: Store, admin: psycopg.Connection
) -> None:
    admin.execute("alter table actp_agent_tasks alter column domain drop not null")
    admin.execute("alter table actp_agent_tasks alter column task drop not null")
    add = (
        "insert into actp_agent_tasks (domain, task, status, result, created_at)"
        " values (%s, %s, %s, %s, now() - %s::interval)"
    )
    admin.execute(add, ("sdk", "build", "completed", Jsonb(json.dumps({"a": 1})), "100 days"))
    admin.execute(add, ("sdk", "test", "failed", Jsonb("no luck"), "1 h"))
    admin.execute(add, ("sdk", "wait", "claimed", None, "2 h"))
    admin.execute(add, (None, None, "pending", None, "3 h"))
    admin.execute(add, ("sdk", "undated", "running", None, None))
    mine = str(uuid4())
    begin(store, mine)
    recent = store.call("agent_task_recent")["runs"]
    assert [(run["task"], run["status"], run["error"]) for run in recent] == [
        ("due", "running", None),
        ("test", "error", "no luck"),
        ("wait", "claimed", None),
        ("build", "ok", None),
    ]
    assert len(store.call("agent_task_recent", row_limit=2)["runs"]) == 2
    assert store.call("agent_task_prune") == {"agent_tasks": 0}
    end(store, mine)
    admin.execute("update actp_agent_tasks set created_at = now() - interval '91 days'")
    assert store.call("agent_task_prune") == {"agent_tasks": 1}


def test_a_sweep_is_told_once(store: Store, admin: psycopg.Connection) -> None:
    sweep = str(uuid4())
    begin(store, sweep, "sweep", logged=False)
    lines: list[Any] = [{"domain": "trends", "ok": True, "text": "3 trends"}]
    for _ in range(2):
        store.call("agent_sweep_end", id=sweep, passed=1, total=1, lines=lines)
    found = admin.execute("select kind, detail from safari_alerts").fetchall()
    assert found == [("sweep_complete", {"passed": 1, "total": 1, "lines": lines})]
    assert log(admin) == []


def test_the_week_is_told_once(store: Store, admin: psycopg.Connection) -> None:
    admin.execute(
        "insert into actp_agent_tasks (domain, task, status, created_at) values"
        " ('trends', 'detect', 'ok', now()), ('trends', 'full', 'error', now()),"
        " ('outreach', 'due', 'completed', now() - interval '8 days')"
    )
    for _ in range(2):
        lines = store.call("agent_weekly_report")["lines"]
    assert lines[0] == "trends: 2 runs, 1 failed (last: full)"
    assert [line.partition(":")[0] for line in lines[1:]] == ["commands", "prospects", "content"]
    told = admin.execute("select detail from safari_alerts where kind = 'weekly_report'").fetchall()
    assert [detail["lines"] for (detail,) in told] == [lines]


def test_the_week_says_what_it_brought(store: Store, admin: psycopg.Connection) -> None:
    admin.execute(
        "with c as (insert into crm_contacts (platform, username, pipeline_stage, updated_at)"
        " values ('twitter', 'ada', 'closed_won', now()) returning id)"
        " insert into crm_messages (contact_id, platform, username, message_id, is_outbound,"
        " sent_at) select id, 'twitter', 'ada', n::text, false, now() - interval '1 day'"
        " from c, generate_series(1, 2) n"
    )
    admin.execute(
        "insert into crm_message_queue (platform, message_body, status, sent_at) values"
        " ('twitter', 'x', 'sent', now()), ('twitter', 'x', 'sent', now() - interval '9 days'),"
        " ('instagram', 'x', 'pending', null)"
    )
    admin.execute(
        "insert into actp_content_performance (platform, external_id, niche, content_type, title,"
        " engagement_score, published_at) select 'tiktok', n::text, 'saas_growth', 'case_study',"
        " 'Hook ' || n, case n when 3 then 900 else 100 end,"
        " date_trunc('day', now()) - interval '2 days' + interval '14 hours'"
        " from generate_series(1, 4) n"
    )
    admin.execute(
        "insert into actp_ab_tests (topic, status, winner, variant_a_text, completed_at) values"
        " ('t', 'complete', 'a', 'A question?', now()), ('u', 'inconclusive', 'tie', 'x', now()),"
        " ('v', 'complete', 'b', 'old', now() - interval '8 days')"
    )
    admin.execute(
        "insert into actp_agent_tasks (domain, task, status, result) values"
        """ ('scheduler', 'optimize', 'ok', '{"data": {"changed": 2}}'),"""
        """ ('scheduler', 'optimize', 'ok', '{"data": {"changed": 1}}')"""
    )
    lines = store.call("agent_weekly_report")["lines"]
    said = dict(line.split(": ", 1) for line in lines)
    assert said["messages"] == "1 sent, 2 replies from 1 person, 1 waiting"
    assert said["conversions"] == "1 contact closed as won"
    assert said["best post"].startswith("“Hook 3” on tiktok, 900 engagement, 3.0 times the mean of")
    assert "saas_growth, case_study at 14:00 UTC" in said["best post"]
    assert said["A/B tests"] == "1 won, 1 without a winner; last winner: “A question?”"
    assert said["posting hours"] == "changed 3 times"


def test_a_usage_error_uses_up_no_alert(store: Store, admin: psycopg.Connection) -> None:
    for tell in (False, True, True):
        run = str(uuid4())
        begin(store, run)
        store.call("agent_task_end", id=run, ok=False, result={}, duration_ms=1, error="e",
                   tell=tell)  # fmt: skip
        told = admin.execute("select count(*) from safari_alerts").fetchone()
        assert told == (int(tell),)
