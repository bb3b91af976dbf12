"""Commands of an installed copy that are separate programs, as launchers are in a checkout."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from actp.cli.group import Entry

__all__ = ["program"]


def program(name: str, entry: Entry) -> click.Command:
    """Return a command that becomes the program, which sees all arguments, ``--help`` too."""

    def become(arguments: tuple[str, ...]) -> None:
        command = [sys.executable, "-m", entry.module, *arguments]
        os.execv(sys.executable, command)  # noqa: S606 - no shell

    return click.Command(
        name,
        callback=become,
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        help=entry.summary,
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
    )
