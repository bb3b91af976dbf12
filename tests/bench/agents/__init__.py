"""What the agents take on a CRM, on content, when dispatched; and how well they decide."""

from __future__ import annotations

from tests.bench.agents.chance import measure as measure_chance
from tests.bench.agents.content import measure as measure_content
from tests.bench.agents.crm import measure as measure_crm
from tests.bench.agents.sweep import measure as measure_sweep
from tests.bench.agents.year import measure as measure_year

__all__ = ["MEASURES"]

MEASURES = (measure_sweep, measure_crm, measure_content, measure_chance, measure_year)
