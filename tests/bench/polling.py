"""How soon a command is picked up where nobody calls: over Supabase's HTTP, while it is busy."""

from __future__ import annotations

import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg

from actp.store.statements import statements
from tests.bench.figures import Figure, Quantity, percentile
from tests.bench.pickup import deliver_singly, ours
from tests.bench.processes import workers
from tests.bench.stage import WORKERS, configure
from tests.support.databases import Databases
from tests.support.servers import SUPABASE_ROLES
from tests.support.supabase import BUNDLED, INSTALL, supabase_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["has_postgrest", "make_roles", "measure"]

TARGET_SECONDS: Final = 1.2
GAP_SECONDS: Final = 0.03
NAME: Final = "pickup over Supabase polling, busy"


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Enqueue single commands steadily and see when each arrives."""
    if not has_postgrest():
        yield Figure(NAME, note=f"skipped: PostgREST is missing ({INSTALL})")
        return
    make_roles(stage)
    with (
        stage.simulator(latency_ms=0) as simulator,
        closing(Databases(stage.server)) as databases,
        supabase_database(databases) as database,
    ):
        environment = stage.environment(database.environment, simulator)
        configure(database, environment)
        with workers(WORKERS, environment, database.store, stage.folder / "workers.log"):
            contestants = {"polled": ours(database.store)}
            delays = deliver_singly(simulator, contestants, sizes.pickups, GAP_SECONDS)["polled"]
    yield Figure(f"{NAME}, p50", Quantity(percentile(delays, 0.5), "s"))
    yield Figure(f"{NAME}, p99", Quantity(percentile(delays, 0.99), "s"), at_most=TARGET_SECONDS)


def has_postgrest() -> bool:
    """Return whether this machine can play a Supabase project."""
    return Path(sys.prefix, BUNDLED).exists() or shutil.which("postgrest") is not None


def make_roles(stage: Stage) -> None:
    """Give the server the roles of a Supabase project."""
    with psycopg.connect(stage.server.admin("postgres"), autocommit=True) as connection:
        if connection.execute("select from pg_roles where rolname = 'anon'").fetchone() is None:
            for statement in statements(SUPABASE_ROLES.read_text()):
                connection.execute(statement.text.encode())
