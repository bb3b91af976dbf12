"""Content: what A/B tests showed, and what is made against what should be."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.domains.mix.shares import TARGETS, gaps
from actp.report.chart import BAR, Chart, colours, distinct, figure, percent, plain, plotted, words

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ab_tests", "mix"]

WITHOUT_TARGET: Final = "others"
ARMS: Final = MappingProxyType({"A": "blue", "B": "amber"})
SHAPES: Final = ("circle", "diamond")
_DAY: Final = slice(0, 10)


def ab_tests(data: Mapping[str, Any]) -> Chart:
    """Return both scores of each A/B test that has them."""
    topics = [plain(row["topic"] or words(row["niche"]), 28) for row in data["tests"]]
    measured = []
    table = []
    values = []
    for name, row in zip(distinct(topics), data["tests"], strict=True):
        scores = figure(row["eng_score_a"]), figure(row["eng_score_b"])
        arms = plain(row["test_method_a"]), plain(row["test_method_b"])
        winner = dict(zip("ab", arms, strict=True)).get(row["winner"], row["winner"])
        table.append(
            (
                *(name, str(row["created_at"] or "-")[_DAY], *arms, *scores),
                *(words(row["status"]), plain(winner) if winner else "-"),
            )
        )
        if None in scores:
            continue
        measured.append(name)
        values += [
            {
                "test": name,
                "kind": arm.upper(),
                "score": score,
                "is_winner": row["winner"] == arm,
                "told": f"{name}: {arm.upper()} ({method}) {score:,.1f}"
                + (", the winner" if row["winner"] == arm else ""),
            }
            for arm, method, score in zip("ab", arms, scores, strict=True)
        ]
    rows = {"field": "test", "type": "nominal", "title": None, "sort": None}
    across = {"field": "score", "type": "quantitative", "title": "engagement score"}
    line = {
        "mark": {"type": "line", "color": "var(--line)", "strokeWidth": 3, "aria": False},
        "encoding": {"y": rows, "x": across, "detail": {"field": "test"}},
    }
    points = {
        "mark": {"type": "point", "filled": True, "opacity": 1, "stroke": "var(--card)"},
        "encoding": {
            "y": rows,
            "x": across,
            "color": colours(ARMS),
            "shape": {"field": "kind", "scale": {"domain": list(ARMS), "range": SHAPES}},
            "size": {"condition": {"test": "datum.is_winner", "value": 210}, "value": 80},
            "description": {"field": "told"},
        },
    }
    return Chart(
        "tests",
        "A/B tests",
        f"{len(measured):,} of {len(data['tests']):,} newest tests are measured."
        " The large mark is the winner.",
        "Nothing yet: no A/B test is measured.",
        ("topic", "begun", "A", "B", "score A", "score B", "status", "winner"),
        table,
        plotted(values, len(measured), [line, points], step=34) if measured else None,
    )


def mix(data: Mapping[str, Any]) -> Chart:
    """Return the share of each niche in what was made, against its target."""
    counts = data["niches"]
    total = sum(counts.values())
    found = sorted(gaps(counts), key=lambda gap: (-gap.target, gap.niche))
    others = sum(made for niche, made in counts.items() if niche not in TARGETS)
    shares = [(words(gap.niche), gap.actual, gap.target) for gap in found]
    if others:
        shares.append((WITHOUT_TARGET, others / total, 0.0))
    values: list[dict[str, Any]] = [
        {
            "niche": niche,
            "made": made,
            "target": target or None,
            "told": f"{niche}: {percent(made)} of posts, target {percent(target)}",
        }
        for niche, made, target in shares
    ]
    rows = {"field": "niche", "type": "nominal", "title": None, "sort": None}
    across = {"type": "quantitative", "title": "share of posts", "axis": {"format": ".0%"}}
    made = {
        "transform": [{"calculate": "'made'", "as": "kind"}],
        "mark": {"type": "bar", "height": BAR},
        "encoding": {
            "y": rows,
            "x": {"field": "made", **across},
            "color": colours({"made": "teal", "target": "ink"}),
            "description": {"field": "told"},
        },
    }
    target = {
        "transform": [{"filter": "datum.target"}, {"calculate": "'target'", "as": "kind"}],
        "mark": {"type": "tick", "thickness": 3, "size": BAR + 8, "aria": False},
        "encoding": {
            "y": rows,
            "x": {"field": "target", **across},
            "color": colours({"made": "teal", "target": "ink"}),
        },
    }
    least = max(found, key=lambda gap: gap.gap)
    missing = (
        f"Most is missing of {words(least.niche)}, {percent(least.gap)} of all."
        if least.gap
        else "Every niche has its share."
    )
    return Chart(
        "mix",
        "The content mix",
        f"{total:,} posts of 30 days. {missing}",
        "Nothing yet: no post of the last 30 days has a niche.",
        ("niche", "made", "target"),
        [(niche, percent(actual), percent(wanted)) for niche, actual, wanted in shares],
        plotted(values, len(shares), [made, target]) if total else None,
    )
