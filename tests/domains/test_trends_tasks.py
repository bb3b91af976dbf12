"""The trends agent on a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.cli.agents.trends import script
from actp.domains.trends import tasks

if TYPE_CHECKING:
    import psycopg

    from actp.domains.tools import Tools
    from tests.domains.conftest import RunScript

MARIA = "00000000-0000-4000-8000-000000000001"

SEED = f"""
insert into crm_contacts (id, platform, username) values
  ('{MARIA}', 'Twitter', '@Maria.Makes'), (gen_random_uuid(), 'twitter', 'stranger99');
insert into crm_contacts (platform, username, archived_at) values ('twitter', 'mariamakes', now());
insert into actp_platform_research
  (source_platform, handle, post_url, niche, likes, post_text, scraped_at) values
  ('threads', 'maria_makes', 'u1', 'ai_automation', 40, 'Hook of threads', now()),
  ('threads', null, 'u2', 'saas_growth', 40, null, now()),
  ('instagram', 'x', 'u3', 'content_creation', 40, 'old', now() - interval '8 days');
insert into actp_twitter_research (tweet_id, author_handle, tweet_text, niche, likes) values
  ('1', 'maria.makes', 'Hook of twitter', 'ai_automation', 90),
  ('2', 'b', 'x', 'saas_growth', 90), ('3', 'c', 'x', 'content_creation', 90);
insert into actp_platform_creators (platform, handle, followers)
  values ('tiktok', 'maria.makes', 900);
insert into youtube_video_stats (video_id, title, published_at, views, checked_at) values
  ('v1', 'Old count', now(), 1, now() - interval '3 hours'), ('v1', 'Film', now(), 900, now());
insert into actp_content_performance (platform, external_id, niche)
  values ('youtube', 'v1', 'content_creation');
"""  # noqa: S608  # constants


def alerts(admin: psycopg.Connection) -> list[Any]:
    rows = admin.execute("select detail from safari_alerts where kind = 'trend_spike'").fetchall()
    return [row[0] for row in rows]


def test_a_contact_is_found_on_three_platforms_and_again_with_the_same_result(
    tools: Tools, admin: psycopg.Connection
) -> None:
    admin.execute(SEED)
    first = tasks.associate(tools)
    assert (first["contacts"], first["matched"], first["written"]) == (2, 1, 3)
    rows = admin.execute(
        "select platform, handle, engagement_type, followers from actp_platform_associations"
        " where contact_id = %s order by platform",
        (MARIA,),
    ).fetchall()
    assert rows == [
        ("threads", "maria_makes", "fuzzy_match", None),
        ("tiktok", "maria.makes", "handle_match", 900),
        ("twitter", "maria.makes", "crm_match", None),
    ]
    assert tasks.associate(tools)["written"] == 0


def test_a_page_more_than_one_is_read_to_its_end(tools: Tools, admin: psycopg.Connection) -> None:
    admin.execute(
        "insert into crm_contacts (platform, username)"
        " select 'twitter', 'person' || n from generate_series(1, 2001) n"
    )
    admin.execute(
        "insert into actp_platform_creators (platform, handle)"
        " select 'tiktok', 'Person_' || n from generate_series(1, 2001) n"
    )
    counts = tasks.associate(tools)
    assert (counts["contacts"], counts["matched"], counts["written"]) == (2001, 2001, 4002)


def test_trends_are_stored_once_and_told_when_there_are_three(
    tools: Tools, admin: psycopg.Connection
) -> None:
    admin.execute(SEED)
    assert tasks.detect(tools)["trends"] == 3
    detected = admin.execute(
        "select niche, platforms, detected_at from actp_cross_platform_trends order by niche"
    ).fetchall()
    assert [(niche, platforms) for niche, platforms, _ in detected] == [
        ("ai_automation", ["threads", "twitter"]),
        ("content_creation", ["twitter", "youtube"]),
        ("saas_growth", ["threads", "twitter"]),
    ]
    tasks.detect(tools)
    again = admin.execute(
        "select niche, platforms, detected_at from actp_cross_platform_trends order by niche"
    ).fetchall()
    assert again == detected
    (told,) = alerts(admin)
    assert told["trends"][0]["niche"] == "ai_automation"
    assert told["trends"][0]["hook"] == "Hook of twitter"


def test_two_trends_are_not_told(tools: Tools, admin: psycopg.Connection) -> None:
    admin.execute(SEED)
    admin.execute("delete from youtube_video_stats")
    assert tasks.detect(tools)["trends"] == 2
    assert alerts(admin) == []


def test_the_script_says_what_it_found(run_script: RunScript, admin: psycopg.Connection) -> None:
    admin.execute(SEED)
    code, result = run_script(script, "--full")
    assert (code, result["trends"], result["associations"]["matched"]) == (0, 3, 1)
    code, listed = run_script(script, "--top-trends", "2")
    assert (code, len(listed["rows"])) == (0, 2)
    assert script.main(["--top-trends", "5"]) == 0


def test_an_empty_database_has_no_trends(run_script: RunScript) -> None:
    assert run_script(script, "--full")[1]["trends"] == 0
    assert script.main(["--trends"]) == 0
    assert script.main(["--associations", "--trends"]) == 2
