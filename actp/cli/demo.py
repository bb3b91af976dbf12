"""``actp demo``: the demo, where no launcher of a checkout starts it."""

from __future__ import annotations

import os
import sys

import click

__all__ = ["demo"]


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """Run two dozen commands through nine simulated services, and show what people saw."""
    # The demo imports the simulator, which nothing else here does: it is a program beside this one.
    os.execv(sys.executable, [sys.executable, "-m", "demo", *arguments])  # noqa: S606 - no shell
