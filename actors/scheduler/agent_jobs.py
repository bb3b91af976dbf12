"""The agents' lines of the cron table: each starts the dispatcher as a process of its own.

What becomes of a task is in actp_agent_tasks, and its failure is told from there.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from actors.scheduler.fire_times import Job
from actp.dispatch.agents import AGENTS, SWEEP
from actp.dispatch.leash import VARIABLE, leash
from actp.errors import ActpError
from actp.processes import run_bounded
from actp.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from actors.scheduler.fire_times import RunContext
    from actp.settings import Settings

__all__ = ["AGENT_JOBS", "agent_job"]

DISPATCHER: Final = PROJECT_ROOT / "multi_agent_dispatch.py"
# Over the task's own time: the dispatcher's start, and its telling a database that is away.
MARGIN_SECONDS: Final = 120.0
MAX_ERROR_CHARS: Final = 300
# What the schedule keeps of what the dispatcher prints.
TOLD: Final = ("status", "headline", "duration_ms", "passed", "total", "skipped")
# A machine that slept through the night makes up for it, one that slept through the day does not.
MORNING: Final = timedelta(hours=8)
HALF_AN_HOUR: Final = timedelta(minutes=30)


def _dispatch(
    flags: Sequence[str], timeout_seconds: float, context: RunContext
) -> Mapping[str, Any]:
    with leash() as descriptor:
        ended = run_bounded(
            (sys.executable, str(DISPATCHER), *flags, "--json"),
            environ={**os.environ, VARIABLE: str(descriptor)},
            timeout_seconds=timeout_seconds + MARGIN_SECONDS,
            pass_fds=(descriptor,),
            is_stopping=context.is_stopping,
        )
    if ended.stopped:
        return {"status": "stopped"}
    try:
        said = json.loads(ended.stdout)
    except ValueError:
        complaint = ended.stderr.decode("utf-8", "replace").strip()[:MAX_ERROR_CHARS]
        raise ActpError(complaint or f"exit code {ended.returncode}") from None
    return {name: said[name] for name in TOLD if said.get(name) is not None}


def _is_wanted(settings: Settings) -> bool:
    return settings.agents_schedule


def agent_job(name: str, cron: str, topic: str, grace: timedelta) -> Job:
    """Return the line that dispatches ``domain.task`` at its slots."""
    domain, _, task = topic.partition(".")
    flags = ("--domain", domain, "--task", task)
    run = partial(_dispatch, flags, AGENTS[domain][task].timeout_seconds)
    return Job(name, cron, run, grace=grace, wanted=_is_wanted, is_long=True)


def _sweep() -> Job:
    seconds = sum(AGENTS[domain][task].timeout_seconds for domain, task in SWEEP)
    return Job(
        "multi_agent_daily_sweep",
        "0 5 * * *",
        partial(_dispatch, ("--all",), seconds),
        grace=MORNING,
        wanted=_is_wanted,
        is_long=True,
    )


# Days by their names: APScheduler counts them from Monday, cron from Sunday.
AGENT_JOBS: Final = (
    _sweep(),
    agent_job("prospect_funnel_score", "30 */6 * * *", "prospect.score-all", HALF_AN_HOUR),
    agent_job("ab_test_checkback", "0 */2 * * *", "ab-tester.checkback", HALF_AN_HOUR),
    agent_job("youtube_content_analyze", "0 4 * * *", "youtube.analyze", MORNING),
    agent_job("youtube_mplite_ingest_weekly", "0 3 * * sun", "youtube.full", MORNING),
    agent_job("platform_associations", "0 4 * * *", "trends.associations", MORNING),
    agent_job("market_research_niche_pull", "0 3 * * mon,thu", "creators.full-sync", MORNING),
    agent_job("outreach_queue_build", "0 6 * * *", "outreach.build-queue", MORNING),
    agent_job("remotion_content_pipeline", "0 6 * * tue,thu", "remotion.pipeline", MORNING),
    agent_job("remotion_job_poll", "*/5 * * * *", "remotion.check-jobs", timedelta(minutes=5)),
)
