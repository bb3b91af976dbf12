"""The creators agent with a research service and a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actp.cli.agents.growth import script

if TYPE_CHECKING:
    import psycopg

    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools, RunScript

ONE = ("--research", "--platform", "twitter", "--niche", "saas_growth")
FOUND: list[dict[str, Any]] = [
    {
        "id": "1",
        "text": "Founder here: how we cut churn\nmore",
        "author": "maria_makes",
        "url": "https://x.com/maria_makes/status/1790",
        "likes": 90_000,
        "engagementScore": 90_000,
    },
    {"id": "2", "text": "hm", "author": "quiet", "url": "https://x.com/quiet/status/1791"},
]


@pytest.fixture(autouse=True)
def research_service(open_tools: OpenTools, simulator: SimulatorProcess) -> None:
    """The simulator's market research, whose jobs take no time, with two posts to find."""
    simulator.play({"services": {"market-research": {"job_seconds": 0.01, "posts": FOUND}}})
    open_tools(
        SAFARI_MARKET_RESEARCH_URL=simulator.url("market-research"), RESEARCH_POLL_SECONDS="0.02"
    )


def rows(admin: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return admin.execute(query.encode()).fetchall()


def alerts(admin: psycopg.Connection) -> list[dict[str, Any]]:
    told = rows(admin, "select detail from safari_alerts where kind = 'new_creators'")
    return [row[0] for row in told]


def test_who_fits_becomes_a_contact_once(run_script: RunScript, admin: psycopg.Connection) -> None:
    code, first = run_script(script, *ONE)
    assert (code, first["new"], first["contacts"]) == (0, 2, 1)
    _, second = run_script(script, *ONE)
    assert (second["new"], second["contacts"]) == (0, 0)
    contact = "select username, source, niche_label, pipeline_stage from crm_contacts"
    assert rows(admin, contact) == [("maria_makes", "market_research", "saas_growth", "new")]
    assert rows(admin, "select handle from actp_platform_creators order by 1") == [
        ("maria_makes",),
        ("quiet",),
    ]
    assert rows(admin, "select tweet_id, likes from actp_twitter_research order by 1") == [
        ("1790", 90_000),
        ("1791", None),
    ]
    (told,) = alerts(admin)
    assert (told["count"], told["top"]["handle"]) == (2, "maria_makes")


@pytest.mark.parametrize(
    ("platform", "username", "twitter"),
    [
        ("Twitter", "@Maria_Makes", None),
        ("X ", "https://x.com/maria_makes", None),
        ("instagram", "makes.maria", "@MARIA_MAKES"),
    ],
)
def test_a_contact_that_is_there_keeps_its_stage(
    run_script: RunScript,
    admin: psycopg.Connection,
    platform: str,
    username: str,
    twitter: str | None,
) -> None:
    admin.execute(
        "insert into crm_contacts (platform, username, twitter_handle, pipeline_stage)"
        " values (%s, %s, %s, 'client')",
        (platform, username, twitter),
    )
    assert run_script(script, *ONE)[1]["contacts"] == 0
    assert rows(admin, "select pipeline_stage from crm_contacts") == [("client",)]


def test_counts_that_are_not_shown_are_unknown_and_keep_what_was_known(
    run_script: RunScript, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    """The table may have been made by another program, with its key under another name."""
    admin.execute(
        "alter table actp_platform_creators"
        " drop constraint actp_platform_creators_platform_handle_niche_key"
    )
    admin.execute("create unique index theirs on actp_platform_creators (platform, handle, niche)")
    admin.execute(
        "insert into actp_platform_creators (platform, handle, niche, followers, engagement_score)"
        " values ('twitter', 'quiet', 'saas_growth', 70, 12)"
    )
    odd = {"likes": "N/A", "views": 3e9, "quotes": -1, "followers": "1.2K"}
    play = [{**post, **odd, "engagementScore": None} for post in FOUND]
    simulator.play({"services": {"market-research": {"job_seconds": 0.01, "posts": play}}})
    assert run_script(script, *ONE)[0] == 0
    counts = "select tweet_id, likes, views, quotes, author_follower_count"
    assert rows(admin, f"{counts} from actp_twitter_research order by 1") == [
        ("1790", None, None, None, 1200),
        ("1791", None, None, None, 1200),
    ]
    kept = "select handle, followers, engagement_score from actp_platform_creators order by 1"
    assert rows(admin, kept) == [("maria_makes", None, None), ("quiet", 70, 12)]


def test_strangers_hooks_inspire_and_never_join_our_own(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into actp_niche_resonance (platform, niche, content_type, sample_count,"
        " top_hook_patterns, inspiration_hooks)"
        " values ('twitter', 'saas_growth', 'case_study', 5, '{Ours}', '{Theirs, HM}')"
    )
    run_script(script, *ONE)
    run_script(script, *ONE)
    found = rows(
        admin, "select top_hook_patterns, inspiration_hooks, sample_count from actp_niche_resonance"
    )
    assert found == [(["Ours"], ["Founder here: how we cut churn", "hm", "Theirs"], 5)]


def test_a_project_without_the_stage_new_gets_another(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    admin.execute(
        "alter table crm_contacts add check (pipeline_stage in ('first_touch', 'client'))"
    )
    code, result = run_script(script, *ONE)
    assert (code, result["rows"][0]["pipeline_stage"]) == (0, "first_touch")
    assert rows(admin, "select pipeline_stage from crm_contacts") == [("first_touch",)]


@pytest.mark.parametrize("behaviour", ["server_error", "not_json", "job_fails", "job_lost"])
def test_nothing_is_half_written_when_the_research_fails(
    run_script: RunScript,
    admin: psycopg.Connection,
    simulator: SimulatorProcess,
    behaviour: str,
) -> None:
    simulator.play({"rules": [{"service": "market-research", "behaviour": behaviour}]})
    code, result = run_script(script, *ONE)
    assert (code, result["ok"], result["new"]) == (1, False, 0)
    assert "market-research" in result["error"]
    for table in ("actp_platform_creators", "actp_twitter_research", "crm_contacts"):
        assert rows(admin, f"select count(*) from {table}") == [(0,)]  # noqa: S608


def test_our_own_accounts_are_no_creators(
    run_script: RunScript, open_tools: OpenTools, admin: psycopg.Connection
) -> None:
    open_tools(SAFARI_OWN_HANDLES="twitter=@Maria_Makes")
    admin.execute("insert into safari_accounts (platform, account) values ('twitter', 'quiet')")
    code, result = run_script(script, *ONE)
    assert (code, result["new"], result["contacts"]) == (0, 0, 0)
    for table, count in (("platform_creators", 0), ("twitter_research", 2)):
        assert rows(admin, f"select count(*) from actp_{table}") == [(count,)]  # noqa: S608


def test_a_search_that_did_not_load_is_a_failure_and_changes_no_figure(
    run_script: RunScript,
    admin: psycopg.Connection,
    simulator: SimulatorProcess,
    capsys: pytest.CaptureFixture[str],
) -> None:
    counts = {"likes": 0, "retweets": 0, "replies": 0, "views": 0, "engagementScore": 0}
    known = "select t.likes, t.views, k.icp_fit_score, k.engagement_score from"
    known += " actp_twitter_research t join actp_platform_creators k on k.handle = t.author_handle"
    run_script(script, *ONE)
    before = rows(admin, f"{known} order by tweet_id")
    assert before[0][0] == 90_000
    for posts, code in ([{**post, **counts} for post in FOUND], 0), ([], 1):
        simulator.play({"services": {"market-research": {"job_seconds": 0.01, "posts": posts}}})
        assert script.main(list(ONE)) == code
        assert rows(admin, f"{known} order by tweet_id") == before
    said = capsys.readouterr().err
    assert "twitter: nothing found of saas growth; the page may not have loaded" in said
    assert "nothing of it was stored" not in said


def test_a_service_that_is_down_is_told(
    run_script: RunScript, simulator: SimulatorProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator.down("market-research")
    try:
        assert run_script(script, *ONE)[0] == 1
        assert script.main(list(ONE)) == 1
    finally:
        simulator.up("market-research")
    assert "nothing of it was stored" in capsys.readouterr().err


def test_the_best_are_listed(run_script: RunScript, admin: psycopg.Connection) -> None:
    run_script(script, "--research", "--niche", "digital_marketing")
    _, listed = run_script(script, "--top-creators", "--platform", "instagram")
    assert [row["handle"] for row in listed["rows"]] == ["maria_makes", "quiet"]
    admin.execute("update actp_platform_creators set icp_fit_score = null where handle <> 'quiet'")
    _, listed = run_script(script, "--top-creators", "--platform", "instagram")
    assert [row["handle"] for row in listed["rows"]] == ["quiet", "maria_makes"]
    assert script.main(["--top-creators"]) == 0
    assert script.main(["--top-creators", "--platform", "myspace"]) == 2


def test_a_run_over_all_platforms_tells_of_new_creators_once(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    _, result = run_script(script, "--market-sync")
    (told,) = alerts(admin)
    assert told["count"] == result["new"] > 2
    run_script(script, "--market-sync")
    assert len(alerts(admin)) == 1


def test_a_creator_is_judged_by_all_posts(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    posts = [
        {"id": str(n), "text": text, "author": "lena", "likes": 900,
         "url": f"https://x.com/lena/status/{n}"}
        for n, text in enumerate(["Hi", "As a coach I see it", "Monetize your audience"])
    ]  # fmt: skip
    simulator.play({"services": {"market-research": {"job_seconds": 0.01, "posts": posts}}})
    run_script(script, "--research", "--platform", "threads", "--niche", "personal_brand")
    assert rows(admin, "select icp_fit_score > 60 from actp_platform_creators") == [(True,)]
    assert rows(admin, "select username, platform from crm_contacts") == [("lena", "threads")]
