"""How long the agents take over a small, a middling and a large CRM, and how much memory."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Timer
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

from actp.domains.sample.writing import make
from actp.errors import ActpError
from actp.settings import PROJECT_ROOT
from tests.bench.figures import Figure, Quantity, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

# Ten times as many contacts may take so much longer.
STEEPEST: Final = 12.0
LARGE_TARGET_MIB: Final = 300.0
JOB_TIMEOUT_SECONDS: Final = 300.0
# What ru_maxrss counts in.
RSS_UNITS_PER_MIB: Final = 1024**2 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Job:
    """What is run on each CRM, and how many seconds it may take there."""

    script: str
    flags: tuple[str, ...]
    at_most: tuple[float | None, float | None, float | None]


class Spent(NamedTuple):
    """What a whole process took."""

    seconds: float
    mebibytes: float


JOBS: Final = (
    Job("prospect_funnel_scorer.py", ("--score-all",), (2.0, None, 60.0)),
    Job("strategic_outreach.py", ("--build-queue",), (2.0, None, 10.0)),
)


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Run every job on each CRM, without Claude, first on the rows as they were made."""
    with ExitStack() as open_databases:
        databases = []
        for contacts in sizes.crm_contacts:
            database = open_databases.enter_context(stage.database())
            make(database.store, contacts)
            databases.append(database)
        for job in JOBS:
            spent = []
            name = " ".join(job.flags).removeprefix("--")
            for contacts, database, target in zip(
                sizes.crm_contacts, databases, job.at_most, strict=True
            ):
                environment = stage.environment(database.environment)
                environment.pop("ANTHROPIC_API_KEY", None)
                spent.append(_spent(job, environment))
                yield Figure(
                    f"{name} of {counted(contacts)} contacts",
                    Quantity(spent[-1].seconds, "s"),
                    at_most=target,
                )
            *_, less, more = sizes.crm_contacts
            yield Figure(
                f"{name}: {counted(more)} contacts by {counted(less)}",
                Quantity(spent[-1].seconds, "s"),
                Quantity(spent[-2].seconds, "s", f"{counted(less)} contacts"),
                at_most=STEEPEST,
            )
            yield Figure(
                f"{name} of {counted(more)} contacts, memory",
                Quantity(spent[-1].mebibytes, "MiB"),
                at_most=LARGE_TARGET_MIB,
            )


def _spent(job: Job, environment: Mapping[str, str]) -> Spent:
    began = perf_counter()
    process = subprocess.Popen(
        [sys.executable, job.script, *job.flags, "--json"],
        cwd=PROJECT_ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = Timer(JOB_TIMEOUT_SECONDS, process.kill)
    deadline.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        deadline.cancel()
    seconds = perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise ActpError(f"{job.script} ended with {process.returncode}", remedy="Run it by hand.")
    return Spent(seconds, usage.ru_maxrss / RSS_UNITS_PER_MIB)
