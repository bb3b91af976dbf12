"""The ab-tester agent with Blotato, Twitter and a database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from actp.cli.agents.abtest import script

if TYPE_CHECKING:
    import psycopg

    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools, RunScript

CREATE = ("--create", "AI agents for small teams", "--niche", "ai_automation")
URL_B = "https://x.com/me/status/77"


@pytest.fixture(autouse=True)
def outside(open_tools: OpenTools, simulator: SimulatorProcess, admin: psycopg.Connection) -> None:
    """Blotato, Claude and Twitter of the simulator, at any hour."""
    open_tools(
        BLOTATO_API_KEY="test-only",
        BLOTATO_API_URL=f"{simulator.url('blotato')}/v2",
        BLOTATO_POLL_SECONDS="0.02",
        ANTHROPIC_API_KEY="test-only",
        ANTHROPIC_BASE_URL=simulator.url("claude"),
        SAFARI_TWITTER_COMMENTS_URL=simulator.url("twitter-comments"),
    )
    admin.execute("update safari_policies set active_from = 0, active_to = 24, time_zone = 'UTC'")


def rows(admin: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return admin.execute(query.encode()).fetchall()


def alerts(admin: psycopg.Connection, kind: str) -> list[Any]:
    told = admin.execute("select detail from safari_alerts where kind = %s", (kind,)).fetchall()
    return [detail for (detail,) in told]


def tweet_goes_out(admin: psycopg.Connection, hours_ago: int) -> None:
    admin.execute(
        "update safari_command_queue set status = 'completed', result = '{}',"
        " completed_at = now() - make_interval(hours => %s) where action = 'tweet'",
        (hours_ago,),
    )


def play(
    simulator: SimulatorProcess,
    admin: psycopg.Connection,
    a: dict[str, Any] | None,
    b: dict[str, Any] | None,
) -> None:
    """Twitter shows both arms with these counts; None: the tweet is gone."""
    ((text_b,),) = rows(admin, "select variant_b_text from actp_ab_tests")
    (published,) = [line for line in simulator.world() if line["kind"] == "publish"]
    tweets: list[dict[str, Any]] = [{"tweetUrl": "https://x.com/me/status/5", "text": "x" * 30}]
    if a is not None:
        tweets.append({"tweetUrl": published["url"], "text": published["text"], **a})
    if b is not None:
        tweets.append({"tweetUrl": URL_B, "text": text_b, **b})
    simulator.play({"services": {"twitter-comments": {"tweets": tweets}}})


WELL = {"likes": 300, "retweets": 60, "replies": 40, "views": 5000}
BADLY = {"likes": 60, "retweets": 9, "replies": 6, "views": 5000}


def test_two_texts_go_out_one_by_blotato_and_one_by_the_queue(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    code, result = run_script(script, *CREATE)
    assert (code, result["claude"]) == (0, "ok")
    (published,) = [line for line in simulator.world() if line["kind"] == "publish"]
    assert (published["platform"], published["text"]) == ("twitter", result["variant_a"])
    assert rows(
        admin,
        "select q.params ->> 'text', q.idempotency_key, t.status, t.post_id_a is not null,"
        " q.params ->> 'written_by'"
        " from safari_command_queue q join actp_ab_tests t on t.command_id = q.id",
    ) == [(result["variant_b"], f"ab-test:{result['id']}:b", "posting", True, "claude")]
    assert result["variant_a"] != result["variant_b"]


def test_a_test_posts_no_text_that_a_review_would_hold(
    run_script: RunScript,
    simulator: SimulatorProcess,
    admin: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REVIEW", "all")
    assert run_script(script, *CREATE)[0] != 0
    assert simulator.world() == []
    monkeypatch.setenv("REVIEW", "ai")
    code, result = run_script(script, *CREATE)
    assert (code, result["claude"]) == (0, "review")
    assert [line["kind"] for line in simulator.world()] == ["publish"], "Claude was not asked"
    assert rows(admin, "select params ->> 'written_by' from safari_command_queue") == [
        ("template",)
    ]


def test_both_texts_get_the_next_hour_of_twitter(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    admin.execute(
        "update actp_posting_schedule set best_hours = '{3,9,21}',"
        " active_days = '{0,1,2,3,4,5,6}' where platform = 'twitter'"
    )
    admin.execute("update safari_policies set active_from = 8, active_to = 20, time_zone = 'UTC'")
    _, first = run_script(script, *CREATE)
    _, second = run_script(script, *CREATE)
    at, later = (datetime.fromisoformat(each["planned_at"]) for each in (first, second))
    assert (at.hour, at.minute) == (9, 0), "at 3 and 21 no tweet may go out"
    assert later == at + timedelta(days=1), "the hour is taken"
    published = [line for line in simulator.world() if line["kind"] == "publish"]
    assert [datetime.fromisoformat(line["scheduled"]) for line in published] == [at, later]
    assert (
        rows(
            admin,
            "select scheduled_for = t.planned_at, expires_at = t.planned_at + interval '2 hours'"
            " from safari_command_queue q join actp_ab_tests t on t.command_id = q.id",
        )
        == [(True, True)] * 2
    )
    admin.execute("update safari_policies set active_from = 0, active_to = 24")
    _, third = run_script(script, *CREATE, "--now")
    assert third["planned_at"] is None
    assert script.main(["--status"]) == 0


def test_a_winner_is_told_and_teaches_hooks_hours_and_performance_once(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into actp_content_performance (platform, external_id, engagement_score,"
        " published_at) values ('twitter', 'old', 900, now() - interval '3 days')"
    )
    _, created = run_script(script, *CREATE)
    tweet_goes_out(admin, 25)
    play(simulator, admin, BADLY, WELL)
    code, result = run_script(script, "--checkback")
    assert (code, result["won"], result["running"]) == (0, 1, 0)
    assert run_script(script, "--checkback")[1]["rows"] == []

    ((status, winner, a, b, metrics),) = rows(
        admin, "select status, winner, eng_score_a, eng_score_b, metrics_24h from actp_ab_tests"
    )
    assert (status, winner, float(a), float(b)) == ("complete", "b", 749.0, 1860.0)
    assert (metrics["likes_b"], metrics["replies_a"]) == (300, 6)
    assert metrics["age_hours"] == pytest.approx(25, abs=0.2)
    (told,) = alerts(admin, "ab_winner")
    assert (told["method"], told["niche"], told["margin_percent"]) == (
        "safari", "ai_automation", 59.7,
    )  # fmt: skip
    ((hooks,),) = rows(admin, "select top_hook_patterns from actp_niche_resonance")
    assert created["variant_b"].startswith(hooks[0])
    recorded = "select external_id, engagement_score from actp_content_performance"
    assert len(rows(admin, f"{recorded} where niche = 'ai_automation'")) == 2
    ((learned,),) = rows(
        admin,
        "select sum((s.value ->> 'alpha')::int - 1) * 100 + sum((s.value ->> 'beta')::int - 1)"
        " from actp_posting_schedule p, jsonb_each(p.thompson_slots) s"
        " where p.platform = 'twitter'",
    )
    assert learned == 101, "one post did better than the mean, one did not"


def test_posts_that_are_alike_have_no_winner(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    run_script(script, *CREATE)
    tweet_goes_out(admin, 25)
    play(simulator, admin, WELL, WELL)
    _, result = run_script(script, "--checkback")
    assert (result["rows"][0]["verdict"], result["won"]) == ("tie", 0)
    assert [c["is_met"] for c in result["rows"][0]["conditions"]] == [False, False, True]
    assert rows(admin, "select status, winner from actp_ab_tests") == [("inconclusive", "tie")]
    assert alerts(admin, "ab_winner") == []


def test_a_young_test_is_counted_and_goes_on(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    run_script(script, *CREATE)
    tweet_goes_out(admin, 5)
    play(simulator, admin, BADLY, WELL)
    _, result = run_script(script, "--checkback")
    assert result["running"] == 1
    _, listed = run_script(script, "--status")
    assert (listed["rows"][0]["has_1h"], listed["rows"][0]["has_4h"]) == (False, True)
    filled = "select metrics_1h = metrics_4h, metrics_24h, post_url_b, status from actp_ab_tests"
    assert rows(admin, filled) == [(True, None, URL_B, "running")]
    assert [script.main([f]) for f in ("--status", "--results", "--checkback")] == [0, 0, 0]


@pytest.mark.parametrize("gone", ["a", "b"])
def test_a_tweet_that_is_gone_wins_nothing_and_ends_the_test_a_day_later(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection, gone: str
) -> None:
    run_script(script, *CREATE)
    tweet_goes_out(admin, 25)
    play(simulator, admin, None if gone == "a" else WELL, None if gone == "b" else WELL)
    code, result = run_script(script, "--checkback")
    assert (code, result["running"], result["won"]) == (1, 1, 0)
    admin.execute("update actp_ab_tests set started_at = now() - interval '49 hours'")
    run_script(script, "--checkback")
    assert rows(admin, "select status from actp_ab_tests") == [("error",)]
    assert len(alerts(admin, "ab_error")) == 1


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"likes": 5},
        {**WELL, "views": 0},
        {**WELL, "replies": None},
        {**WELL, "likes": "many"},
        {**WELL, "views": 3_000_000_000},
        {**WELL, "likes": -1},
    ],
    ids=["nothing", "likes only", "no views", "no replies", "no number", "huge", "negative"],
)
@pytest.mark.parametrize("arm", ["a", "b"])
def test_variant_without_counts_ends_the_test_a_day_later(
    run_script: RunScript,
    simulator: SimulatorProcess,
    admin: psycopg.Connection,
    shown: dict[str, Any],
    arm: str,
) -> None:
    run_script(script, *CREATE)
    tweet_goes_out(admin, 25)
    play(simulator, admin, *((shown, WELL) if arm == "a" else (WELL, shown)))
    code, result = run_script(script, "--checkback")
    assert (code, result["running"], result["won"]) == (1, 1, 0)
    assert f"arm {arm.upper()} shows no" in result["error"]
    assert rows(admin, "select metrics_24h, winner from actp_ab_tests") == [(None, None)]
    admin.execute("update actp_ab_tests set started_at = now() - interval '49 hours'")
    run_script(script, "--checkback")
    assert rows(admin, "select status, winner from actp_ab_tests") == [("error", None)]
    assert rows(admin, "select count(*) from actp_content_performance") == [(0,)]
    assert len(alerts(admin, "ab_error")) == 1


def test_counts_given_as_text_decide_like_numbers(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    run_script(script, *CREATE)
    tweet_goes_out(admin, 25)
    play(simulator, admin, {n: f"{v:,}" for n, v in BADLY.items()}, {**WELL, "views": "5K"})
    _, result = run_script(script, "--checkback")
    assert (result["rows"][0]["verdict"], result["rows"][0]["margin_percent"]) == ("b", 59.7)


def test_undecided_test_continues_with_other_texts(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    _, first = run_script(script, *CREATE, "--rounds", "2")
    tweet_goes_out(admin, 25)
    slightly = {"likes": 92, "retweets": 15, "replies": 10, "views": 5000}
    play(simulator, admin, BADLY, slightly)
    _, result = run_script(script, "--checkback")
    assert result["rows"][0]["next_round"] == "round 2 has begun"
    ((status, a, b),) = rows(
        admin, "select status, variant_a_text, variant_b_text from actp_ab_tests where round = 2"
    )
    assert status == "posting"
    assert {a, b}.isdisjoint({first["variant_a"], first["variant_b"]})
    assert run_script(script, "--checkback")[1]["running"] == 0, "the second is not out yet"
    tweet_goes_out(admin, 25)
    published = [line for line in simulator.world() if line["kind"] == "publish"]
    tweets = [
        {"tweetUrl": published[1]["url"], "text": published[1]["text"], **BADLY},
        {"tweetUrl": "https://x.com/me/status/78", "text": b, **slightly},
    ]
    simulator.play({"services": {"twitter-comments": {"tweets": tweets}}})
    _, result = run_script(script, "--checkback")
    assert (result["rows"][0]["verdict"], result["won"]) == ("b", 1)
    assert rows(admin, "select status from actp_ab_tests order by round") == [
        ("inconclusive",),
        ("complete",),
    ]


def test_a_service_that_is_down_leaves_the_test_as_it_is(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    run_script(script, *CREATE)
    tweet_goes_out(admin, 25)
    simulator.down("twitter-comments")
    try:
        code, result = run_script(script, "--checkback")
    finally:
        simulator.up("twitter-comments")
    assert (code, result["running"]) == (1, 1)
    assert rows(admin, "select status, metrics_24h from actp_ab_tests") == [("running", None)]


@pytest.mark.parametrize("behaviour", ["invalid", "server_error", "drop_after_effect"])
def test_unposted_arm_ends_the_test(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection, behaviour: str
) -> None:
    simulator.play({"blotato": {"rules": [{"behaviour": behaviour, "times": 1}]}})
    code, result = run_script(script, *CREATE)
    assert (code, result["ok"]) == (1, False)
    assert rows(admin, "select status from actp_ab_tests") == [("error",)]
    assert rows(admin, "select count(*) from safari_command_queue") == [(0,)]
    (told,) = alerts(admin, "ab_error")
    assert told["arm"] == "a"
    assert sum(line["kind"] == "publish" for line in simulator.world()) <= 1


def test_a_tweet_that_failed_ends_the_test(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    run_script(script, *CREATE)
    admin.execute("update safari_command_queue set status = 'failed', reason = 'expired'")
    assert run_script(script, "--checkback")[1]["rows"] == []
    (told,) = alerts(admin, "ab_error")
    assert (told["arm"], "expired" in told["error"]) == ("b", True)


def test_a_run_that_died_between_intent_and_answer_is_not_repeated(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into actp_ab_tests (topic, niche, variant_a_text, variant_b_text, status,"
        " a_begun_at, created_at) values ('t', 'n', 'a', 'b', 'posting',"
        " now() - interval '20 minutes', now() - interval '20 minutes')"
    )
    ((test,),) = rows(admin, "select id::text from actp_ab_tests")
    assert rows(admin, f"select agent_ab_begin_a('{test}')") == [(False,)]
    run_script(script, "--checkback")
    (told,) = alerts(admin, "ab_error")
    assert "may have been posted" in told["error"]


def test_nothing_is_posted_while_no_tweet_may_go_out(
    run_script: RunScript,
    simulator: SimulatorProcess,
    admin: psycopg.Connection,
    capsys: pytest.CaptureFixture[str],
) -> None:
    admin.execute("insert into safari_pauses (platform) values ('twitter')")
    assert run_script(script, *CREATE)[0] == 65
    assert "bin/show" not in capsys.readouterr().err, "there is no command to show"
    assert [line for line in simulator.world() if line["kind"] == "publish"] == []


def test_what_claude_was_tricked_into_is_not_posted(
    run_script: RunScript, simulator: SimulatorProcess
) -> None:
    simulator.play({"claude": {"rules": [{"behaviour": "obey_injection"}]}})
    code, result = run_script(script, *CREATE)
    assert (code, result["claude"] != "ok") == (0, True)
    assert "AI agents for small teams" in result["variant_a"]
    assert "http" not in result["variant_a"] + result["variant_b"]


def test_an_unknown_niche_is_told_with_the_nearest(
    run_script: RunScript, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_script(script, "--create", "x", "--niche", "ai_automaton")[0] == 2
    assert "ai_automation" in capsys.readouterr().err
