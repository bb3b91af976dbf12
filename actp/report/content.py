"""Content: what A/B tests showed, and what is made against what should be."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.domains.mix.shares import TARGETS, gaps
from actp.report.chart import Chart, distinct, figure, percent, plain, words
from actp.report.svg import Bar, Point, bars, points

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ab_tests", "mix"]

WITHOUT_TARGET: Final = "others"
ARMS: Final = MappingProxyType({"A": "blue", "B": "amber"})
_DAY: Final = slice(0, 10)


def ab_tests(data: Mapping[str, Any]) -> Chart:
    """Return both scores of each A/B test that has them."""
    topics = [plain(row["topic"] or words(row["niche"]), 28) for row in data["tests"]]
    measured: list[tuple[str, list[Point]]] = []
    table = []
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
        pair = [
            Point(
                score,
                ARMS[arm.upper()],
                f"{name}: {arm.upper()} ({method}) {score:,.1f}"
                + (", the winner" if row["winner"] == arm else ""),
                is_large=row["winner"] == arm,
            )
            for arm, method, score in zip("ab", arms, scores, strict=True)
            if score is not None
        ]
        if len(pair) == len(ARMS):
            measured.append((name, pair))
    return Chart(
        "tests",
        "A/B tests",
        f"{len(measured):,} of {len(data['tests']):,} newest tests are measured."
        " The large mark is the winner.",
        "Nothing yet: no A/B test is measured.",
        ("topic", "begun", "A", "B", "score A", "score B", "status", "winner"),
        table,
        points(measured, title="engagement score", legend=ARMS) if measured else None,
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
    rows = [
        (
            niche,
            [Bar(made, "teal", f"{niche}: {percent(made)} of posts, target {percent(target)}")]
            if made
            else [],
        )
        for niche, made, target in shares
    ]
    most = max((max(made, target) for _, made, target in shares), default=1.0)
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
        bars(
            rows,
            most=most,
            title="share of posts",
            shown=percent,
            legend={"made": "teal", "target": "ink"},
            targets=[target or None for _, _, target in shares],
        )
        if total
        else None,
    )
