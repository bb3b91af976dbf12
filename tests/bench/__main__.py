"""``python -m tests.bench``: measures us beside others, prints a table, writes it down."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from actp.settings import PROJECT_ROOT
from tests.bench import (
    agents,
    claim,
    console,
    drain,
    enqueue,
    health,
    idle,
    kill,
    listing,
    look,
    pickup,
    polling,
    start,
    status,
    tree,
    turns,
)
from tests.bench.figures import Figure
from tests.bench.machine import describe
from tests.bench.sizes import FULL, QUICK
from tests.bench.stage import LATENCY_MS, open_stage
from tests.bench.table import as_markdown, as_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

    Measure = Callable[[Stage, Sizes], Iterator[Figure]]

MEASURES: Final[dict[str, tuple[Measure, ...]]] = {
    "drain": (drain.measure,),
    "turns": (turns.measure,),
    "pickup": (pickup.measure,),
    "look": (look.measure,),
    "polling": (polling.measure,),
    "claim": (claim.measure, claim.measure_held),
    "listing": (listing.measure,),
    "enqueue": (enqueue.measure,),
    "start": (start.measure,),
    "console": (console.measure,),
    "health": (health.measure,),
    "status": (status.measure,),
    "tree": (tree.measure,),
    "idle": (idle.measure,),
    "kill": (kill.measure,),
    "agents": agents.MEASURES,
}
REPORT: Final = PROJECT_ROOT / "docs" / "benchmarks.md"
TERMINATED: Final = 143  # 128 + SIGTERM, as shells say it
NOTES: Final = f"""\
Written by `bin/bench`. Everything is measured side by side in one run on one machine: read the
ratios, not the values. Nine simulated services on loopback answer after {LATENCY_MS:g} ms (at once
for pickup, where the arrival is what counts). A drain runs from the first to the last completion by
the database's clock, start-up excluded, with WORKERS at its default. The rivals send the same
requests through httpx, one client a service, one at a time for each service (pgqueuer by its own
`concurrency_limit`, and by a lock in the process) or 50 at once; pgqueuer's divide the services
among one or three processes and use asyncpg. They keep no quota, no intent before the send and no
fence. All start from the same backlog; one that is slow is stopped early, and its pace till then
counts. A shared machine is not always as fast: the same drain took a third longer on one evening
than on another, and a single figure has taken twice as long.

Bare httpx is no queue, and its pace is out of reach while the CPU is what limits both. A
request costs the loop some 0.6 ms of CPU and the simulated service 0.2 ms. For a command we use
the figure "CPU a command" below instead of the 0.6 ms: the request, and in PostgreSQL the
claim, the intent with its limits, and the result with its audit. With 1.4 ms the bound is (0.6
+ 0.2) / (1.4 + 0.2) = 0.5 of bare httpx, before any wait for the disk. What is left of it goes
to a service's commands running one after the other.

What *begin* checks beyond release 0.1.0 (other addresses of the same person, replies that are not
judged, limits of an hour and a week, hours by weekday, review, the account) costs PostgreSQL about
1.6 times the CPU for one command, and 1.3 times for three in one call; a claim costs as much as
before, a result 1.2 times as much. Without the gate a begin takes 14 % less, without the refusals
10 %, without the lock of the person 6 %, without the unjudged words and the review 4 %; without all
of them it costs what it did. No rule of the gate costs over 3 %, all triggers together 1 %: the
time goes into setting up a plan of 130 nodes for each call, whatever it finds.

A pickup ends with the request. Ours has one commit more in its way than pgqueuer's: the intent is
on disk before anything is sent. So has the busy share of the one Safari: between two actions lie
the result of one and the intent of the next.

Three quarters of the CPU of a wait are the one action a second with its claim, intent and result, a
quarter the first connections of nine services.

A row that is put in costs PostgreSQL some 0.055 ms, 0.067 ms in release 0.3.0: three tenths read
the request and store the row in its indexes, three tenths find the service and bound the values,
a quarter brings recipient and post into their one spelling, a sixth fills the index of the
search, and the rest writes the audit. The goal leaves 0.037 ms. A seventh of all is one statement
for each row that looks into routes, settings, attempts and reviews; a session that remembered
them would have to trust the writer of the row. Release 0.1.0 kept addresses as they were given.

A claim under an open transaction meets the dead entries that the transaction keeps from vacuum: at
the head of the line of each service, and the earlier versions of each counter.

Nine tenths of the CPU of bin/status are imports: two fifths pydantic and the settings, a third
psycopg, a fifth click and rich. A start in an empty home makes a cluster, sends 2 260 statements to
it, starts it again under supervisord, and imports the programs of five processes on two CPUs.

Agents run as whole processes, start of the interpreter included, on made-up people and posts.
Claude is simulated and answers at once; scores, queues and associations are made without it. The
sweep is the first on its data. Hours and A/B tests are judged on posts drawn by chance, the rates
of equal ones scattering by 15 %. The power of tests with rounds is compared with that of one round
before they had any; its target is 1.3 times as much, or 99 % where that is less.

The simulated years have a best hour on each of six platforms, one fall of 30 days and one rise of
14; posts at one hour differ by 0.5 in the logarithm of their engagement. Regret is by how much the
chosen hours bring less than the best ones that the platform's gap allows, in percent of the same
for hours chosen at random. In one line the engagement of LinkedIn rises and falls by half over 90
days, whatever the hour; another line has one post a week, which teaches too little for a target.
Research looks for rises every day, and in one line on Mondays and Thursdays, as the schedule does.
"""


@click.command()
@click.option("--quick", is_flag=True, help="Small sizes: about a minute, for a first look.")
@click.option(
    "--only", "names", multiple=True, type=click.Choice(list(MEASURES)), help="Just this; repeat."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the report; by default a full run writes docs/benchmarks.md.",
)
def main(*, quick: bool, names: tuple[str, ...], output: Path | None) -> None:
    """Measure this project beside procrastinate, pgqueuer and bare httpx.

    Targets that are missed are shown and change no exit code.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    sizes = QUICK if quick else FULL
    chosen = names or tuple(MEASURES)
    screen = Console()
    figures: list[Figure] = []
    with suppress(KeyboardInterrupt), open_stage() as stage:
        for name in chosen:
            began = monotonic()
            for measure in MEASURES[name]:
                figures += _measured(name, measure, stage, sizes)
            screen.print(f"{name}: {monotonic() - began:.0f} s", style="dim")
        machine = describe(stage, sizes)
        screen.print(as_table(figures))
        screen.print(machine)
        if output is None and not quick and not names:
            output = REPORT
        if output is not None:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(f"# Benchmarks\n\n{NOTES}\n{machine}\n\n{as_markdown(figures)}")
            screen.print(f"Written to {output}.")


def _measured(name: str, measure: Measure, stage: Stage, sizes: Sizes) -> list[Figure]:
    figures = []
    try:
        for figure in measure(stage, sizes):
            figures.append(figure)  # noqa: PERF402 - those before a failure count
    except Exception as error:  # noqa: BLE001 - one figure that fails must not lose the others
        reason = " ".join(str(error).split())[:200]
        figures.append(Figure(name, note=f"failed: {type(error).__name__}: {reason}"))
    return figures


if __name__ == "__main__":
    main()
