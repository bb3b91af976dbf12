"""What an idle tree asks of a hosted database, over Supabase's HTTP."""

from __future__ import annotations

from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

from simulator.process import free_port_base
from tests.bench.figures import Figure, Quantity
from tests.bench.polling import has_postgrest, make_roles
from tests.bench.stage import configure
from tests.bench.tree import SETTLING_SECONDS, standing
from tests.support.databases import Databases
from tests.support.supabase import supabase_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

DAY_SECONDS: Final = 86_400
REQUESTS_TARGET: Final = 15_000
ANSWERS_TARGET_MB: Final = 5.0
BYTES_PER_MB: Final = 1_000_000


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Count the requests and the bytes of answers while idle."""
    if not has_postgrest():
        return
    make_roles(stage)
    databases = Databases(stage.server)
    with stage.simulator() as simulator, supabase_project(databases) as (database, gateway):
        base = {"METRICS_PORT_BASE": str(free_port_base()), "AGENTS_SCHEDULE": "true"}
        environment = stage.environment({**database.environment, **base}, simulator)
        configure(database, environment)
        with standing(environment):
            sleep(SETTLING_SECONDS)
            before, began = gateway.traffic(), monotonic()
            sleep(2 * sizes.idle_seconds)
            traffic, seconds = gateway.traffic() - before, monotonic() - began
    days = seconds / DAY_SECONDS
    frequent = ", ".join(
        f"{name} {count / days / 24:.0f}" for name, count in traffic.requests.most_common(4)
    )
    yield Figure(
        "requests of an idle tree over Supabase, a day",
        Quantity(traffic.requests.total() / days, "requests", f"an hour: {frequent}"),
        at_most=REQUESTS_TARGET,
    )
    yield Figure(
        "answers to an idle tree over Supabase, a day",
        Quantity(traffic.answer_bytes / days / BYTES_PER_MB, "MB"),
        at_most=ANSWERS_TARGET_MB,
    )
