"""How long the dispatcher takes beyond the tasks it runs, and the daily sweep over all of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from actp.domains.sample.writing import make
from simulator.process import SimulatorProcess
from tests.bench.agents.spent import spend
from tests.bench.figures import Figure, Quantity, median
from tests.bench.shell import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

DISPATCHER: Final = "multi_agent_dispatch.py"
LIST_TARGET_SECONDS: Final = 0.5
OVERHEAD_TARGET_SECONDS: Final = 0.7
SWEEP_TARGET_SECONDS: Final = 9.0
CONTACTS: Final = 500
POLL_SECONDS: Final = "0.05"
# Research that a page would take minutes for is done at the first look.
RESEARCH: Final = {"services": {"market-research": {"job_seconds": float(POLL_SECONDS)}}}


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """List, dispatch one task beside its own script, and sweep sample data; all of it simulated."""
    with stage.database() as database, SimulatorProcess(scenario=RESEARCH) as simulator:
        make(database.store, CONTACTS)
        environment = stage.environment(
            {
                **database.environment,
                "ANTHROPIC_API_KEY": "bench",
                "ANTHROPIC_BASE_URL": simulator.url("claude"),
                "BLOTATO_API_KEY": "bench",
                "BLOTATO_API_URL": f"{simulator.url('blotato')}/v2",
                "BLOTATO_POLL_SECONDS": POLL_SECONDS,
                "REMOTION_URL": simulator.url("remotion"),
                "RESEARCH_POLL_SECONDS": POLL_SECONDS,
            },
            simulator,
        )
        swept = spend(environment, DISPATCHER, "--all")
        yield Figure(
            f"{DISPATCHER} --all, {swept.answer['passed']} of {swept.answer['total']} went well",
            Quantity(swept.seconds, "s"),
            at_most=SWEEP_TARGET_SECONDS,
        )
        yield from _lists(environment, sizes.script_starts)
        yield from _overhead(environment, sizes.script_starts)


def _lists(environment: Mapping[str, str], times: int) -> Iterator[Figure]:
    took = [run(environment, sys.executable, DISPATCHER, "--list") for _ in range(times)]
    yield Figure(f"{DISPATCHER} --list", Quantity(median(took), "s"), at_most=LIST_TARGET_SECONDS)


def _overhead(environment: Mapping[str, str], times: int) -> Iterator[Figure]:
    alone, dispatched = [], []
    for _ in range(times):
        alone.append(spend(environment, "prospect_funnel_scorer.py", "--top=10").seconds)
        task = ("--domain", "prospect", "--task", "top")
        dispatched.append(spend(environment, DISPATCHER, *task).seconds)
    yield Figure("prospect_funnel_scorer.py --top=10 alone", Quantity(median(alone), "s"))
    yield Figure(
        "the same dispatched takes longer by",
        Quantity(median(dispatched) - median(alone), "s"),
        at_most=OVERHEAD_TARGET_SECONDS,
    )
