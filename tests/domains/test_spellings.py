"""Platforms and niches in other spellings are one with the stored name, at every door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.cli.agents.growth import script as growth
from actp.cli.agents.trends import script as trends
from actp.store.schema import MIGRATIONS

if TYPE_CHECKING:
    import psycopg

    from actp.store import Json
    from actp.store.protocol import Store
    from tests.domains.conftest import RunScript

STEP = MIGRATIONS / "20261127235500_spelled.sql"
POST = """
insert into actp_content_performance
  (platform, external_id, niche, views, likes, engagement_score, published_at)
  values (%s, %s, %s, 100, 10, 40, now() - interval '3 days')
"""
SIGHTING = """
insert into actp_platform_research (source_platform, handle, post_url, niche, likes, scraped_at)
  values (%s, 'ada', %s, %s, 100, now())
"""


def rows(admin: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return admin.execute(query.encode()).fetchall()


def test_posts_in_other_spellings_count_as_one_niche(
    admin: psycopg.Connection, run_script: RunScript
) -> None:
    given = (("Tik-Tok", "Content Creators"), ("tik tok", "content_creator"), ("TIKTOK", "SaaS"))
    for number, (platform, niche) in enumerate((*given, ("TT", "saas"))):
        admin.execute(POST, (platform, f"p{number}", niche))
    assert rows(admin, "select distinct platform from actp_content_performance") == [("tiktok",)]
    counts = rows(admin, "select agent_mix_counts(platform => 'tiktok') -> 'counts'")
    assert counts == [({"content_creator": 2, "saas": 2},)]
    assert run_script(growth, "--gaps", "--platform", "Tik-Tok")[1]["posts"] == 4


def test_resonance_joins_the_spellings_of_a_kind_of_content(
    admin: psycopg.Connection, store: Store
) -> None:
    kinds = ("Case Study", "case_study", " case-study", None, "Educational", "")
    for number, kind in enumerate(kinds):
        admin.execute(POST, ("tiktok", f"p{number}", "saas"))
        admin.execute(
            "update actp_content_performance set content_type = %s where external_id = %s",
            (kind, f"p{number}"),
        )
    store.call("agent_resonance_recompute")
    found = "select content_type, sample_count from actp_niche_resonance order by 1"
    assert rows(admin, found) == [("case_study", 3), ("educational", 3)]


def test_a_trend_joins_the_spellings_of_a_niche(
    admin: psycopg.Connection, run_script: RunScript
) -> None:
    for number, (platform, niche) in enumerate((("IG", "AI tools"), ("Tik-Tok", "ai_tool"))):
        admin.execute(SIGHTING, (platform, f"https://example.org/{number}", niche))
    _, answer = run_script(trends, "--trends")
    found = [(row["niche"], row["platforms"], row["posts"]) for row in answer["rows"]]
    assert found == [("ai_tool", ["instagram", "tiktok"], 2)]


def test_rows_from_before_are_joined_and_twins_stay(
    admin: psycopg.Connection, store: Store
) -> None:
    admin.execute("alter table actp_content_performance disable trigger agent_spelled")
    for platform, post in (("YouTube", "a"), ("youtube", "a"), ("Tik-Tok", "b"), ("tiktok", "c")):
        admin.execute(POST, (platform, post, "SaaS"))
    admin.execute("alter table actp_content_performance enable trigger agent_spelled")
    admin.execute(STEP.read_bytes())
    stored = "select platform, external_id, niche from actp_content_performance order by 1, 2"
    joined = [("tiktok", "b", "saas"), ("tiktok", "c", "saas"), ("youtube", "a", "saas")]
    assert rows(admin, stored) == sorted([*joined, ("YouTube", "a", "SaaS")])
    # Figures of a twin are stored without a word of its spelling.
    look: Json = {
        "platform": "tiktok", "external_id": "b", "look": "24h", "age_hours": 24, "likes": 20,
        "engagement": 60,
    }  # fmt: skip
    store.call("agent_posts_measured", rows=[look])
    store.call("agent_youtube_refresh")
    admin.execute("update actp_content_performance set likes = 11 where platform = 'YouTube'")


def test_people_from_before_an_upgrade_are_found_under_the_new_name(
    admin: psycopg.Connection,
) -> None:
    with admin.transaction(force_rollback=True):
        function = "select pg_get_functiondef('safari_platform(text)'::regprocedure)"
        ((current,),) = rows(admin, function)
        admin.execute(
            "create or replace function public.safari_platform(given text) returns text"
            " language sql immutable as $$ select lower(btrim(given)) $$"
        )
        admin.execute(
            "insert into safari_do_not_contact (platform, recipient)"
            " values ('Tik-Tok', 'ada.makes')"
        )
        admin.execute(
            "insert into crm_contacts (platform, username) values"
            " ('Tik-Tok', 'ada.makes'), ('Tik-Tok', 'bob.makes')"
        )
        admin.execute(
            "insert into crm_messages (platform, username, message_text, is_outbound)"
            " values ('Tik-Tok', 'bob.makes', 'Yes please', false)"
        )
        admin.execute(current.encode())
        admin.execute(STEP.read_bytes())
        assert rows(admin, "select platform, recipient from safari_do_not_contact") == [
            ("tiktok", "ada.makes")
        ]
        found = (
            "select split_part(address, ':', 2) from safari_people where address like 'tiktok:%'"
        )
        assert sorted(rows(admin, found)) == [("ada.makes",), ("bob.makes",)]
        heard = "select c.username from crm_messages m join crm_contacts c on c.id = m.contact_id"
        assert rows(admin, heard) == [("bob.makes",)]
