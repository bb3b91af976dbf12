"""Our own posts are measured at equal ages, by the service of each platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actp.cli.agents.growth import script
from actp.domains.posts.looks import due_look, next_hours

if TYPE_CHECKING:
    import psycopg

    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools, RunScript

URLS = {
    "twitter": ("https://x.com/me/status/77", "77"),
    "tiktok": ("https://www.tiktok.com/@simulator/video/4711", "4711"),
    "instagram": ("https://www.instagram.com/reel/abc123/", "abc123"),
    "threads": ("https://www.threads.com/@simulator/post/xyz9", "xyz9"),
}
SHOWN: dict[str, dict[str, Any]] = {
    "twitter": {"likes": 30, "retweets": 5, "replies": 2, "views": "1.2K"},
    "tiktok": {"likes": 40, "shares": 4, "comments": 3, "views": 900},
    "instagram": {"likes": 50, "comments": 5, "views": 0, "saves": 1},
    "threads": {"likes": 20, "reposts": 1, "replies": 4},
}
SCORES = {"twitter": 243.0, "tiktok": 242.0, "instagram": 170.0, "threads": 81.0}


@pytest.fixture(autouse=True)
def outside(open_tools: OpenTools, simulator: SimulatorProcess) -> None:
    open_tools(
        **{
            f"SAFARI_{platform.upper()}_COMMENTS_URL": simulator.url(f"{platform}-comments")
            for platform in URLS
        }
    )


def published(admin: psycopg.Connection, platform: str, hours_ago: float) -> None:
    url, post_id = URLS.get(platform, (f"https://www.{platform}.com/x/1", "1"))
    admin.execute(
        "insert into actp_content_performance (platform, external_id, published_at, views, likes,"
        " comments_count, engagement_score) values"
        " (%s, %s, now() - make_interval(secs => %s), null, null, null, null)",
        (platform, post_id, hours_ago * 3600),
    )
    admin.execute(
        "select agent_post_noted(%s, %s, %s, now() - make_interval(secs => %s))",
        (platform, post_id, url, hours_ago * 3600),
    )


def show(simulator: SimulatorProcess, **shown: dict[str, Any]) -> None:
    services: dict[str, Any] = {
        f"{platform}-comments": {"reactions": {URLS[platform][0]: counts}}
        for platform, counts in shown.items()
        if platform != "twitter"
    }
    if "twitter" in shown:
        tweet = {"tweetUrl": URLS["twitter"][0], **shown["twitter"]}
        services["twitter-comments"] = {"tweets": [tweet]}
    simulator.play({"services": services})


def looks(admin: psycopg.Connection) -> list[tuple[Any, ...]]:
    return admin.execute(
        "select platform, look, engagement from actp_post_looks order by 1, age_hours"
    ).fetchall()


@pytest.mark.parametrize(
    ("age", "taken", "due", "later"),
    [
        (0.5, [], None, 1.0),
        (1.0, [], "1h", 4.0),
        (5.0, ["1h"], "4h", 24.0),
        (5.0, ["1h", "4h"], None, 24.0),
        (30.0, [], "24h", 168.0),
        (200.0, ["24h"], "7d", None),
    ],
)
def test_the_latest_look_whose_time_has_come_is_due(
    age: float, taken: list[str], due: str | None, later: float | None
) -> None:
    assert (due_look(age, taken), next_hours(age)) == (due, later)


@pytest.mark.parametrize("platform", list(URLS))
def test_a_post_is_measured_at_each_age_once(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection, platform: str
) -> None:
    published(admin, platform, 25)
    show(simulator, **{platform: SHOWN[platform]})
    code, result = run_script(script, "--measure")
    assert (code, result["measured"], result["unread"]) == (0, 1, 0)
    assert looks(admin) == [(platform, "24h", SCORES[platform])]
    assert run_script(script, "--measure")[1]["rows"] == [], "the next look is due in six days"
    figures = admin.execute(
        "select engagement_score, likes, comments_count from actp_content_performance"
    ).fetchall()
    replies = SHOWN[platform].get("replies", SHOWN[platform].get("comments"))
    assert figures == [(SCORES[platform], SHOWN[platform]["likes"], replies)]
    admin.execute("update actp_own_posts set published_at = now() - interval '169 hours',"
                  " next_look_at = now()")  # fmt: skip
    run_script(script, "--measure")
    assert [look for _, look, _ in looks(admin)] == ["24h", "7d"]
    ((waiting,),) = admin.execute("select next_look_at from actp_own_posts").fetchall()
    assert waiting is None


@pytest.mark.parametrize(
    "case",
    [
        ("tiktok", {}, "no figures"),
        ("tiktok", {"likes": 900, "views": 900}, "not all"),
        ("twitter", {"likes": 3, "retweets": 0, "replies": 0}, "not all"),
        ("twitter", {"likes": 30, "retweets": 0, "replies": 0, "views": 29}, "not all"),
        ("instagram", {"url": "https://www.instagram.com/reel/other/", "likes": 9}, "another page"),
        ("threads", {"likes": 0, "replies": 0, "reposts": 0}, "no figures"),
    ],
)
def test_what_a_page_does_not_show_is_tried_again_and_never_zero(
    run_script: RunScript,
    simulator: SimulatorProcess,
    admin: psycopg.Connection,
    case: tuple[str, dict[str, Any], str],
) -> None:
    platform, counts, why = case
    published(admin, platform, 25)
    show(simulator, **{platform: counts})
    for _ in range(3):
        _, result = run_script(script, "--measure")
        assert why in result["rows"][0]["problem"]
        admin.execute("update actp_own_posts set next_look_at = now() where failures > 0")
    assert looks(admin) == []
    assert admin.execute(
        "select engagement_score, likes from actp_content_performance"
    ).fetchall() == [(None, None)]
    ((waits,),) = admin.execute(
        "select next_look_at - published_at = interval '168 hours' from actp_own_posts"
    ).fetchall()
    assert waits, "after three tries the next look has its turn"


def test_a_service_that_is_down_costs_no_try_and_keeps_no_other_platform(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    published(admin, "tiktok", 25)
    published(admin, "threads", 25)
    show(simulator, threads=SHOWN["threads"])
    simulator.down("tiktok-comments")
    try:
        code, result = run_script(script, "--measure")
    finally:
        simulator.up("tiktok-comments")
    assert (code, result["measured"]) == (1, 1)
    assert "tiktok" in result["error"]
    assert admin.execute(
        "select failures, next_look_at <= now() from actp_own_posts where platform = 'tiktok'"
    ).fetchall() == [(0, True)]


def test_what_cannot_be_measured_is_said(run_script: RunScript, admin: psycopg.Connection) -> None:
    published(admin, "linkedin", 25)
    _, result = run_script(script, "--measure")
    (row,) = result["platforms"]
    assert (row["measured"], row["waiting"]) == (0, 0)
    assert "no service" in row["problem"]
    assert script.main(["--measure"]) == 0


def test_videos_are_measured_from_their_snapshots(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into youtube_video_stats (video_id, published_at, checked_at, views, likes,"
        " comments_count) select 'v1', now() - interval '10 days',"
        " now() - interval '10 days' + make_interval(hours => h), h * 100, h, 1"
        " from unnest(array[1, 5, 25, 26, 100, 170]) h"
    )
    assert run_script(script, "--measure")[1]["measured"] == 4
    assert [(look, float(score)) for _, look, score in looks(admin)] == [
        ("1h", 17.0), ("4h", 69.0), ("24h", 329.0), ("7d", 2214.0),
    ]  # fmt: skip
    assert run_script(script, "--measure")[1]["measured"] == 0


def test_a_paused_platform_is_left_alone_and_a_run_opens_few_pages(
    run_script: RunScript, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    show(simulator, threads=SHOWN["threads"])
    admin.execute(
        "select agent_post_noted('threads', 'p' || n, 'https://www.threads.com/@simulator/post/p'"
        " || n, now() - interval '2 hours') from generate_series(1, 9) n"
    )
    assert len(run_script(script, "--measure")[1]["rows"]) == 4
    admin.execute("insert into safari_pauses (platform) values ('threads')")
    assert run_script(script, "--measure")[1]["rows"] == []
