"""``growth_orchestrator.py``: creators, the mix of content, and when it is posted."""

from __future__ import annotations

from pathlib import Path

import click

from actp.cli.agents import growth_creators, growth_mix, growth_schedule
from actp.cli.agents.script import Script

__all__ = ["script"]

script = Script(
    "growth_orchestrator.py",
    "Find creators, and choose what to post and when.",
    tasks=(*growth_creators.TASKS, *growth_mix.TASKS, *growth_schedule.TASKS),
    refinements=(
        click.Option(["--platform"], help="Only this platform."),
        click.Option(["--niche"], help="Only this niche."),
        click.Option(["--go"], is_flag=True, help="With --content-mix: render the first video."),
        click.Option(
            ["--hours"],
            type=click.IntRange(1, 720),
            help="With --dm-schedule: how many hours ahead.",
        ),
        click.Option(
            ["--seed"], type=int, help="With --optimize: random seed, for repeatable results."
        ),
        click.Option(
            ["--ics"],
            type=click.Path(dir_okay=False, path_type=Path),
            help="With --weekly-calendar: write an iCalendar file.",
        ),
    ),
)
