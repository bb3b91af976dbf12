"""People: where the targets of campaigns and the prospects of the funnel stand."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.report.chart import BAR, Chart, colours, plain, plotted, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.report.chart import Data

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
    values: list[Data] = []
    for row in data["campaigns"]:
        if not row["states"]:
            continue
        name = f"{words(row['campaign_type'])} {plain(row['campaign_id'])[:ID_DIGITS]}"
        counts: Counter[str] = Counter()
        for state, targets in row["states"].items():
            counts[state if state in STATES else UNDER_WAY] += targets
        table.append((name, *(counts[state] for state in STATES)))
        values += [
            {
                "campaign": name,
                "kind": state,
                "order": order,
                "targets": counts[state],
                "told": f"{name}: {counts[state]:,} {state}",
            }
            for order, state in enumerate(STATES)
            if counts[state]
        ]
    bars = {
        "mark": {"type": "bar", "height": BAR},
        "encoding": {
            "y": {"field": "campaign", "type": "nominal", "title": None, "sort": None},
            "x": {"field": "targets", "type": "quantitative", "title": "targets", "stack": True},
            "color": colours(STATES),
            "order": {"field": "order"},
            "description": {"field": "told"},
        },
    }
    replies = sum(value["targets"] for value in values if value["kind"] == "replied")
    targets = sum(value["targets"] for value in values)
    return Chart(
        "campaigns",
        "Campaigns",
        f"{replies:,} of {targets:,} targets of the newest campaigns have replied.",
        "Nothing yet: no campaign has targets.",
        ("campaign", *STATES),
        table,
        plotted(values, len(table), [bars]) if values else None,
    )


def funnel(data: Mapping[str, Any]) -> Chart:
    """Return how many scored prospects are at each stage."""
    stages = data["stages"]
    known = [*STAGES, *sorted(stage for stage in stages if stage not in STAGES)]
    table = [(words(stage), stages.get(stage, 0)) for stage in known]
    values = [
        {"stage": stage, "people": people, "told": f"{stage}: {people:,}", "text": f"{people:,}"}
        for stage, people in table
    ]
    rows = {"field": "stage", "type": "nominal", "title": None, "sort": None}
    # Room for the figure beside the longest bar.
    scale = {"domain": [0, 1.18 * max(people for _, people in table)], "nice": False}
    across = {"field": "people", "type": "quantitative", "title": "people", "scale": scale}
    bars = {
        "mark": {"type": "bar", "height": BAR, "color": "var(--blue)"},
        "encoding": {"y": rows, "x": across, "description": {"field": "told"}},
    }
    label = {
        "mark": {"type": "text", "align": "left", "dx": 6, "aria": False},
        "encoding": {"y": rows, "x": across, "text": {"field": "text"}},
    }
    scored = sum(stages.values())
    return Chart(
        "funnel",
        "The funnel",
        f"{scored:,} of {data['contacts']:,} contacts have a score;"
        f" {stages.get('decision', 0):,} are about to decide.",
        "Nothing yet: no contact has a score.",
        ("stage", "people"),
        table,
        plotted(values, len(table), [bars, label], step=36, around=56) if scored else None,
    )
