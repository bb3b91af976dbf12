"""People: where the targets of campaigns and the prospects of the funnel stand."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.plural import counted
from actp.report.chart import Chart, plain, words
from actp.report.svg import Bar, bars

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["campaigns", "funnel"]

STATES: Final = MappingProxyType(
    {
        "under way": "blue",
        "replied": "green",
        "completed": "teal",
        "cold": "grey",
        "failed": "red",
        "cancelled": "violet",
    }
)
UNDER_WAY: Final = "under way"
STAGES: Final = ("awareness", "consideration", "decision")
ID_DIGITS: Final = 8


def campaigns(data: Mapping[str, Any]) -> Chart:
    """Return where the targets of the newest campaigns stand."""
    table: list[tuple[object, ...]] = []
    sums: list[int] = []
    replies = 0
    rows: list[tuple[str, list[Bar]]] = []
    for row in data["campaigns"]:
        if not row["states"]:
            continue
        name = f"{words(row['campaign_type'])} {plain(row['campaign_id'])[:ID_DIGITS]}"
        counts: Counter[str] = Counter()
        for state, targets in row["states"].items():
            counts[state if state in STATES else UNDER_WAY] += targets
        table.append((name, *(counts[state] for state in STATES)))
        rows.append(
            (
                name,
                [
                    Bar(counts[state], color, f"{name}: {counts[state]:,} {state}")
                    for state, color in STATES.items()
                    if counts[state]
                ],
            )
        )
        replies += counts["replied"]
        sums.append(counts.total())
    targets = sum(sums)
    return Chart(
        "campaigns",
        "Campaigns",
        f"{replies:,} of {counted(targets, 'target')} of the newest campaigns replied.",
        "Nothing yet: no campaign has targets.",
        ("campaign", *STATES),
        table,
        bars(rows, most=max(sums), title="targets", legend=STATES) if rows else None,
    )


def funnel(data: Mapping[str, Any]) -> Chart:
    """Return how many scored prospects are at each stage."""
    stages = data["stages"]
    known = [*STAGES, *sorted(stage for stage in stages if stage not in STAGES)]
    table = [(words(stage), stages.get(stage, 0)) for stage in known]
    rows = [
        (stage, [Bar(people, "blue", f"{stage}: {people:,}")] if people else [])
        for stage, people in table
    ]
    notes = [f"{people:,}" for _, people in table]
    most = max(people for _, people in table)
    scored = sum(stages.values())
    return Chart(
        "funnel",
        "The funnel",
        f"{scored:,} of {counted(data['contacts'], 'contact')} scored;"
        f" {stages.get('decision', 0):,} about to decide.",
        "Nothing yet: no contact has a score.",
        ("stage", "people"),
        table,
        bars(rows, most=most, notes=notes) if scored else None,
    )
