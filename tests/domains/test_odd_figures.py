"""Figures that cannot be: rows of other programs must neither stop an agent nor move a mean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from actp.cli.agents.growth import script as growth
from actp.cli.agents.trends import script as trends
from actp.cli.agents.youtube import script as youtube

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store
    from tests.domains.conftest import RunScript

ADD = """
insert into actp_content_performance
  (platform, external_id, niche, content_type, views, engagement_score, watch_time_minutes,
   published_at)
  select 'threads', format('%%s-%%s', %s::text, n), 'saas_growth', 'educational', %s, %s::numeric,
         %s::numeric, %s::timestamptz - make_interval(hours => n)
    from generate_series(1, 4) n
"""
# Of times that are written as text: no day, no hour, no offset and no zone that there is.
NO_TIMES = (
    "2026-02-30T10:00:00Z", "2026-12-01T99", "2026-12-01T10:00:00+99:00",
    "2026-12-01 10:00:00 Foo/Bar", "",
)  # fmt: skip


@pytest.fixture(autouse=True)
def odd(admin: psycopg.Connection) -> None:
    """Eight posts that were measured, and more that cannot have been."""
    for name, days, views, score, watched in (
        ("before", 20, 1000, "100", "2"), ("now", 3, 1000, "90", "2"),
        ("nan", 3, 10, "NaN", "NaN"), ("infinite", 2, 10, "Infinity", "Infinity"),
        ("negative", 2, -10, "-5", "-5"), ("huge", 20, 10, "1e30", "1e30"),
        ("defaults", 2, 0, "0", "0"),
    ):  # fmt: skip
        admin.execute(ADD, (name, views, score, watched, _ago(admin, days)))
    admin.execute(ADD, ("future", 10, "1", "1", _ago(admin, -5)))
    admin.execute(ADD, ("never", 10, "1", "1", "infinity"))
    admin.execute(
        "insert into actp_workflow_tasks (task_type, status, input_data) values"
        " ('blotato_multi_publish', 'pending', %s)",
        [json.dumps({"platforms": ["twitter"], "scheduled_times": dict(enumerate(NO_TIMES))})],
    )


def _ago(admin: psycopg.Connection, days: int) -> str:
    found = admin.execute("select (now() - make_interval(days => %s))::text", (days,)).fetchone()
    assert found is not None
    return str(found[0])


def test_only_figures_that_can_be_teach_and_are_compared(run_script: RunScript) -> None:
    code, result = run_script(growth, "--optimize")
    assert (code, result["taught"], result["saturated"]) == (0, 8, 0)
    assert run_script(growth, "--optimize")[1]["changed"] == 0
    for flag in ("--saturation-check", "--weekly-calendar", "--cross-platform", "--content-mix"):
        assert run_script(growth, flag)[0] == 0


def test_the_mix_is_of_posts_that_are_out(run_script: RunScript) -> None:
    assert run_script(growth, "--gaps")[1]["posts"] == 28


def test_resonance_averages_figures_that_can_be(run_script: RunScript) -> None:
    code, result = run_script(youtube, "--resonance")
    assert code == 0
    ((row),) = run_script(youtube, "--summary")[1]["rows"]
    shown: tuple[Any, ...] = tuple(row[name] for name in ("avg_engagement", "avg_watch_time"))
    assert shown == (48.0, 1.5), "8 of 100 and 90, and 8 of 1 that are not out yet"
    assert result["groups"] == 1


def test_the_week_names_a_best_post_only_where_one_brought_something(
    store: Store, admin: psycopg.Connection
) -> None:
    assert _best(store) == "now-1 on threads, 90 engagement, 0.9 times the mean of 8 posts"
    admin.execute("delete from actp_content_performance where external_id <> 'now-1'")
    assert _best(store) == "now-1 on threads, 90 engagement, the only one of a month"
    admin.execute("update actp_content_performance set engagement_score = 0")
    assert _best(store) is None


def test_unknown_figures_are_listed_last(run_script: RunScript, admin: psycopg.Connection) -> None:
    admin.execute(
        "insert into actp_niche_resonance (platform, niche, offer_tag, content_type, avg_views,"
        " sample_count, top_hook_patterns) values"
        " ('youtube', 'saas_growth', 'none', 'educational', null, 3, '{}'),"
        " ('youtube', 'ai_automation', 'none', 'educational', 500, 3, array[null, ' ', 'We did'])"
    )
    admin.execute(
        "insert into actp_cross_platform_trends (niche, platforms, trend_strength) values"
        " ('saas_growth', '{tiktok}', null), ('ai_automation', '{tiktok}', 90)"
    )
    for script, flags in ((youtube, ("--summary",)), (trends, ("--top-trends", "5"))):
        _, listed = run_script(script, *flags)
        assert [row["niche"] for row in listed["rows"]] == ["ai_automation", "saas_growth"]
    for flag in ("--content-mix", "--weekly-calendar"):
        rows = run_script(growth, flag)[1]["rows"]
        assert {row["hook"] for row in rows if row["niche"] == "ai_automation"} == {"We did"}


def test_the_week_counts_only_what_was(store: Store, admin: psycopg.Connection) -> None:
    before = store.call("agent_weekly_report")["lines"]
    admin.execute(
        "insert into crm_message_queue (platform, message_body, message_type, status, sent_at)"
        " values ('twitter', 'hi', 'outreach', 'sent', '2099-01-01');"
        " insert into crm_messages (platform, username, body, is_outbound, sent_at) values"
        " ('twitter', 'ada', 'hi', false, '2099-01-01');"
    )
    assert store.call("agent_weekly_report")["lines"] == before
    admin.execute(
        "insert into actp_agent_tasks (domain, task, status, result) values"
        " ('scheduler', 'optimize', 'ok', '{\"data\": {\"changed\": 1e30}}'),"
        " ('scheduler', 'optimize', 'ok', '{\"data\": {\"changed\": 2.0}}'),"
        " ('scheduler', 'optimize', 'ok', '{\"data\": {\"changed\": -1}}')"
    )
    assert "posting hours: changed 2 times" in store.call("agent_weekly_report")["lines"]


def test_text_that_is_no_time_is_none(admin: psycopg.Connection) -> None:
    for text in NO_TIMES:
        assert admin.execute("select agent_time(%s::text)", [text]).fetchone() == (None,), text


def _best(store: Store) -> str | None:
    lines = store.call("agent_weekly_report")["lines"]
    found = [line for line in lines if line.startswith("best post: ")]
    return found[0].removeprefix("best post: ").partition(";")[0] if found else None


def test_a_customer_is_a_conversion_of_the_week_of_the_change(
    store: Store, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into crm_contacts (platform, username, pipeline_stage, relationship_stage,"
        " created_at) values"
        " ('twitter', 'old', 'Closed Won', null, now() - interval '1 year'),"
        " ('twitter', 'lead', 'new', 'friend', now() - interval '1 year'),"
        " ('twitter', 'other', 'new', null, now() - interval '1 year')"
    )
    admin.execute("update crm_contacts set updated_at = now(), pipeline_stage = pipeline_stage")
    assert not [line for line in store.call("agent_weekly_report")["lines"] if "conv" in line]
    admin.execute("update crm_contacts set relationship_stage = 'Client' where username = 'lead'")
    lines = store.call("agent_weekly_report")["lines"]
    assert "conversions: 1 contact closed as won" in lines
    admin.execute("update actp_crm_transitions set created_at = now() - interval '8 days'")
    assert not [line for line in store.call("agent_weekly_report")["lines"] if "conv" in line]
