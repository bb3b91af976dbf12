"""The figures as a table: for the terminal, and for the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.figures import Figure

__all__ = ["as_markdown", "as_table"]

COLUMNS: Final = ("figure", "ours", "the other", "ratio", "target", "met")
_STYLES: Final = {"yes": "green", "no": "bold red"}


def as_table(figures: Sequence[Figure]) -> Table:
    """Return the table for a terminal."""
    table = Table(title="Benchmarks")
    for name in COLUMNS:
        table.add_column(name, justify="right" if name in {"ours", "ratio", "target"} else "left")
    for figure in figures:
        *cells, met = _cells(figure)
        table.add_row(*cells, met, style=_STYLES.get(met, ""))
    return table


def as_markdown(figures: Sequence[Figure]) -> str:
    """Return the table as markdown."""
    lines = [COLUMNS, ("---", "--:", "---", "--:", "--:", "---"), *map(_cells, figures)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _cells(figure: Figure) -> tuple[str, ...]:
    met = figure.note if figure.is_met is None else "yes" if figure.is_met else "no"
    return (
        figure.name,
        str(figure.ours or ""),
        str(figure.other or ""),
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        figure.target,
        met,
    )
