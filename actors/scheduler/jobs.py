"""The cron table of the worker, and what each job does; others append their own lines."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from actors.scheduler.agent_jobs import AGENT_JOBS
from actors.scheduler.fire_times import Job
from actp.safari.session_check import probe_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.scheduler.fire_times import RunContext

__all__ = ["JOBS"]

# A day's worth of the busiest queue; what is left then is tomorrow's.
MOST_PRUNE_BATCHES: Final = 1000
# Commands first: what is kept of a campaign goes after them.
PRUNES: Final = (
    "safari_prune",
    "safari_schedule_prune",
    "safari_campaign_prune",
    "agent_task_prune",
    "agent_claude_prune",
)


def process_queue(context: RunContext) -> Mapping[str, Any]:
    """Wake the workers: beside a running tree, that is what a run-once does."""
    context.store.call("safari_wake")
    return {"woken": True}


def check_health(context: RunContext) -> Mapping[str, Any]:
    """Ask all nine services how they are and who they are, and store it."""
    results = probe_all(context.settings.service_url)
    context.store.call("safari_record_health", results=[result.row() for result in results])
    unwell = [result.service_name for result in results if result.status != "healthy"]
    return {"healthy": len(results) - len(unwell), "unwell": unwell}


def retry_failed(context: RunContext) -> Mapping[str, Any]:
    """Requeue rows whose retries ran out on transient errors, each at most once in its life."""
    answer: Mapping[str, Any] = context.store.call("safari_retry_failed", first_time_only=True)
    return answer


def reset_rates(context: RunContext) -> Mapping[str, Any]:
    """Report what yesterday used; the counters of a new day begin automatically."""
    answer: Mapping[str, Any] = context.store.call("safari_rate_reset")
    return answer


def prune(context: RunContext) -> Mapping[str, Any]:
    """Remove what is past its age, in batches until nothing is left."""
    removed: Counter[str] = Counter()
    for function in PRUNES:
        for _ in range(MOST_PRUNE_BATCHES):
            counts: Mapping[str, int] = context.store.call(function)
            removed.update(counts)
            if not any(counts.values()):
                break
    return removed


def sync_contacts(context: RunContext) -> Mapping[str, Any]:
    """Enqueue a sync of the CRM brain for each Mac; the key keeps a slot from doing it twice."""
    key = f"schedule:sync:{context.slot:%Y-%m-%dT%H:%MZ}"
    return {"enqueued": context.store.call("safari_enqueue_syncs", key=key)}


def report_week(context: RunContext) -> Mapping[str, Any]:
    """Return how the agents did in the last seven days."""
    answer: Mapping[str, Any] = context.store.call("agent_weekly_report")
    return {"lines": len(answer["lines"])}


JOBS: Final = (
    Job("safari_queue_processor", "*/15 * * * *", process_queue),
    Job("safari_health_check", "0 * * * *", check_health, grace=timedelta(minutes=20)),
    Job("safari_retry_failed", "0 */2 * * *", retry_failed, missed="last"),
    Job("safari_rate_reset", "0 0 * * *", reset_rates, missed="last"),
    Job("safari_prune", "30 3 * * *", prune, missed="last"),
    Job("safari_crm_sync", "0 */4 * * *", sync_contacts, grace=timedelta(hours=1)),
    Job(
        "agent_weekly_report",
        "0 7 * * mon",
        report_week,
        missed="last",
        wanted=lambda settings: settings.agents_schedule,
    ),
    *AGENT_JOBS,
)
