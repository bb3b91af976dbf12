"""Agents over tables that other programs fill: no row stops the others."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from actp.cli.agents import abtest, growth, outreach, prospect, remotion, trends, youtube
from actp.errors import ExitCode
from actp.store.tables import our_tables
from tests.support.databases import postgres_database
from tests.support.odd_rows import insert_odd_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from actp.cli.agents.script import Script
    from tests.domains.conftest import OpenTools
    from tests.support.databases import Database

SEED = 20261127
ROWS = 25
# What a worker's own functions keep, not other programs.
INTERNAL = ("safari_", "agent_")
RUNS: tuple[tuple[Script, tuple[str, ...]], ...] = (
    (prospect.script, ("--score-all", "--top", "--next-actions")),
    (abtest.script, ("--checkback", "--status", "--results", "--all-schedules")),
    (
        growth.script,
        (
            *(
                "--optimize",
                "--saturation-check",
                "--measure",
                "--weekly-calendar",
                "--dm-schedule",
            ),
            *("--content-mix", "--gaps", "--resonance-summary", "--top-creators"),
        ),
    ),
    (youtube.script, ("--analyze", "--resonance", "--summary")),
    (trends.script, ("--trends", "--associations")),
    (outreach.script, ("--due", "--build-queue", "--send")),
    (remotion.script, ("--status", "--check-jobs")),
)


@pytest.fixture(params=["embedded", "postgres15"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """PostgreSQL 15 subtracts no infinite time, which later ones do."""
    databases = request.getfixturevalue(f"{request.param}_databases")
    with postgres_database(databases, request.param) as database:
        yield database


@pytest.mark.timeout(300)
def test_no_agent_stops_at_rows_of_other_programs(
    admin: psycopg.Connection, open_tools: OpenTools, capsys: pytest.CaptureFixture[str]
) -> None:
    random = Random(SEED)
    tables = [name for name in our_tables() if not name.startswith(INTERNAL)]
    for table in sorted(tables, key=lambda name: name != "crm_contacts"):
        insert_odd_rows(admin, random, table, ROWS)
    # Those that an agent looks at only in a state that chance seldom meets.
    admin.execute(
        "insert into actp_ab_tests (topic, status, started_at, a_begun_at, eng_score_a)"
        " values ('theirs', 'running', now() - interval '25 hours', now(), 'NaN');"
        " insert into crm_message_queue (platform, message_body, message_type, status,"
        " scheduled_for) values ('twitter', 'hi', 'outreach', 'pending', 'infinity'),"
        " ('twitter', 'hi', 'outreach', 'sent', '20000-01-01');"
        " insert into youtube_video_stats (video_id, title, published_at, checked_at)"
        " values ('late', 'AI', '294276-12-31', 'infinity'), ('early', 'AI', '-infinity', now());"
        " insert into actp_niche_resonance (platform, niche, offer_tag, content_type, avg_views,"
        " sample_count) values ('youtube', 'saas_growth', 'none', 'educational', 'NaN', 3)"
    )
    open_tools()
    failures = []
    for script, flags in RUNS:
        for flag in flags:
            for more in ((), ("--json",)):
                code = script.main([flag, *more])
                err = capsys.readouterr().err
                # A task may fail for itself: no service is there.
                if code not in {ExitCode.OK, ExitCode.FAILED} or "unexpected" in err:
                    failures.append((script.name, flag, more, code, err[-300:]))
    assert not failures, "\n".join(map(repr, failures))
