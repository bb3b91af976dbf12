"""All charts of the report, in the order of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.report.content import ab_tests, mix
from actp.report.hours import learned, posts
from actp.report.limits import limits
from actp.report.people import campaigns, funnel
from actp.report.queue import ended, queue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.report.chart import Chart

__all__ = ["charts"]


def charts(data: Mapping[str, Any]) -> list[Chart]:
    """Return every chart of what ``agent_report`` answers."""
    made = (queue, limits, ended, campaigns, funnel, mix, ab_tests, learned, posts)
    return [chart(data) for chart in made]
