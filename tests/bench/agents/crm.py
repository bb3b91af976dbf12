"""How long the agents take over a small, a middling and a large CRM, and how much memory."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Final

from actp.domains.prospect.tasks import score_all
from actp.domains.sample.writing import make
from actp.domains.tools import Tools
from actp.settings import load_settings
from tests.bench.agents.spent import spend
from tests.bench.figures import Figure, Quantity, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage
    from tests.support.databases import Database

__all__ = ["measure"]

# Ten times as many contacts may take so much longer.
STEEPEST: Final = 12.0
LARGE_TARGET_MIB: Final = 150.0
CSV_LINES: Final = 10_000
CSV_TARGET_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Job:
    """What is run on each CRM, and how many seconds it may take there."""

    name: str
    script: str
    flag: str
    at_most: tuple[float | None, float | None, float | None]
    # What of its answer tells how much else there was to look at.
    beside: str = ""


JOBS: Final = (
    Job("score-all", "prospect_funnel_scorer.py", "--score-all", (2.0, None, 4.0)),
    Job("build-queue", "strategic_outreach.py", "--build-queue", (None, None, 4.0)),
    Job(
        "associations",
        "platform_association_engine.py",
        "--associations",
        (None, None, 20.0),
        "handles",
    ),
)


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Run every job on each CRM, without Claude, first on the rows as they were made."""
    with ExitStack() as opened:
        crms = {n: opened.enter_context(stage.database()) for n in sizes.crm_contacts}
        for contacts, database in crms.items():
            make(database.store, contacts)
        yield from _in_process(stage, crms)
        for job in JOBS:
            yield from _whole_processes(job, stage, crms)
        yield _csv(stage, crms[min(crms)])


def _csv(stage: Stage, database: Database) -> Figure:
    """Import contacts of a file, each with a mailbox and a handle on a second platform."""
    lines = (
        f"csv_person{n},twitter,Person {n},csv{n}@mail.example,csv.ig{n}" for n in range(CSV_LINES)
    )
    with TemporaryDirectory() as folder:
        path = Path(folder, "people.csv")
        header = "username,platform,name,email,instagram\n"
        path.write_text(header + "\n".join(lines), encoding="utf-8")
        environment = stage.environment(database.environment)
        spent = spend(environment, "-m", "actp.cli", "people", "import", str(path))
    return Figure(
        f"import of {counted(CSV_LINES)} lines of CSV",
        Quantity(spent.seconds, "s"),
        at_most=CSV_TARGET_SECONDS,
    )


def _whole_processes(job: Job, stage: Stage, crms: Mapping[int, Database]) -> Iterator[Figure]:
    spent = {}
    for (contacts, database), target in zip(crms.items(), job.at_most, strict=True):
        environment = stage.environment(database.environment)
        spent[contacts] = spend(environment, job.script, job.flag)
        name = f"{job.name} of {counted(contacts)} contacts"
        if job.beside:
            name += f", {counted(spent[contacts].answer[job.beside])} {job.beside}"
        yield Figure(name, Quantity(spent[contacts].seconds, "s"), at_most=target)
    yield _steepness(job.name, {contacts: each.seconds for contacts, each in spent.items()})
    yield Figure(
        f"{job.name} of {counted(max(spent))} contacts, memory",
        Quantity(spent[max(spent)].mebibytes, "MiB"),
        at_most=LARGE_TARGET_MIB,
    )


def _in_process(stage: Stage, crms: Mapping[int, Database]) -> Iterator[Figure]:
    """Score all without the start of an interpreter; then forget the scores."""
    took = {}
    for (contacts, database), target in zip(crms.items(), JOBS[0].at_most, strict=True):
        with Tools(load_settings(stage.environment(database.environment))) as tools:
            tools.store.call("safari_now")  # from here on the connection is there
            began = perf_counter()
            score_all(tools)
            took[contacts] = perf_counter() - began
        with database.connect() as connection:
            connection.execute("truncate actp_prospect_scores, actp_crm_transitions")
        name = f"score-all of {counted(contacts)} contacts, in process"
        yield Figure(name, Quantity(took[contacts], "s"), at_most=target)
    yield _steepness("score-all in process", took)


def _steepness(name: str, seconds: Mapping[int, float]) -> Figure:
    *_, less, more = seconds
    return Figure(
        f"{name}, {counted(more)} contacts by {counted(less)}",
        Quantity(seconds[more], "s"),
        Quantity(seconds[less], "s", f"{counted(less)} contacts"),
        at_most=STEEPEST,
    )
