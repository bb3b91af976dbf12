"""``python -m tests.support.coverage_table``: the lines that ran, package by package."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).resolve().parents[2]


def table() -> str:
    """Return the table of what ``.coverage`` holds, its total in the last line."""
    measured = Coverage()
    measured.load()
    lines: Counter[str] = Counter()
    ran: Counter[str] = Counter()
    for file in measured.get_data().measured_files():
        path = Path(file).relative_to(ROOT)
        package = "/".join(path.parent.parts[:2])
        _, statements, _, missing, _ = measured.analysis2(file)
        for name in (package, "all"):
            lines[name] += len(statements)
            ran[name] += len(statements) - len(missing)
    rows = [name for name in sorted(lines) if name != "all" and lines[name]]
    rows.append("all")
    shown = [f"| {name} | {lines[name]} | {ran[name] / lines[name]:.0%} |" for name in rows]
    return "\n".join(["| package | lines | run |", "| --- | --: | --: |", *shown])


if __name__ == "__main__":
    print(table())  # noqa: T201
