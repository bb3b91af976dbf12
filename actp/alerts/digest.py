"""Folds many alerts into one message."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from actp.alerts.markup import escape
from actp.alerts.texts import render

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from actp.alerts.texts import Alert

__all__ = ["NEVER_FOLDED", "digest"]

MAX_LINES: Final = 15
# Each of these is its own message, whatever comes with it: its later lines are what it is for.
NEVER_FOLDED: Final = frozenset(
    {
        "ab_winner",
        "agent_error",
        "campaign_complete",
        "new_decision_prospects",
        "platform_saturated",
        "render_complete",
        "sweep_complete",
        "trend_spike",
        "weekly_report",
    }
)


def digest(alerts: Sequence[Alert], now: datetime) -> str:
    """Return what happened in numbers, and the first line of the first alerts."""
    counts = Counter(alert.kind for alert in alerts)
    lines = [f"📬 {len(alerts)} alerts at once"]
    lines += [f"{count}x {escape(kind.replace('_', ' '))}" for kind, count in counts.most_common()]
    lines.append("")
    lines += [render(alert, now).split("\n", 1)[0] for alert in alerts[:MAX_LINES]]
    if len(alerts) > MAX_LINES:
        lines.append(f"… and {len(alerts) - MAX_LINES} more; bin/history and bin/status show them.")
    return "\n".join(lines)
