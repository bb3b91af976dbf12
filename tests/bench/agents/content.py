"""How long content takes to be grouped, planned and classified, and how often Claude is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

from actp.domains.mix.shares import TARGETS
from actp.domains.schedule.calendar import Moment, assign
from tests.bench.agents.spent import spend
from tests.bench.figures import Figure, Quantity, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

RESONANCE_TARGET_SECONDS: Final = 1.0
CALENDAR_TARGET_SECONDS: Final = 1.0
QUESTIONS_A_TITLE: Final = 0.05
CALENDAR_SLOTS: Final = 1000
PLATFORMS: Final = ("twitter", "threads", "instagram", "tiktok", "youtube", "linkedin")
YOUTUBE: Final = "youtube_mplite_ingest.py"
POSTS, VIDEOS = (Path(__file__).with_name(name) for name in ("posts.sql", "videos.sql"))


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Make content up, then work on it; Claude is the simulated one."""
    yield _calendar()
    with stage.database() as database, stage.simulator(latency_ms=0) as simulator:
        with database.connect() as connection:
            connection.execute(VIDEOS.read_bytes(), {"rows": sizes.titles})
        claude = {"ANTHROPIC_API_KEY": "bench", "ANTHROPIC_BASE_URL": simulator.url("claude")}
        environment = stage.environment({**database.environment, **claude}, simulator)
        spent = spend(environment, YOUTUBE, "--analyze")
        asked = sum(line["kind"] == "claude" for line in simulator.world())
        name = f"classification of {counted(spent.answer['by_claude'])} titles"
        yield Figure(
            f"{name}, questions to Claude",
            Quantity(asked, "questions"),
            at_most=sizes.titles * QUESTIONS_A_TITLE,
        )
        yield Figure(f"{name}, answered at once", Quantity(spent.seconds, "s"))
        with database.connect() as connection:
            connection.execute(POSTS.read_bytes(), {"rows": sizes.posts})
        spent = spend(environment, YOUTUBE, "--resonance")
        yield Figure(
            f"resonance of {counted(sizes.posts)} posts, {spent.answer['groups']} groups",
            Quantity(spent.seconds, "s"),
            at_most=RESONANCE_TARGET_SECONDS,
        )


def _calendar() -> Figure:
    start = datetime(2026, 1, 5, tzinfo=UTC)
    planned = [
        Moment(start + timedelta(hours=number // 2), PLATFORMS[number % len(PLATFORMS)])
        for number in range(CALENDAR_SLOTS)
    ]
    began = perf_counter()
    entries = assign(planned, TARGETS)
    took = perf_counter() - began
    return Figure(
        f"calendar of {counted(CALENDAR_SLOTS)} slots, {counted(len(entries))} without conflict",
        Quantity(took * 1000, "ms"),
        at_most=CALENDAR_TARGET_SECONDS * 1000,
    )
