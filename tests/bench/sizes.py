"""How much is measured: enough for figures to stand on, or a quick look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["FULL", "QUICK", "Sizes"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Counts of things, and the seconds after which something has shown its pace."""

    drained_commands: int
    drain_rounds: int
    drain_limit_seconds: float
    turn_seconds: float
    pickups: int
    crowded_rows: int
    claims: int
    held_commands: int
    batches: int
    single_enqueues: int
    starts: int
    idle_seconds: float
    scrapes: int
    crm_contacts: tuple[int, int, int]
    posts: int
    titles: int
    script_starts: int
    learnings: int
    ab_tests: int
    years: int


FULL: Final = Sizes(
    drained_commands=6000,
    drain_rounds=1,
    drain_limit_seconds=6.0,
    turn_seconds=8.0,
    pickups=300,
    crowded_rows=1_000_000,
    claims=200,
    held_commands=36_000,
    batches=20,
    single_enqueues=1000,
    starts=2,
    idle_seconds=40.0,
    scrapes=200,
    crm_contacts=(500, 5000, 50_000),
    posts=100_000,
    titles=1000,
    script_starts=5,
    learnings=40,
    ab_tests=4000,
    years=4,
)
QUICK: Final = Sizes(
    drained_commands=900,
    drain_rounds=1,
    drain_limit_seconds=4.0,
    turn_seconds=4.0,
    pickups=60,
    crowded_rows=50_000,
    claims=50,
    held_commands=1800,
    batches=5,
    single_enqueues=200,
    starts=1,
    idle_seconds=15.0,
    scrapes=50,
    crm_contacts=(50, 500, 5000),
    posts=10_000,
    titles=200,
    script_starts=2,
    learnings=10,
    ab_tests=500,
    years=1,
)
