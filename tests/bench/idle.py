"""What an idle tree asks of a hosted database, over Supabase's HTTP."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

from actors.scheduler.fire_times import next_slot
from actors.scheduler.jobs import JOBS
from actp.settings import load_settings
from simulator.process import free_port_base
from tests.bench.figures import Figure, Quantity
from tests.bench.polling import has_postgrest, make_roles
from tests.bench.stage import configure
from tests.bench.tree import SETTLING_SECONDS, standing
from tests.support.databases import Databases
from tests.support.supabase import supabase_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.settings import Settings
    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

DAY_SECONDS: Final = 86_400
REQUESTS_TARGET: Final = 15_000
ANSWERS_TARGET_MB: Final = 5.0
BYTES_PER_MB: Final = 1_000_000
# What goes on whatever the schedule does.
STEADY: Final = (
    "safari_beat",
    "safari_claim",
    "safari_check_services",
    "safari_campaign_due",
    "safari_schedule_taken",
    "safari_all_well",
)
# Its begin and its end.
CALLS_OF_A_RUN: Final = 2.0
MONDAY: Final = datetime(2026, 11, 23, tzinfo=UTC)


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Count the requests and the bytes of answers while idle."""
    if not has_postgrest():
        return
    make_roles(stage)
    with (
        stage.simulator() as simulator,
        closing(Databases(stage.server)) as databases,
        supabase_project(databases) as (database, gateway),
    ):
        base = {"METRICS_PORT_BASE": str(free_port_base()), "AGENTS_SCHEDULE": "true"}
        environment = stage.environment({**database.environment, **base}, simulator)
        configure(database, environment)
        with standing(environment):
            sleep(SETTLING_SECONDS)
            before, began = gateway.traffic(), monotonic()
            sleep(2 * sizes.idle_seconds)
            traffic, seconds = gateway.traffic() - before, monotonic() - began
    days = seconds / DAY_SECONDS
    steady = Counter({name: traffic.requests[name] for name in STEADY})
    frequent = ", ".join(f"{name} {count / days / 24:.0f}" for name, count in steady.most_common(3))
    # Jobs run at their times: what one asks for was counted, how many there are is computed.
    runs = max(1, traffic.requests["safari_schedule_begin"])
    per_job = max(CALLS_OF_A_RUN, (traffic.requests.total() - steady.total()) / runs)
    jobs_a_day = _slots_a_week(load_settings(environment)) / 7
    yield Figure(
        "requests of an idle tree over Supabase, a day",
        Quantity(
            steady.total() / days + per_job * jobs_a_day,
            "requests",
            f"an hour: {frequent}; {jobs_a_day:.0f} jobs a day with {per_job:.0f} each",
        ),
        at_most=REQUESTS_TARGET,
    )
    yield Figure(
        "answers to an idle tree over Supabase, a day",
        Quantity(traffic.answer_bytes / days / BYTES_PER_MB, "MB"),
        at_most=ANSWERS_TARGET_MB,
    )


def _slots_a_week(settings: Settings) -> int:
    slots = 0
    for job in JOBS:
        # Nothing is open in an idle tree.
        is_run = job.wanted(settings) and job.needs is None
        slot = next_slot(job.cron, MONDAY) if is_run else None
        while slot is not None and slot <= MONDAY + timedelta(days=7):
            slots += 1
            slot = next_slot(job.cron, slot)
    return slots
