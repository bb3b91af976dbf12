"""Output of commands: JSON or tables, without terminal control characters."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Final

import click

from actp.checkout import spelled
from actp.lines import CONTROLS, one_line
from actp.plural import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

__all__ = ["console", "counted", "emit_json", "figure", "one_line", "say", "table", "text", "warn"]

WIDEST_COLUMNS: Final = 100
LONGEST_FIGURE: Final = 20


def console() -> Console:
    """Return a console on standard output, at most 100 columns wide, plain when piped."""
    from rich.console import Console  # noqa: PLC0415  # who prints JSON waits for none of it

    terminal = sys.stdout.isatty()
    width = min(WIDEST_COLUMNS, os.get_terminal_size().columns) if terminal else WIDEST_COLUMNS
    return Console(width=width or WIDEST_COLUMNS, highlight=False, emoji=False, markup=False)


def emit_json(value: object, indent: int | None = 2) -> None:
    """Print a value as JSON; other letters than ASCII are escaped where the output lacks them."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    line = json.dumps(value, indent=indent, ensure_ascii=encoding != "utf8", default=str)
    # Named, the stream keeps its encoding; click's default writes UTF-8 in place of ASCII.
    click.echo(line, file=sys.stdout)


def figure(value: object) -> str:
    """Return a number of the database without decimals; NaN is named, null is empty."""
    if isinstance(value, int | float):
        return f"{value:,.0f}"
    return "" if value is None else one_line(str(value), LONGEST_FIGURE)


def say(line: str) -> None:
    """Print one sentence."""
    click.echo(CONTROLS.sub("�", spelled(line)), file=sys.stdout)


def warn(line: str) -> None:
    """Print one sentence beside what was asked for."""
    click.echo(CONTROLS.sub("�", spelled(line)), file=sys.stderr)


def text(value: object, style: str = "", longest: int = 200) -> Text:
    """Return a value as rich text, without markup; blanks in front stay."""
    from rich.text import Text  # noqa: PLC0415

    line = "" if value is None else str(value)
    indent = " " * (len(line) - len(line.lstrip(" ")))
    return Text(indent + one_line(line, longest), style=style)


def table(*columns: str, numbers: tuple[str, ...] = ()) -> Table:
    """Return an empty table without borders; the columns in ``numbers`` are aligned right."""
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column in columns:
        made.add_column(
            column,
            justify="right" if column in numbers else "left",
            # One has to type an id; in a narrow terminal other words go on in the next line.
            no_wrap=column == "id" or column in numbers,
            overflow="fold",
        )
    return made
