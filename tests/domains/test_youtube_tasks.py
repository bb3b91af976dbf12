"""The youtube agent with Claude, a database, and without either's help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actp.cli.agents.youtube import script
from actp.domains.youtube import tasks

if TYPE_CHECKING:
    import psycopg

    from actp.domains.tools import Tools
    from simulator.process import SimulatorProcess
    from tests.domains.conftest import RunScript

VIDEOS = """
insert into youtube_video_stats
  (video_id, title, published_at, views, likes, comments_count, checked_at)
  select 'v' || n, 'How to automate part ' || n, now(), n * 10, n, 1, now() - interval '1 day'
    from generate_series(1, 45) n
  union all select 'v1', 'How to automate part 1', now(), 500, 50, 5, now()
"""
POSTS = """
insert into actp_content_performance
  (platform, external_id, niche, content_type, offer_tags, views, engagement_score, title) values
  ('tiktok', 'a', 'saas_growth', 'case_study', '{saas_consulting}', 100, 10, 'First hook'),
  ('tiktok', 'b', 'saas_growth', 'case_study', '{saas_consulting}', 300, 30, E'Best hook\nmore'),
  ('tiktok', 'c', 'saas_growth', 'case_study', '{}', 200, 20, null),
  ('tiktok', 'd', 'other', 'case_study', '{}', 9000, 20, 'Not ours'),
  ('tiktok', 'e', null, null, null, 9000, null, 'Nothing known'),
  ('threads', 'f', 'personal_brand', null, null, 0, 7, 'Only one'),
  ('threads', 'h', 'personal_brand', null, null, 0, 0, 'Counted by nobody'),
  ('threads', 'g', 'personal_brand', null, null, null, null, 'Just published')
"""
TIKTOK = (["Best hook", "First hook"], ["b", "c", "a"], 3)


def rows(admin: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return admin.execute(query.encode()).fetchall()


def test_without_a_key_titles_go_by_their_words_once(
    tools: Tools, admin: psycopg.Connection
) -> None:
    admin.execute(VIDEOS)
    first = tasks.analyze(tools)
    assert (first["analyzed"], first["by_claude"], first["claude"]) == (45, 0, "no_key")
    newest = "select views, likes, engagement_score from actp_content_performance"
    assert rows(admin, f"{newest} where external_id = 'v1'") == [(500, 50, 220)]
    assert rows(admin, "select distinct niche, platform from actp_content_performance") == [
        ("ai_automation", "youtube")
    ]
    second = tasks.analyze(tools)
    assert (second["analyzed"], second["refreshed"]) == (0, 0)


def test_counts_follow_the_newest_snapshot_and_words_of_a_person_stay(
    tools: Tools, admin: psycopg.Connection
) -> None:
    admin.execute(VIDEOS)
    tasks.analyze(tools)
    admin.execute("update actp_content_performance set niche = 'saas_growth'")
    admin.execute(
        "insert into youtube_video_stats (video_id, views, likes, comments_count, checked_at)"
        " values ('v2', 1000, 10, 1, now() + interval '2 hours')"
    )
    assert tasks.analyze(tools)["refreshed"] == 1
    assert rows(
        admin,
        "select niche, views, engagement_score from actp_content_performance"
        " where external_id = 'v2'",
    ) == [("saas_growth", 1000, 134)]


def test_a_scheduled_video_gets_the_time_at_which_it_appeared(
    tools: Tools, admin: psycopg.Connection
) -> None:
    seen = (
        "insert into youtube_video_stats (video_id, title, views, likes, published_at, checked_at)"
        " values ('planned', 'How to automate', %s, %s, %s, %s::timestamptz)"
    )
    for views, published, checked in (
        (0, None, "2026-03-01"),
        (3, "2026-03-01 08:00+00", "2026-03-02"),
        (900, "2026-03-05 17:00+00", "2026-03-06"),
        (950, None, "2026-03-07"),
    ):
        admin.execute(seen, (views, views, published, checked))
        tasks.analyze(tools)
    assert rows(
        admin, "select views, published_at = '2026-03-05 17:00+00' from actp_content_performance"
    ) == [(950, True)]


def test_a_video_that_is_not_public_keeps_its_last_figures(
    tools: Tools, admin: psycopg.Connection
) -> None:
    admin.execute("alter table youtube_video_stats alter video_id drop not null")
    admin.execute(
        "insert into youtube_video_stats (video_id, title, views, likes, comments_count,"
        " published_at, checked_at) values"
        " ('a', 'Private video', null, null, null, null, now()),"
        " ('b', '[Deleted video]', 0, 0, 0, now() - interval '30 hours', now()),"
        " (null, 'No id', 5, 5, 5, now(), now()), (' ', 'No id', 5, 5, 5, now(), now()),"
        " ('c', 'How to automate', 100, 10, 0, now() - interval '25 hours',"
        " now() - interval '1 hour'),"
        " ('c', 'Private video', null, null, null, null, now()),"
        " ('c', 'How to automate', 0, 0, 0, now() - interval '25 hours',"
        " now() + interval '1 hour'),"
        " ('d', 'Negative', -1, -1, -1, now(), now())"
    )
    counts = "select external_id, views, likes, engagement_score from actp_content_performance"
    expected = [("c", 100, 10, 40), ("d", None, None, None)]
    for _ in range(2):
        assert tasks.analyze(tools)["refreshed"] == 0
        assert rows(admin, f"{counts} order by 1") == expected
    assert rows(admin, "select external_id, look, engagement from actp_post_looks") == [
        ("c", "24h", 40)
    ]


def test_claude_is_asked_about_twenty_titles_at_a_time(
    claude_tools: Tools, simulator: SimulatorProcess, admin: psycopg.Connection
) -> None:
    admin.execute(VIDEOS)
    result = tasks.analyze(claude_tools)
    assert (result["analyzed"], result["questions"], result["by_claude"]) == (45, 3, 45)
    asked = [line for line in simulator.world() if line["kind"] == "claude"]
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("behaviour", "claude"), [("garbage", "ok"), ("prose", "ok"), ("unauthorized", "refused")]
)
def test_what_claude_cannot_say_goes_by_words(
    claude_tools: Tools,
    simulator: SimulatorProcess,
    admin: psycopg.Connection,
    behaviour: str,
    claude: str,
) -> None:
    simulator.play({"claude": {"rules": [{"behaviour": behaviour}]}})
    admin.execute("insert into youtube_video_stats (video_id, title) values ('v1', 'AI agents')")
    result = tasks.analyze(claude_tools)
    assert (result["analyzed"], result["by_claude"], result["claude"]) == (1, 0, claude)
    assert rows(admin, "select niche from actp_content_performance") == [("ai_automation",)]


def test_resonance_is_grouped_by_platform_niche_kind_and_the_usual_offer(
    tools: Tools, admin: psycopg.Connection
) -> None:
    admin.execute(POSTS)
    assert tasks.resonance(tools) == {"groups": 2, "removed": 0}
    assert rows(
        admin,
        "select platform, niche, offer_tag, content_type, avg_views, avg_engagement,"
        " top_hook_patterns, top_post_ids, sample_count from actp_niche_resonance order by 1 desc",
    ) == [
        ("tiktok", "saas_growth", "saas_consulting", "case_study", 200, 20, *TIKTOK),
        ("threads", "personal_brand", "none", "educational", 0, 7, ["Only one"], ["f"], 1),
    ]


def test_a_group_whose_offer_changed_hands_its_hooks_on(
    tools: Tools, admin: psycopg.Connection
) -> None:
    admin.execute(POSTS)
    admin.execute(
        "insert into actp_niche_resonance (platform, niche, offer_tag, content_type, sample_count,"
        " top_hook_patterns) values"
        " ('tiktok', 'saas_growth', 'none', 'case_study', 0, '{A winner, best hook}'),"
        " ('tiktok', 'saas_growth', 'none', 'product_demo', 9, '{Untouched}')"
    )
    assert tasks.resonance(tools) == {"groups": 2, "removed": 1}
    kept = "select offer_tag, top_hook_patterns from actp_niche_resonance where platform = 'tiktok'"
    assert sorted(rows(admin, kept)) == [
        ("none", ["Untouched"]),
        ("saas_consulting", ["Best hook", "First hook", "A winner"]),
    ]
    again = rows(admin, "select top_hook_patterns from actp_niche_resonance order by 1")
    tasks.resonance(tools)
    assert rows(admin, "select top_hook_patterns from actp_niche_resonance order by 1") == again


def test_the_script_does_it_all_and_tells_it_once(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    admin.execute(VIDEOS)
    admin.execute(POSTS)
    for _ in range(2):
        code, result = run_script(script, "--full")
        assert (code, result["groups"]) == (0, 3)
    assert result["rows"][0]["niche"] == "ai_automation"
    ((told,),) = rows(admin, "select detail from safari_alerts where kind = 'youtube_ingested'")
    assert (told["videos"], told["niche"], told["count"]) == (45, "ai_automation", 45)
    assert [script.main([flag]) for flag in ("--summary", "--resonance", "--analyze")] == [0, 0, 0]


def test_nothing_at_all_is_no_error(run_script: RunScript) -> None:
    assert run_script(script, "--full")[1]["rows"] == []
    assert script.main(["--full"]) == 0


def test_resonance_averages_what_was_measured(tools: Tools, admin: psycopg.Connection) -> None:
    admin.execute(
        "insert into actp_content_performance (external_id, platform, niche, content_type, views,"
        " engagement_score, watch_time_minutes) values"
        " ('a', 'tiktok', 'saas_growth', 'educational', 100, 30, 2),"
        " ('b', 'tiktok', 'saas_growth', 'educational', 200, null, 3),"
        " ('c', 'tiktok', 'saas_growth', 'educational', 300, 10, null)"
    )
    tasks.resonance(tools)
    assert rows(
        admin, "select avg_views, avg_engagement, avg_watch_time from actp_niche_resonance"
    ) == [(200, 20, 2.5)]


@pytest.mark.parametrize(
    ("tags", "usual"),
    [
        (("{safari_automation,digital_agency}",), "safari_automation"),
        (("{digital_agency,safari_automation}", "{safari_automation}"), "safari_automation"),
        (("{digital_agency,digital_agency}", "{safari_automation}", "{safari_automation}"),
         "safari_automation"),
        (("{}", "{}", "{saas_consulting}"), "none"),
    ],
    ids=["the first of a post", "the more frequent", "once a post", "none is counted too"],
)  # fmt: skip
def test_the_usual_offer_is_the_most_frequent_then_the_better_match(
    tools: Tools, admin: psycopg.Connection, tags: tuple[str, ...], usual: str
) -> None:
    for number, each in enumerate(tags):
        admin.execute(
            "insert into actp_content_performance (external_id, platform, niche, content_type,"
            " views, offer_tags) values (%s, 'tiktok', 'saas_growth', 'educational', 1, %s)",
            (str(number), each),
        )
    tasks.resonance(tools)
    assert rows(admin, "select offer_tag from actp_niche_resonance") == [(usual,)]
