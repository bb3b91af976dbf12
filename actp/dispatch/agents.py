"""The one table of agents: each domain's script, tasks, flags, time limits, schedule and page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AGENTS",
    "DESCRIPTIONS",
    "DOMAINS",
    "DOMAIN_MODULES",
    "SWEEP",
    "Agent",
    "Agents",
    "Command",
    "Cron",
]

# Most tasks read and write the database and perhaps ask Claude.
USUAL_TIMEOUT_SECONDS: Final = 600.0
# These also wait for services that drive a page, or for renderings.
LONG_TIMEOUT_SECONDS: Final = 1800.0
# A machine that slept through the night catches up on it, one that slept through the day does not.
MORNING: Final = timedelta(hours=8)
HALF_AN_HOUR: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Cron:
    """A line of the cron table; a run that is later than ``grace`` is skipped.

    ``needs`` names what must be open for a run to find anything.
    """

    name: str
    times: str
    grace: timedelta
    needs: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """How one task is started.

    ``value`` names the parameter that becomes the value of the flag, and ``default`` stands in
    for it; ``bare`` is the flag in place of ``flag`` where no parameter is given. ``with_flags``
    always go with it.
    """

    script: str
    flag: str
    timeout_seconds: float = USUAL_TIMEOUT_SECONDS
    value: str | None = None
    default: str | None = None
    bare: str | None = None
    with_flags: tuple[str, ...] = ()
    cron: Cron | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """A domain: what it does, its script and tasks, and its task in the daily sweep."""

    domain: str
    description: str
    script: str
    tasks: Mapping[str, Command]
    sweep: str | None = None

    @property
    def page(self) -> str:
        """The page of the agent, from the root of the project."""
        return f".claude/agents/{self.domain}/CLAUDE.md"


def _long(flag: str, **more: Any) -> Command:
    return Command("", flag, LONG_TIMEOUT_SECONDS, **more)


def _usual(flag: str, **more: Any) -> Command:
    return Command("", flag, **more)


def _agent(
    domain: str, script: str, description: str, sweep: str | None, tasks: Mapping[str, Command]
) -> Agent:
    own = {name: replace(command, script=script) for name, command in tasks.items()}
    return Agent(domain, description, script, MappingProxyType(own), sweep)


# Days by their names: APScheduler counts them from Monday, cron from Sunday.
DOMAINS: Final = (
    _agent(
        "prospect",
        "prospect_funnel_scorer.py",
        "Scores contacts, finds their funnel stage, researches the ripe ones.",
        "score-all",
        {
            "score-all": _usual(
                "--score-all", cron=Cron("prospect_funnel_score", "30 */6 * * *", HALF_AN_HOUR)
            ),
            "top": _usual("--top", value="limit", default="10"),
            "next-actions": _usual("--next-actions"),
            "research-ready": _usual("--research-ready"),
            "score": _usual("--score", value="id"),
        },
    ),
    _agent(
        "ab-tester",
        "ab_post_tester.py",
        "Posts two variants, looks back after 1, 4 and 24 hours, names the winner.",
        "checkback",
        {
            "checkback": _long(
                "--checkback", cron=Cron("ab_test_checkback", "0 */2 * * *", HALF_AN_HOUR)
            ),
            "create": _long("--create", value="topic"),
            "status": _usual("--status"),
            "results": _usual("--results"),
            "schedule": _usual("--schedule"),
        },
    ),
    _agent(
        "scheduler",
        "growth_orchestrator.py",
        "Measures posts, learns the best hours, plans the week, notices saturation.",
        "optimize",
        {
            "optimize": _usual("--optimize"),
            "saturation-check": _usual(
                "--saturation-check", cron=Cron("saturation_check", "0 12 * * *", HALF_AN_HOUR)
            ),
            "measure": _long(
                "--measure", cron=Cron("post_measure", "10,40 * * * *", timedelta(minutes=15))
            ),
            "weekly-calendar": _usual("--weekly-calendar"),
            "dm-schedule": _usual("--dm-schedule"),
        },
    ),
    _agent(
        "content-mix",
        "growth_orchestrator.py",
        "Compares what was published with the target mix, recommends what lacks.",
        "recommend",
        {
            "recommend": _usual("--content-mix", with_flags=("--go",)),
            "gaps": _usual("--gaps"),
            "resonance-summary": _usual("--resonance-summary"),
        },
    ),
    _agent(
        "youtube",
        "youtube_mplite_ingest.py",
        "Classifies videos and learns which niches and hooks resonate.",
        "analyze",
        {
            "analyze": _long(
                "--analyze", cron=Cron("youtube_content_analyze", "0 4 * * *", MORNING)
            ),
            "resonance": _usual("--resonance"),
            "summary": _usual("--summary"),
            "full": _long(
                "--full", cron=Cron("youtube_mplite_ingest_weekly", "0 3 * * sun", MORNING)
            ),
        },
    ),
    _agent(
        "trends",
        "platform_association_engine.py",
        "Joins people over platforms and finds niches that rise on several.",
        "detect",
        {
            "detect": _usual("--trends"),
            "associations": _usual(
                "--associations", cron=Cron("platform_associations", "0 4 * * *", MORNING)
            ),
            "full": _usual("--full"),
        },
    ),
    _agent(
        "creators",
        "growth_orchestrator.py",
        "Researches creators, rates their fit, brings the best among the contacts.",
        "sync",
        {
            "sync": _long("--research", bare="--market-sync"),
            "top": _usual("--top-creators"),
            "full-sync": _long(
                "--market-sync", cron=Cron("market_research_niche_pull", "0 3 * * mon,thu", MORNING)
            ),
        },
    ),
    _agent(
        "outreach",
        "strategic_outreach.py",
        "Decides who is due, writes the message, sends it through the command queue.",
        "build-queue",
        {
            "due": _usual("--due"),
            "build-queue": _usual(
                "--build-queue", cron=Cron("outreach_queue_build", "0 6 * * *", MORNING)
            ),
            "send": _usual("--send"),
        },
    ),
    _agent(
        "remotion",
        "remotion_content_producer.py",
        "Has videos rendered for the best niche and distributes them.",
        "check-jobs",
        {
            "pipeline": _usual(
                "--pipeline", cron=Cron("remotion_content_pipeline", "0 6 * * tue,thu", MORNING)
            ),
            "check-jobs": _usual(
                "--check-jobs",
                cron=Cron("remotion_job_poll", "*/5 * * * *", timedelta(minutes=5), "renders"),
            ),
            "distribute": _usual("--distribute", value="job_id"),
        },
    ),
    _agent(
        "safari_cloud",
        "safari_cloud_agent.py",
        "Processes the queue of commands for the nine Safari services.",
        None,
        {
            "run": _long("--run-once"),
            "status": _usual("--status"),
            "health": _usual("--health"),
            "retry": _usual("--retry-failed"),
            "limits": _usual("--rate-limits"),
        },
    ),
)

Agents: TypeAlias = "Mapping[str, Mapping[str, Command]]"

AGENTS: Final[Agents] = MappingProxyType({agent.domain: agent.tasks for agent in DOMAINS})
DESCRIPTIONS: Final = MappingProxyType({agent.domain: agent.description for agent in DOMAINS})
# The nine domains of the sweep, whose scripts are theirs alone or shared.
DOMAIN_MODULES: Final = MappingProxyType(
    {agent.domain: agent.script for agent in DOMAINS if agent.sweep is not None}
)
SWEEP: Final = tuple((agent.domain, agent.sweep) for agent in DOMAINS if agent.sweep is not None)
