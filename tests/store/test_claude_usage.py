"""What was asked of Claude is kept: each run once, and forever in the totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.support.claude_usage import HAIKU, asked

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Json, Store
    from tests.support.databases import Database


def record(store: Store, *usage: dict[str, Json], run: str | None = None) -> None:
    store.call("agent_claude_record", run=run or str(uuid4()), usage=usage)


def shown(store: Store) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Requests by purpose and outcome (those at 0 left out), tokens by direction, dollars."""
    answer = store.call("safari_gauges")
    requests = {
        f"{it['purpose']} {it['outcome']}": it["value"]
        for it in answer["claude_requests_total"] or ()
        if it["value"]
    }
    tokens = {
        f"{it['model']} {it['direction']}": it["value"]
        for it in answer["claude_tokens_total"] or ()
    }
    cost = {it["model"]: it["value"] for it in answer["claude_cost_dollars_total"] or ()}
    return requests, tokens, cost


def rows(admin: psycopg.Connection) -> int:
    (count,) = admin.execute("select count(*) from agent_claude_usage").fetchall()[0]
    return int(count)


def test_runs_add_up_and_a_run_that_is_told_twice_counts_once(store: Store) -> None:
    assert shown(store) == ({}, {}, {})
    failed = asked(outcome="garbage", questions=2, dollars=0.2)
    run = str(uuid4())
    for _ in range(2):
        record(store, asked(), failed, run=run)
    record(store, asked(purpose="classify"))
    assert shown(store) == (
        {"dm answered": 1, "dm garbage": 2, "classify answered": 1},
        {f"{HAIKU} asked": 300, f"{HAIKU} answered": 30},
        {HAIKU: 0.4},
    )


def test_a_model_without_a_price_costs_no_dollars(database: Database) -> None:
    record(database.store, asked(model="claude-of-tomorrow", dollars=None))
    _, tokens, cost = shown(database.store)
    assert tokens["claude-of-tomorrow asked"] == 100
    assert cost == {}


def test_every_outcome_of_a_purpose_is_shown_before_it_happens(database: Database) -> None:
    record(database.store, asked())
    samples = database.store.call("safari_gauges")["claude_requests_total"]
    assert {it["outcome"]: it["value"] for it in samples} == {
        "answered": 1,
        **dict.fromkeys(("no_key", "unavailable", "refused", "garbage", "over_budget"), 0),
        "interrupted": 0,
    }


def test_runs_past_their_age_become_one_and_no_total_falls(database: Database) -> None:
    store = database.store
    for _ in range(3):
        record(store, asked(), asked(model="claude-of-tomorrow", dollars=None))
    with database.connect() as admin:
        admin.execute("update agent_claude_usage set day = day - 91")
        record(store, asked())
        before = shown(store)
        removed = [store.call("agent_claude_prune", batch=4)["claude_usage"] for _ in range(3)]
        assert removed == [4, 2, 0]
        assert shown(store) == before
        assert rows(admin) == 3
        admin.execute("update agent_claude_usage set day = day - 91 where day > '-infinity'")
        assert store.call("agent_claude_prune") == {"claude_usage": 1}
        assert shown(store) == before
        assert rows(admin) == 2


def test_what_is_younger_stays_as_it_is(database: Database) -> None:
    record(database.store, asked())
    assert database.store.call("agent_claude_prune") == {"claude_usage": 0}
