"""An agent whose tables another program made differently is off; the others go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.cli.agents import abtest, growth, outreach, prospect, remotion, trends, youtube
from actp.errors import ExitCode

if TYPE_CHECKING:
    import psycopg

    from tests.domains.conftest import RunScript

RUNS = {
    "outreach": (outreach.script, "--due"),
    "scores": (prospect.script, "--score-all"),
    "prospects": (prospect.script, "--top"),
    "videos": (remotion.script, "--status"),
    "trends": (trends.script, "--trends"),
    "associations": (trends.script, "--associations"),
    "youtube": (youtube.script, "--analyze"),
    "resonance": (youtube.script, "--resonance"),
    "tests": (abtest.script, "--status"),
    "hours": (abtest.script, "--all-schedules"),
    "creators": (growth.script, "--top-creators"),
    "mix": (growth.script, "--gaps"),
}
CONTACTS = {"outreach", "scores", "prospects", "associations"}
# A column, its foreign type, and the runs that it may switch off.
FOREIGN = {
    ("crm_contacts", "tags", "jsonb"): CONTACTS,
    ("crm_contacts", "last_outbound_at", "text"): CONTACTS,
    ("crm_message_queue", "id", "bigint"): {"outreach"},
    ("actp_prospect_scores", "score", "text"): CONTACTS,
    ("actp_content_performance", "offer_tags", "jsonb"): {"youtube", "resonance", "mix", "hours"},
    ("actp_content_performance", "engagement_score", "double precision"): set(),
    ("actp_content_performance", "views", "real"): set(),
    ("youtube_video_stats", "views", "double precision"): set(),
    ("actp_posting_schedule", "best_hours", "jsonb"): {"hours", "mix"},
    ("actp_niche_resonance", "top_hook_patterns", "jsonb"): {"resonance", "mix", "videos"},
    ("actp_platform_research", "scraped_at", "text"): {"trends", "creators", "associations"},
    ("actp_platform_creators", "id", "bigint"): {"creators", "associations"},
    ("actp_twitter_research", "scraped_at", "text"): {"trends", "creators", "associations"},
    ("actp_gen_jobs", "id", "bigint"): {"videos", "hours", "mix"},
    ("youtube_video_stats", "published_at", "text"): {"youtube", "resonance", "hours", "trends"},
}  # fmt: skip


@pytest.mark.parametrize(("table", "column", "kind"), FOREIGN)
def test_only_agents_that_use_the_table_are_off_and_say_why(  # noqa: PLR0913, PLR0917  its parts
    run_script: RunScript,
    admin: psycopg.Connection,
    capsys: pytest.CaptureFixture[str],
    table: str,
    column: str,
    kind: str,
) -> None:
    admin.execute(
        f"alter table {table} drop column {column} cascade; alter table {table}"
        f" add column {column} {kind}".encode()
    )
    for name, (script, flag) in RUNS.items():
        code, _ = run_script(script, flag)
        said = capsys.readouterr().err
        if name in FOREIGN[table, column, kind] and code != ExitCode.OK:
            assert code == ExitCode.SCHEMA, (name, said)
            assert f"{table}.{column} is {kind}, wanted" in said, (name, said)
            assert f"alter table public.{table}" in said
        else:
            assert code == ExitCode.OK, (name, said)


def test_a_computed_column_is_named_with_what_makes_it_fit(
    run_script: RunScript, admin: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    admin.execute(
        "alter table actp_content_performance drop column engagement_score cascade,"
        " add column engagement_score numeric generated always as (likes * 3) stored,"
        " drop column offer_tags cascade; create domain tags as text[];"
        " alter table actp_content_performance add column offer_tags tags;"
        " insert into youtube_video_stats (video_id, title, views, likes, published_at, checked_at)"
        " values ('v', 'Workflow automation', 10, 1, now(), now())"
    )
    assert run_script(youtube.script, "--analyze")[0] == ExitCode.SCHEMA
    said = capsys.readouterr().err
    remedy = (
        "alter table public.actp_content_performance alter column engagement_score drop expression;"
    )
    assert remedy in said
    admin.execute(remedy.encode())
    assert run_script(youtube.script, "--analyze")[0] == ExitCode.OK
    tags = "select offer_tags::text[] from actp_content_performance"
    assert admin.execute(tags.encode()).fetchone() == (["safari_automation"],)
