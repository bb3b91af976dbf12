"""Tests of two texts that another program began, or that an earlier run left half done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from actp.cli.agents.abtest import script

if TYPE_CHECKING:
    import psycopg

    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools, RunScript

URL_B = "https://x.com/me/status/77"
WELL = {"likes": 300, "retweets": 60, "replies": 40, "views": 5000}
BADLY = {"likes": 60, "retweets": 9, "replies": 6, "views": 5000}


@pytest.fixture(autouse=True)
def outside(open_tools: OpenTools, simulator: SimulatorProcess) -> None:
    open_tools(SAFARI_TWITTER_COMMENTS_URL=simulator.url("twitter-comments"))


def rows(admin: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return admin.execute(query.encode()).fetchall()


def test_a_test_of_another_program_is_taken_up_or_named(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into actp_ab_tests (topic, niche, variant_a_text, variant_b_text, status,"
        " post_url_a, post_url_b, created_at) values"
        " ('theirs', 'saas_growth', 'a', 'b', 'running', 'https://x.com/me/status/5',"
        " 'https://x.com/me/status/77', now() - interval '30 hours'),"
        " ('lost', 'saas_growth', 'a', 'b', 'running', null, null, now())"
    )
    tweets = [
        {"tweetUrl": "https://x.com/me/status/5", **BADLY},
        {"tweetUrl": URL_B, **WELL},
    ]
    simulator.play({"services": {"twitter-comments": {"tweets": tweets}}})
    _, result = run_script(script, "--checkback")
    (row,) = result["rows"]
    assert (row["topic"], row["verdict"], row["late"]) == ("theirs", "b", ["1h", "4h", "24h"])
    (stranded,) = result["stranded"]
    assert stranded["topic"] == "lost"
    assert "post_id_a" in stranded["lacks"]
    assert rows(admin, "select status from actp_ab_tests order by topic") == [
        ("running",),
        ("complete",),
    ]
    assert script.main(["--status"]) == 0


@pytest.mark.parametrize(
    "case",
    [
        ("Running ", "https://twitter.com/me/status/5?s=20", "x.com/me/status/77", None),
        ("running", "https://x.com/me/status/5", "https://x.com/i/status/5", "one tweet"),
        ("running", "https://www.linkedin.com/posts/a", URL_B, "post_url_a is no address"),
        ("running", "https://x.com/me/status/5", "https://t.co/abc", "post_url_b is no address"),
        ("active", "https://x.com/me/status/5", URL_B, "its status 'active'"),
        ("complete", None, None, None),
    ],
)
def test_what_a_foreign_test_lacks_is_named(
    run_script: RunScript, admin: psycopg.Connection, case: tuple[str | None, ...]
) -> None:
    status, url_a, url_b, lacks = case
    admin.execute(
        "insert into actp_ab_tests (topic, variant_a_text, variant_b_text, status, post_url_a,"
        " post_url_b) values ('theirs', 'a', 'b', %s, %s, %s)",
        (status, url_a, url_b),
    )
    _, result = run_script(script, "--checkback")
    assert [lacks in row["lacks"] for row in result["stranded"] if lacks] == [True] * bool(lacks)
    assert bool(result["stranded"]) is bool(lacks)
    assert result["running"] == (status == "Running ")


TWEETS = [{"tweetUrl": "https://x.com/me/status/5", **BADLY}, {"tweetUrl": URL_B, **WELL}]
FOREIGN = """
insert into actp_ab_tests (topic, niche, variant_a_text, variant_b_text, post_url_a, post_url_b,
                           status, started_at, winner)
  values (%s, 'saas_growth', 'a', 'b', 'https://x.com/me/status/5', %s, %s, %s, %s)
"""


def test_every_foreign_test_is_looked_at_named_or_decided(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    for topic, status, started_at, winner in (
        ("spelled", " Running", "2026-01-01", None),
        ("decided", "running", "2026-01-01", "a"),
        ("no status", None, "2026-01-01", None),
        ("future", "RUNNING", "2999-01-01", None),
    ):
        admin.execute(FOREIGN, (topic, URL_B, status, started_at, winner))
    simulator.play({"services": {"twitter-comments": {"tweets": TWEETS}}})
    _, result = run_script(script, "--checkback")
    assert [(row["topic"], row["verdict"]) for row in result["rows"]] == [("spelled", "b")]
    assert {row["topic"]: row["lacks"] for row in result["stranded"]} == {
        "no status": (
            "its status null is none of posting, running, complete, inconclusive and error"
        ),
        "future": "its started_at lies in the future",
    }
    kept = rows(admin, "select status, winner from actp_ab_tests where topic = 'decided'")
    assert kept == [("running", "a")]


def test_counts_that_were_stored_before_a_crash_decide(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    """A run that was killed between the counts and the verdict must not leave a test running."""
    counts = {
        f"{name}_{arm}": n for arm, of in (("a", WELL), ("b", BADLY)) for name, n in of.items()
    }
    for topic, metrics in (("ours", counts), ("theirs", {"a": {"likes": 3}})):
        admin.execute(
            "insert into actp_ab_tests (topic, status, started_at, metrics_1h, metrics_4h,"
            " metrics_24h, post_url_a, post_url_b) select %s, 'running',"
            " now() - interval '26 hours', m, m, m, 'https://x.com/me/status/5', %s"
            " from (select %s::jsonb) as of (m)",
            (topic, URL_B, json.dumps(metrics)),
        )
    _, result = run_script(script, "--checkback")
    found = {row["topic"]: (row["verdict"], row["error"]) for row in result["rows"]}
    assert found == {
        "ours": ("a", None), "theirs": (None, "theirs: the tweet of arm A is gone"),
    }  # fmt: skip
    assert rows(admin, "select winner from actp_ab_tests where topic = 'ours'") == [("a",)]


def test_views_that_fell_were_misread_and_are_read_again(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    admin.execute(FOREIGN, ("falls", URL_B, "running", "2026-01-01", None))
    admin.execute(
        "update actp_ab_tests set started_at = now() - interval '25 hours', metrics_4h = %s",
        [json.dumps({"views_a": 9000, "views_b": "9.5K"})],
    )
    simulator.play({"services": {"twitter-comments": {"tweets": TWEETS}}})
    for views, said in ((4499, "arm A shows fewer views than before"), (9000, "arm B shows fewer")):
        simulator.play(
            {
                "services": {
                    "twitter-comments": {
                        "tweets": [{**TWEETS[0], "views": views}, {**TWEETS[1], "views": 4700}]
                    }
                }
            }
        )
        code, result = run_script(script, "--checkback")
        assert (code, result["running"]) == (1, 1)
        assert said in result["error"]
    assert rows(admin, "select metrics_24h from actp_ab_tests") == [(None,)]
    simulator.play({"services": {"twitter-comments": {"tweets": TWEETS}}})
    _, result = run_script(script, "--checkback")
    assert [row["verdict"] for row in result["rows"]] == ["b"]
