"""The agents' lines of the cron table: each runs its task as one process, bounded and logged.

The outcome of a task is in actp_agent_tasks, and its failure is reported from there.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from actors.scheduler.fire_times import Job
from actp.dispatch.agents import DOMAINS, MORNING
from actp.dispatch.running import Dispatcher
from actp.dispatch.sweep import sweep

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from actors.scheduler.fire_times import RunContext
    from actp.settings import Settings

__all__ = ["AGENT_JOBS", "agent_job"]

# What the schedule keeps of a run.
KEPT: Final = ("status", "headline", "duration_ms", "passed", "total", "skipped")


def _dispatcher(context: RunContext) -> Dispatcher:
    return Dispatcher(context.settings, context.store, is_stopping=context.is_stopping)


def _run(domain: str, task: str, context: RunContext) -> Mapping[str, Any]:
    return _kept(_dispatcher(context).run(domain, task).shown(), context)


def _run_sweep(context: RunContext) -> Mapping[str, Any]:
    return _kept(sweep(_dispatcher(context)).shown(), context)


def _kept(shown: Mapping[str, Any], context: RunContext) -> Mapping[str, Any]:
    if context.is_stopping():
        return {"status": "stopped"}
    return {name: shown[name] for name in KEPT if shown.get(name) is not None}


def _is_wanted(settings: Settings) -> bool:
    return settings.agents_schedule


def agent_job(name: str, cron: str, topic: str, grace: timedelta, needs: str | None = None) -> Job:
    """Return the line that runs ``domain.task`` at its times."""
    domain, _, task = topic.partition(".")
    run = partial(_run, domain, task)
    return Job(name, cron, run, grace=grace, wanted=_is_wanted, is_long=True, needs=needs)


AGENT_JOBS: Final = (
    Job(
        "multi_agent_daily_sweep",
        "0 5 * * *",
        _run_sweep,
        grace=MORNING,
        wanted=_is_wanted,
        is_long=True,
    ),
    *(
        agent_job(cron.name, cron.times, f"{agent.domain}.{task}", cron.grace, cron.needs)
        for agent in DOMAINS
        for task, command in agent.tasks.items()
        if (cron := command.cron) is not None
    ),
)
