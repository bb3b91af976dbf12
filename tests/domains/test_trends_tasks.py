"""The trends agent on a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

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


def test_finding_a_contact_on_three_platforms_is_idempotent(
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
        " select 'twitter', 'someperson' || n from generate_series(1, 2001) n"
    )
    admin.execute(
        "insert into actp_platform_creators (platform, handle)"
        " select 'tiktok', 'Some_Person_' || n from generate_series(1, 2001) n"
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


DAY = """
insert into actp_platform_research
  (source_platform, handle, post_url, niche, likes, post_text, scraped_at)
select p, 'x', format('%%s-%%s-%%s', p, n, d), n, %(likes)s::integer + d %% 3, 'Hook',
       now() - make_interval(days => d, hours => 1)
  from unnest(array['TikTok', 'threads']) p,
       unnest(array['AI Automation', 'saas_growth', 'books']) n,
       generate_series(%(first)s::integer, %(last)s::integer) d
on conflict (source_platform, post_url) do update set likes = excluded.likes
"""


def test_the_same_every_day_is_no_spike(tools: Tools, admin: psycopg.Connection) -> None:
    admin.execute(DAY, {"likes": 40, "first": 0, "last": 27})
    found = tasks.detect(tools)
    assert (found["trends"], found["rising"]) == (3, 0)
    assert {row["niche"] for row in found["rows"]} == {"ai_automation", "saas_growth", "books"}
    assert alerts(admin) == []


def test_rising_trend_is_reported_once_and_again_after_it_returns(
    tools: Tools, admin: psycopg.Connection
) -> None:
    admin.execute(DAY, {"likes": 40, "first": 0, "last": 27})
    tasks.detect(tools)
    admin.execute(DAY, {"likes": 150, "first": 0, "last": 1})
    assert tasks.detect(tools)["rising"] == 3
    tasks.detect(tools)
    (told,) = alerts(admin)
    assert told["trends"][0]["rise"] == pytest.approx(3.7, abs=0.1)
    admin.execute(DAY, {"likes": 40, "first": 0, "last": 1})
    tasks.detect(tools)
    admin.execute(DAY, {"likes": 150, "first": 0, "last": 1})
    tasks.detect(tools)
    assert len(alerts(admin)) == 2


def test_a_post_that_is_looked_up_again_stays_where_it_was_first_seen(
    tools: Tools, admin: psycopg.Connection
) -> None:
    admin.execute(DAY, {"likes": 40, "first": 0, "last": 27})
    admin.execute("update actp_platform_research set created_at = scraped_at, scraped_at = now()")
    assert tasks.detect(tools)["rising"] == 0


def test_contacts_match_by_address_not_by_name(tools: Tools, admin: psycopg.Connection) -> None:
    admin.execute(
        "insert into crm_contacts (platform, username) values ('twitter', '@Maria_Gomez'),"
        " ('Instagram', 'mariagomez'), ('twitter', 'alex'), ('instagram', 'alex')"
    )
    assert tasks.associate(tools)["matched"] == 2
    found = admin.execute(
        "select platform, handle, engagement_type from actp_platform_associations"
        " where engagement_type = 'fuzzy_match' order by 1"
    ).fetchall()
    assert found == [
        ("instagram", "mariagomez", "fuzzy_match"),
        ("twitter", "maria_gomez", "fuzzy_match"),
    ]


def test_a_profile_address_is_the_handle_of_a_contact(
    tools: Tools, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into crm_contacts (platform, username) values"
        " ('IG', 'https://www.instagram.com/jon.k.miller/'), ('X', 'https://x.com/jonkmiller')"
    )
    assert tasks.associate(tools)["associations"] == 4
    handles = admin.execute("select distinct handle from actp_platform_associations order by 1")
    assert handles.fetchall() == [("jon.k.miller",), ("jonkmiller",)]


@pytest.mark.parametrize("at", ["infinity", "2999-01-01"])
def test_a_post_of_the_future_makes_no_trend(
    tools: Tools, admin: psycopg.Connection, at: str
) -> None:
    for platform in ("threads", "tiktok"):
        admin.execute(
            "insert into actp_platform_research"
            " (source_platform, post_url, niche, likes, scraped_at) values (%s, %s, 'ai', 100, %s)",
            (platform, f"https://example.org/{platform}", at),
        )
    admin.execute("update actp_platform_research set created_at = scraped_at")
    assert tasks.detect(tools)["trends"] == 0


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
