"""The agents end to end: every command of the product on made-up people, by real processes.

The database is a real PostgreSQL, once direct and once through PostgREST; the world outside is the
simulator's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from actp.settings import SERVICE_SETTINGS, Settings
from actp.settings.names import ALIASES
from simulator.process import SimulatorProcess
from tests.support.databases import Database, postgres_database
from tests.support.supabase import supabase_database

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
DEADLINE_SECONDS = 120.0
SWEEP_SECONDS = 170.0

CREATORS = '{"platform":"twitter","niche":"ai_automation"}'
# A sweep is nine processes, each with databases and services to wait for.
pytestmark = pytest.mark.timeout(300)

# Word for word what the product wants an agent to be able to run.
COMMANDS = (
    "multi_agent_dispatch.py --list",
    "multi_agent_dispatch.py --domain prospect --task score-all",
    "multi_agent_dispatch.py --domain trends --task detect",
    "multi_agent_dispatch.py --domain outreach --task due",
    "multi_agent_dispatch.py --domain outreach --task build-queue",
    "multi_agent_dispatch.py --domain youtube --task analyze",
    f"multi_agent_dispatch.py --domain creators --task sync --params {CREATORS}",
    "multi_agent_dispatch.py --domain ab-tester --task checkback",
    'multi_agent_dispatch.py --domain remotion --task pipeline --params {"platform":"tiktok"}',
    "multi_agent_dispatch.py --domain safari_cloud --task status",
    "prospect_funnel_scorer.py --top 10",
    "strategic_outreach.py --due",
    "platform_association_engine.py --trends",
    "youtube_mplite_ingest.py --summary",
    "ab_post_tester.py --status",
    "growth_orchestrator.py --content-mix --platform tiktok",
    "remotion_content_producer.py --queue",
    "multi_agent_dispatch.py --status",
)
SOME_COMMANDS = (*COMMANDS[1:5], *COMMANDS[9:13], COMMANDS[-1])
SUMMARIES = """
select coalesce(jsonb_agg(detail order by id), '[]') from safari_alerts
 where kind = 'sweep_complete'
"""
NEWEST_NINE = """
select jsonb_agg(t.status)
  from (select status from actp_agent_tasks order by created_at desc limit 9) t
"""
# What a second run of the same must not do again.
COUNTS = """
select jsonb_object_agg(name, rows) from (
  select 'scores', count(*) from actp_prospect_scores
  union all select 'transitions', count(*) from actp_crm_transitions
  union all select 'trends', count(*) from actp_cross_platform_trends
  union all select 'messages', count(*) from crm_message_queue
  union all select 'performance', count(*) from actp_content_performance
  union all select 'creators', count(*) from actp_platform_creators
  union all select 'contacts', count(*) from crm_contacts
  union all select 'resonance', count(*) from actp_niche_resonance
  union all select 'alerts', count(*) from safari_alerts
  union all select 'commands', count(*) from safari_command_queue
) c (name, rows)
"""


class World:
    """A database with made-up people, the world outside, and processes that use both."""

    def __init__(self, database: Database, simulator: SimulatorProcess, home: Path) -> None:
        self.database = database
        self.simulator = simulator
        unset = {name.upper() for name in (*Settings.model_fields, *ALIASES)}
        self.environment = {k: v for k, v in os.environ.items() if k not in unset} | {
            **database.environment,
            **{f"{p}_URL": simulator.url(name) for name, p in SERVICE_SETTINGS.items()},
            "ACTP_ENV_FILE": "",
            "ACTP_HOME": str(home / "home"),
            "ACTP_LOCK_DIR": str(home / "locks"),
            "ANTHROPIC_API_KEY": "test-only",
            "ANTHROPIC_BASE_URL": simulator.url("claude"),
            "BLOTATO_API_KEY": "test-only",
            "BLOTATO_API_URL": f"{simulator.url('blotato')}/v2",
            "BLOTATO_POLL_SECONDS": "0.05",
            "REMOTION_URL": simulator.url("remotion"),
            "RESEARCH_POLL_SECONDS": "0.05",
        }

    @property
    def is_postgrest(self) -> bool:
        """Whether processes reach the database over HTTP; for that, fewer commands will do."""
        return self.database.kind == "supabase"

    def run(
        self, line: str, *more: str, seconds: float = DEADLINE_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run one of our command lines as its own process."""
        script, *arguments = line.split(" ")
        interpreter = [sys.executable] if script.endswith(".py") else []
        return subprocess.run(
            [*interpreter, str(ROOT / script), *arguments, *more],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def ask(self, query: str) -> Any:
        with self.database.connect() as connection:
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    quick = {"services": {"market-research": {"job_seconds": 0.05}}}
    with SimulatorProcess(scenario=quick) as simulator:
        yield simulator


@pytest.fixture(scope="module", params=["postgres", "postgrest"])
def world(
    request: pytest.FixtureRequest,
    simulator: SimulatorProcess,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    simulator.reset()
    databases = request.getfixturevalue("postgres15_databases")
    with ExitStack() as stack:
        made = (
            supabase_database(databases)
            if request.param == "postgrest"
            else postgres_database(databases, "postgres15")
        )
        world = World(stack.enter_context(made), simulator, tmp_path_factory.mktemp("e2e"))
        filled = world.run("bin/sample-data")
        assert filled.returncode == 0, filled.stderr
        yield world


def test_what_is_down_fails_alone_and_the_summary_says_why(world: World) -> None:
    if world.is_postgrest:
        pytest.skip("the way to the database does not matter to it")
    stopped = ("market-research", "remotion")
    for name in stopped:
        world.simulator.down(name)
    try:
        swept = world.run("multi_agent_dispatch.py --all", "--json", seconds=SWEEP_SECONDS)
    finally:
        for name in stopped:
            world.simulator.up(name)
    assert swept.returncode == 1
    result = json.loads(swept.stdout)
    assert (result["passed"], result["total"]) == (7, 9), swept.stdout
    summary = world.ask(SUMMARIES)[-1]
    failed = {line["domain"]: line["text"] for line in summary["lines"] if not line["ok"]}
    assert failed.keys() == {"creators", "remotion"}
    assert "market-research" in failed["creators"]


def test_the_sweep_runs_all_nine_and_tells_it_once(world: World) -> None:
    before = world.ask(SUMMARIES)
    swept = world.run("multi_agent_dispatch.py --all", "--json", seconds=SWEEP_SECONDS)
    assert swept.returncode == 0, swept.stdout + swept.stderr
    result = json.loads(swept.stdout)
    assert (result["passed"], result["total"]) == (9, 9)
    *earlier, summary = world.ask(SUMMARIES)
    assert earlier == before
    assert (summary["passed"], summary["total"]) == (9, 9)
    assert all(line["ok"] and line["text"] for line in summary["lines"])
    assert world.ask(NEWEST_NINE) == ["ok"] * 9


@pytest.fixture(scope="module")
def first_round(world: World) -> dict[str, subprocess.CompletedProcess[str]]:
    lines = SOME_COMMANDS if world.is_postgrest else COMMANDS
    return {line: world.run(line) for line in lines}


def test_every_command_of_the_product_runs(
    first_round: dict[str, subprocess.CompletedProcess[str]],
) -> None:
    failed = {line: (r.returncode, r.stderr) for line, r in first_round.items() if r.returncode}
    assert failed == {}
    assert all(r.stdout.strip() for r in first_round.values())


def test_a_second_run_changes_nothing_twice(
    world: World, first_round: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    if world.is_postgrest:
        pytest.skip("the way to the database does not matter to it")
    before = world.ask(COUNTS)
    again = {line: world.run(line) for line in first_round}
    assert {line: r.returncode for line, r in again.items() if r.returncode} == {}
    assert world.ask(COUNTS) == before
    printed = ("prospect_funnel_scorer.py --top 10", "youtube_mplite_ingest.py --summary")
    assert [again[line].stdout for line in printed] == [
        first_round[line].stdout for line in printed
    ]


def test_each_run_is_logged_with_its_result(world: World) -> None:
    logged = world.ask(
        "select jsonb_agg(distinct domain || '.' || task) from actp_agent_tasks"
        " where status = 'ok' and result ? 'stdout' and (result ->> 'returncode')::int = 0"
        " and duration_ms > 0"
    )
    assert {"outreach.due", "safari_cloud.status", "creators.sync"} <= set(logged)
