"""The scheduler and content-mix agents on a database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from actp.cli.agents.abtest import script as abtest
from actp.cli.agents.growth import script
from actp.cli.agents.outreach import script as outreach
from actp.cli.agents.remotion import script as remotion
from actp.domains.mix.shares import TARGETS, Gap, gaps, recommended
from actp.store.schema import MIGRATIONS
from actp.store.statements import statements

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from actp.store.protocol import Store
    from tests.domains.conftest import RunScript

HOUR = timedelta(hours=1, minutes=1)
POST = """
insert into actp_content_performance
  (platform, external_id, niche, engagement_score, published_at)
  select %s, gen_random_uuid()::text, %s, %s, now() - make_interval(days => %s)
    from generate_series(1, %s)
"""


def rows(admin: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return admin.execute(query.encode()).fetchall()


def test_six_platforms_are_there_each_with_untried_slots(admin: psycopg.Connection) -> None:
    found = rows(admin, "select platform, best_hours, thompson_slots from actp_posting_schedule")
    assert {platform: hours for platform, hours, _ in found} == {
        "twitter": [14, 17, 22],
        "threads": [13, 17, 23],
        "instagram": [15, 20],
        "tiktok": [12, 17, 23],
        "youtube": [15, 18],
        "linkedin": [13, 17],
    }
    for _, hours, slots in found:
        assert {int(hour) for hour in slots} == {(h + d) % 24 for h in hours for d in (-1, 0, 1)}
        assert all(slot == {"alpha": 1, "beta": 1} for slot in slots.values())


def test_a_platform_that_was_there_keeps_its_row_and_gets_slots(
    admin: psycopg.Connection,
) -> None:
    admin.execute(
        "update actp_posting_schedule set best_hours = '{6}', thompson_slots = '{}'"
        " where platform = 'tiktok'"
    )
    admin.execute(
        """update actp_posting_schedule set thompson_slots = '{"14": {"alpha": 9, "beta": 2}}'
            where platform = 'twitter'"""
    )
    (migration,) = MIGRATIONS.glob("*_posting_schedule.sql")
    for statement in statements(migration.read_text()):
        if statement.text.startswith("insert"):
            admin.execute(statement.text.encode())
    kept = dict(rows(admin, "select platform, thompson_slots from actp_posting_schedule"))
    assert kept["twitter"] == {"14": {"alpha": 9, "beta": 2}}
    assert set(kept["tiktok"]) == {"11", "12", "13", "16", "17", "18", "22", "23", "0"}
    assert rows(
        admin, "select best_hours from actp_posting_schedule where platform = 'tiktok'"
    ) == [([6],)]


def test_rewards_are_learned_and_decide(run_script: RunScript, admin: psycopg.Connection) -> None:
    for hour, reward in ((13, True), (18, False), (17, False), (14, False)):
        for _ in range(200):
            admin.execute("select agent_schedule_reward('linkedin', %s, %s)", (hour, reward))
    admin.execute("select agent_schedule_reward('linkedin', 99, true)")
    admin.execute("select agent_schedule_reward('nowhere', 9, true)")
    _, result = run_script(script, "--optimize", "--seed", "0")
    linkedin = next(row for row in result["rows"] if row["platform"] == "linkedin")
    assert 13 in linkedin["best_hours"]
    assert len(linkedin["best_hours"]) == 2
    assert run_script(script, "--optimize", "--seed", "0")[1]["changed"] == 0
    ((slots,),) = rows(
        admin, "select thompson_slots from actp_posting_schedule where platform = 'linkedin'"
    )
    assert slots["13"] == {"alpha": 201, "beta": 1}
    assert "99" not in slots


def test_hours_stay_without_evidence_and_with_the_same_evidence(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    assert [run_script(script, "--optimize")[1]["changed"] for _ in range(3)] == [0, 0, 0]
    posts_at_hours(admin, "tiktok", {9: 900, 14: 100, 17: 100, 20: 100})
    first = run_script(script, "--optimize")[1]
    assert (first["changed"], first["taught"]) == (1, 40)
    again = [run_script(script, "--optimize")[1] for _ in range(3)]
    assert [(each["changed"], each["taught"]) for each in again] == [(0, 0)] * 3


@pytest.mark.parametrize(
    "platform", ["twitter", "threads", "instagram", "tiktok", "youtube", "linkedin"]
)
def test_every_platform_learns_from_its_own_posts(
    run_script: RunScript, admin: psycopg.Connection, platform: str
) -> None:
    posts_at_hours(admin, platform, {6: 3000, 13: 100, 16: 90, 20: 100})
    _, result = run_script(script, "--optimize")
    chosen = {row["platform"]: row for row in result["rows"]}[platform]
    assert any(hour in {4, 5, 6, 7, 8} for hour in chosen["best_hours"])
    assert len(chosen["best_hours"]) == len(chosen["before"])
    (slots,) = (
        row[0]
        for row in admin.execute(
            "select thompson_slots from actp_posting_schedule where platform = %s", (platform,)
        )
    )
    assert (slots["6"]["alpha"], slots["6"]["beta"]) == (11, 1)


def test_each_post_teaches_its_hour_once_by_the_mean_of_the_others(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    for number, (hour, score) in enumerate([(14, 120), (17, 80), (9, 100), (9, 100), (9, 99)]):
        admin.execute(
            "insert into actp_content_performance (platform, external_id, engagement_score,"
            " published_at) values ('Twitter ', %s, %s, date_trunc('day', now())"
            " - interval '3 days' + make_interval(hours => %s))",
            (str(number), score, hour),
        )
    run_script(script, "--optimize")
    run_script(script, "--optimize")
    ((slots,),) = rows(
        admin, "select thompson_slots from actp_posting_schedule where platform = 'twitter'"
    )
    assert slots["14"] == {"alpha": 2, "beta": 1}
    assert slots["17"] == {"alpha": 1, "beta": 2}
    assert slots["9"]["alpha"] + slots["9"]["beta"] == 5


def test_a_post_of_today_is_not_compared_with_older_ones(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    admin.execute(POST, ("tiktok", "saas_growth", 105, 3, 3))
    admin.execute(POST, ("tiktok", "saas_growth", 100, 20, 3))
    admin.execute(POST, ("tiktok", "saas_growth", 0, 0, 3))
    assert run_script(script, "--saturation-check")[1]["saturated"] == 0
    _, result = run_script(script, "--optimize")
    assert result["taught"] == 6


def test_posts_are_compared_at_the_age_of_a_day(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    # Older posts have gathered more since; after a day they had brought as much as the new ones.
    admin.execute(POST, ("tiktok", "saas_growth", 100, 3, 4))
    admin.execute(POST, ("tiktok", "saas_growth", 500, 20, 4))
    admin.execute(
        "insert into actp_post_looks (platform, external_id, look, age_hours, engagement)"
        " select platform, external_id, '24h', 24.5, 90 from actp_content_performance"
    )
    assert run_script(script, "--saturation-check")[1]["rows"] == []
    admin.execute("update actp_post_looks set age_hours = 70")
    assert run_script(script, "--saturation-check")[1]["saturated"] == 1


def test_videos_of_youtube_are_compared_at_equal_age_only(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    admin.execute(POST, ("YouTube", "saas_growth", 100, 3, 4))
    admin.execute(POST, ("YouTube", "saas_growth", 900, 20, 4))
    assert run_script(script, "--saturation-check")[1] == {
        "checked": 0, "saturated": 0, "told": 0, "too_few": [], "rows": [],
    }  # fmt: skip


def test_rows_of_any_spelling_count_and_rows_without_a_platform_are_skipped(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    for recent, earlier in (("Youtube Shorts", "YouTube"), ("IG", "Instagram Reels"), ("", " ")):
        admin.execute(POST, (recent, " SaaS-Growth", 50, 2, 3))
        admin.execute(POST, (earlier, "saas growth", 100, 20, 3))
    code, result = run_script(script, "--optimize")
    assert (code, result["taught"]) == (0, 12)
    assert [row["platform"] for row in run_script(script, "--saturation-check")[1]["rows"]] == [
        "instagram"
    ], "videos are compared at equal age only"
    ((posts,),) = rows(
        admin, "select count(*) from actp_content_performance where niche = 'saas_growth'"
    )
    assert posts == 18
    assert run_script(script, "--gaps")[1]["posts"] == 18
    assert run_script(script, "--weekly-calendar")[0] == 0
    assert {row["platform"] for row in run_script(script, "--cross-platform")[1]["rows"]} == {
        "instagram", "linkedin", "threads", "tiktok", "twitter", "youtube",
    }  # fmt: skip
    seen = {row["platform"]: row for row in run_script(script, "--measure")[1]["platforms"]}
    assert (seen["instagram"]["measured"], seen["instagram"]["problem"]) == (6, None)
    admin.execute("update actp_content_performance set engagement_score = null")
    seen = {row["platform"]: row for row in run_script(script, "--measure")[1]["platforms"]}
    assert seen["instagram"]["problem"] == "6 posts without a known address"


def test_saturation_is_reported_once(run_script: RunScript, admin: psycopg.Connection) -> None:
    admin.execute(POST, ("Threads", "saas_growth", 50, 2, 3))
    admin.execute(POST, ("threads", "saas_growth", 100, 20, 3))
    told = "select count(*) from safari_alerts where kind = 'platform_saturated'"
    assert run_script(script, "--optimize")[1]["saturated"] == 1
    run_script(script, "--optimize")
    assert rows(admin, told) == [(1,)]
    admin.execute("update actp_content_performance set engagement_score = 95")
    run_script(script, "--optimize")
    admin.execute(
        "update actp_content_performance set engagement_score = 50"
        " where published_at > now() - interval '7 days'"
    )
    run_script(script, "--optimize")
    assert rows(admin, told) == [(2,)], "it is well again in between"


def posts_at_hours(admin: psycopg.Connection, platform: str, scores: dict[int, int]) -> None:
    """Ten posts of the last weeks at each hour, with this engagement."""
    for hour, score in scores.items():
        admin.execute(
            "insert into actp_content_performance (platform, external_id, engagement_score,"
            " published_at) select %s, format('%%s-%%s', %s::int, n), %s + n,"
            " date_trunc('day', now()) - make_interval(days => n + 2) + make_interval(hours => %s)"
            " from generate_series(1, 10) n",
            (platform, hour, score, hour),
        )


def test_a_tired_platform_is_told_once_a_week(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    admin.execute(POST, ("tiktok", "saas_growth", 50, 2, 3))
    admin.execute(POST, ("tiktok", "saas_growth", 100, 20, 3))
    admin.execute(POST, ("tiktok", "saas_growth", 9000, 40, 3))
    admin.execute(POST, ("threads", "saas_growth", 100, 2, 3))
    admin.execute(POST, ("threads", "saas_growth", 100, 20, 3))
    for _ in range(2):
        _, result = run_script(script, "--saturation-check")
        assert (result["checked"], result["saturated"]) == (2, 1)
    ((told,),) = rows(admin, "select detail from safari_alerts where kind = 'platform_saturated'")
    assert told == {
        "platform": "tiktok", "drop_percent": 50, "posts_per_day": 3, "recommended": 2,
    }  # fmt: skip
    assert script.main(["--saturation-check"]) == 0


def test_a_tired_platform_with_one_post_a_day_is_told_to_try_others(
    run_script: RunScript, admin: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    admin.execute(POST, ("linkedin", "saas_growth", 50, 2, 3))
    admin.execute(POST, ("linkedin", "saas_growth", 100, 20, 3))
    admin.execute(POST, ("tiktok", "saas_growth", 100, 3, 2))
    _, result = run_script(script, "--saturation-check")
    (row,) = result["rows"]
    assert (row["posts_per_day"], row["recommended"], result["too_few"]) == (1, 1, ["tiktok"])
    assert script.main(["--saturation-check"]) == 0
    said = capsys.readouterr().out
    assert "try other subjects or formats." in said
    assert "tiktok." in said


def test_an_hour_beyond_the_slots_is_shown(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    admin.execute("update actp_posting_schedule set best_hours = '{0,3}' where platform='linkedin'")
    _, result = run_script(script, "--cross-platform")
    assert {row["platform"]: row["hours"] for row in result["rows"]}["linkedin"] == {
        "0": 0.5, "3": 0.5,
    }  # fmt: skip


def test_the_week_is_planned_and_written(run_script: RunScript, tmp_path: Path) -> None:
    file = tmp_path / "week.ics"
    code, result = run_script(script, "--weekly-calendar", "--ics", str(file))
    assert (code, result["posts"]) == (0, len(result["rows"]))
    assert file.read_bytes().count(b"BEGIN:VEVENT") == result["posts"] > 50
    assert script.main(["--weekly-calendar"]) == 0
    assert script.main(["--weekly-calendar", "--ics", str(tmp_path / "week.ics" / "way.ics")]) == 2


def test_the_schedule_of_messages_is_of_those_who_are_due(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    admin.execute(
        "with people as (insert into crm_contacts (platform, username, email_opted_out) values"
        " ('Twitter', 'due', false), ('twitter', 'out', true), ('instagram', 'blocked', false),"
        " ('twitter', 'noreply@linkedin.com', false) returning id, username)"
        " insert into actp_prospect_scores (contact_id, funnel_stage, score)"
        " select id, 'decision', 80 from people"
    )
    admin.execute(
        "insert into safari_do_not_contact (platform, recipient) values ('instagram', 'blocked')"
    )
    due = run_script(outreach, "--due")[1]["rows"]
    week = run_script(script, "--dm-schedule", "--hours", "168")[1]["rows"]
    assert [row["username"] for row in week] == ["due"] == [row["address"] for row in due]
    assert week[0]["send_at"][:16].replace(" ", "T") == due[0]["scheduled_for"][:16]
    now = admin.execute("select now()").fetchone()
    assert now is not None
    soon = run_script(script, "--dm-schedule", "--hours", "1")[1]["rows"]
    assert all(datetime.fromisoformat(row["send_at"]) <= now[0] + HOUR for row in soon)
    assert script.main(["--dm-schedule"]) == 0


def test_the_mix_is_measured_and_what_is_missing_comes_first(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    admin.execute(POST, ("tiktok", "ai_automation", 1, 2, 9))
    admin.execute(POST, ("tiktok", "other", 1, 2, 1))
    admin.execute(POST, ("twitter", "saas_growth", 1, 2, 90))
    admin.execute(POST, ("tiktok", "saas_growth", 1, 31, 90))
    admin.execute(
        "insert into actp_niche_resonance (platform, niche, content_type, avg_views, sample_count,"
        " top_hook_patterns) values"
        " ('threads', 'personal_brand', 'case_study', 900, 0, '{Unproven}'),"
        " ('tiktok', 'personal_brand', 'entertainment', 500, 4, '{Proven}')"
    )
    _, result = run_script(script, "--content-mix", "--platform", "tiktok")
    assert [row["niche"] for row in result["rows"]] == [
        "creator_economy", "personal_brand", "saas_growth", "digital_marketing",
    ]  # fmt: skip
    brand = result["rows"][1]
    assert (brand["hook"], brand["content_type"], brand["count"]) == ("Proven", "entertainment", 3)
    _, shares = run_script(script, "--gaps", "--platform", "tiktok")
    assert shares["posts"] == 10
    assert [script.main([flag]) for flag in ("--content-mix", "--gaps")] == [0, 0]


def test_without_any_content_everything_is_missing(run_script: RunScript) -> None:
    _, result = run_script(script, "--content-mix")
    assert {row["niche"] for row in result["rows"]} == set(TARGETS)
    assert result["rows"][0]["niche"] == "ai_automation"
    for flag in ("--gaps", "--resonance-summary", "--cross-platform", "--optimize"):
        assert script.main([flag]) == 0


def test_there_are_three_things_to_make_even_if_nothing_is_missing() -> None:
    full = [Gap(niche, target, target) for niche, target in TARGETS.items()]
    items = recommended(full, {}, "threads")
    assert [(item.count, item.platform) for item in items] == [(1, "threads")] * 3


@pytest.mark.parametrize("counts", [{}, {"ai_automation": 0}])
def test_nothing_made_is_no_division_by_it(counts: dict[str, int]) -> None:
    assert [gap.gap for gap in gaps(counts)] == sorted(TARGETS.values(), reverse=True)


def test_a_store_that_hears_of_an_unknown_platform_changes_nothing(store: Store) -> None:
    chosen: list[dict[str, Any]] = [{"platform": "nowhere", "best_hours": [1]}]
    assert store.call("agent_schedule_store", rows=chosen) == {"changed": 0}


@pytest.mark.parametrize("platform", ["X", " Twitter ", "x.com", "X (Twitter)"])
def test_a_platform_and_a_niche_may_be_written_as_people_do(
    run_script: RunScript, admin: psycopg.Connection, platform: str
) -> None:
    admin.execute(POST, ("twitter", "saas_growth", 100, 3, 4))
    assert run_script(script, "--gaps", "--platform", platform)[1]["posts"] == 4
    code, mix = run_script(script, "--content-mix", "--platform", platform)
    assert (code, {row["platform"] for row in mix["rows"]}) == (0, {"twitter"})
    assert [
        row["platform"]
        for row in run_script(abtest, "--schedule", "--platform", platform)[1]["rows"]
    ] == ["twitter"]
    named = ("--platform", platform, "--niche", "SaaS-Growth")
    assert run_script(script, "--top-creators", *named)[0] == 0
    assert run_script(remotion, "--brief", *named)[1]["brief"]["niche"] == "saas_growth"


@pytest.mark.usefixtures("run_script")
@pytest.mark.parametrize("flag", ["--gaps", "--content-mix", "--top-creators"])
def test_an_unknown_platform_is_refused_and_not_empty(flag: str) -> None:
    assert script.main([flag, "--platform", "myspace"]) == 2
    assert abtest.main(["--schedule", "--platform", "myspace"]) == 2
