"""Which script does which task: the ten agents, and the order of the daily sweep."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AGENTS", "DESCRIPTIONS", "DOMAIN_MODULES", "SWEEP", "Agents", "Command"]

# Most tasks read and write the database and perhaps ask Claude.
USUAL_TIMEOUT_SECONDS: Final = 600.0
# These also wait for services that drive a page, or for renderings.
LONG_TIMEOUT_SECONDS: Final = 1800.0


@dataclass(frozen=True, slots=True)
class Command:
    """How one task is started.

    ``value`` names the parameter that becomes the value of the flag, and ``default`` stands in
    for it; ``bare`` is the flag in place of ``flag`` where no parameter is given.
    """

    script: str
    flag: str
    timeout_seconds: float = USUAL_TIMEOUT_SECONDS
    value: str | None = None
    default: str | None = None
    bare: str | None = None


Agents: TypeAlias = "Mapping[str, Mapping[str, Command]]"

_PROSPECT: Final = "prospect_funnel_scorer.py"
_AB_TESTER: Final = "ab_post_tester.py"
_GROWTH: Final = "growth_orchestrator.py"
_YOUTUBE: Final = "youtube_mplite_ingest.py"
_TRENDS: Final = "platform_association_engine.py"
_OUTREACH: Final = "strategic_outreach.py"
_REMOTION: Final = "remotion_content_producer.py"
_SAFARI: Final = "safari_cloud_agent.py"

DOMAIN_MODULES: Final = MappingProxyType(
    {
        "prospect": _PROSPECT,
        "ab-tester": _AB_TESTER,
        "scheduler": _GROWTH,
        "content-mix": _GROWTH,
        "youtube": _YOUTUBE,
        "trends": _TRENDS,
        "creators": _GROWTH,
        "outreach": _OUTREACH,
        "remotion": _REMOTION,
    }
)


def _frozen(agents: Agents) -> Agents:
    return MappingProxyType({name: MappingProxyType(tasks) for name, tasks in agents.items()})


AGENTS: Final[Agents] = _frozen(
    {
        "prospect": {
            "score-all": Command(_PROSPECT, "--score-all"),
            "top": Command(_PROSPECT, "--top", value="limit", default="10"),
            "next-actions": Command(_PROSPECT, "--next-actions"),
            "research-ready": Command(_PROSPECT, "--research-ready"),
            "score": Command(_PROSPECT, "--score", value="id"),
        },
        "ab-tester": {
            "checkback": Command(_AB_TESTER, "--checkback", LONG_TIMEOUT_SECONDS),
            "create": Command(_AB_TESTER, "--create", LONG_TIMEOUT_SECONDS, value="topic"),
            "status": Command(_AB_TESTER, "--status"),
            "results": Command(_AB_TESTER, "--results"),
            "schedule": Command(_AB_TESTER, "--schedule"),
        },
        "scheduler": {
            "optimize": Command(_GROWTH, "--optimize"),
            "saturation-check": Command(_GROWTH, "--saturation-check"),
            "weekly-calendar": Command(_GROWTH, "--weekly-calendar"),
            "dm-schedule": Command(_GROWTH, "--dm-schedule"),
        },
        "content-mix": {
            "recommend": Command(_GROWTH, "--content-mix"),
            "gaps": Command(_GROWTH, "--gaps"),
            "resonance-summary": Command(_GROWTH, "--resonance-summary"),
        },
        "youtube": {
            "analyze": Command(_YOUTUBE, "--analyze", LONG_TIMEOUT_SECONDS),
            "resonance": Command(_YOUTUBE, "--resonance"),
            "summary": Command(_YOUTUBE, "--summary"),
            "full": Command(_YOUTUBE, "--full", LONG_TIMEOUT_SECONDS),
        },
        "trends": {
            "detect": Command(_TRENDS, "--trends"),
            "associations": Command(_TRENDS, "--associations"),
            "full": Command(_TRENDS, "--full"),
        },
        "creators": {
            "sync": Command(_GROWTH, "--research", LONG_TIMEOUT_SECONDS, bare="--market-sync"),
            "top": Command(_GROWTH, "--top-creators"),
            "full-sync": Command(_GROWTH, "--market-sync", LONG_TIMEOUT_SECONDS),
        },
        "outreach": {
            "due": Command(_OUTREACH, "--due"),
            "build-queue": Command(_OUTREACH, "--build-queue"),
            "send": Command(_OUTREACH, "--send"),
        },
        "remotion": {
            "pipeline": Command(_REMOTION, "--pipeline"),
            "check-jobs": Command(_REMOTION, "--check-jobs"),
            "distribute": Command(_REMOTION, "--distribute", value="job_id"),
        },
        "safari_cloud": {
            "run": Command(_SAFARI, "--run-once", LONG_TIMEOUT_SECONDS),
            "status": Command(_SAFARI, "--status"),
            "health": Command(_SAFARI, "--health"),
            "retry": Command(_SAFARI, "--retry-failed"),
            "limits": Command(_SAFARI, "--rate-limits"),
        },
    }
)

DESCRIPTIONS: Final = MappingProxyType(
    {
        "prospect": "Scores contacts, finds their funnel stage, researches the ripe ones.",
        "ab-tester": "Posts two variants, looks back after 1, 4 and 24 hours, names the winner.",
        "scheduler": "Learns the best hours, plans the week, notices saturation.",
        "content-mix": "Compares what was published with the target mix, recommends what lacks.",
        "youtube": "Classifies videos and learns which niches and hooks resonate.",
        "trends": "Joins people over platforms and finds niches that rise on several.",
        "creators": "Researches creators, rates their fit, brings the best among the contacts.",
        "outreach": "Decides who is due, writes the message, sends it through the command queue.",
        "remotion": "Has videos rendered for the best niche and distributes them.",
        "safari_cloud": "Works off the queue of commands for the nine Safari services.",
    }
)

SWEEP: Final = (
    ("prospect", "score-all"),
    ("ab-tester", "checkback"),
    ("scheduler", "optimize"),
    ("content-mix", "recommend"),
    ("youtube", "analyze"),
    ("trends", "detect"),
    ("creators", "sync"),
    ("outreach", "build-queue"),
    ("remotion", "check-jobs"),
)
