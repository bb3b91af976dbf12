"""``growth_orchestrator.py``: creators, the mix of content, and when it is posted."""

from __future__ import annotations

import click

from actp.cli.agents import growth_creators
from actp.cli.agents.script import Script

__all__ = ["script"]

script = Script(
    "growth_orchestrator.py",
    "Find creators, choose what to make, and when to post it.",
    tasks=growth_creators.TASKS,
    refinements=(
        click.Option(["--platform"], help="Only this platform."),
        click.Option(["--niche"], help="Only this niche."),
    ),
)
