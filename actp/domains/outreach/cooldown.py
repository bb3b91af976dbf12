"""Cooldowns after a message, and the weekly maximum per person."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COOLDOWNS", "PRIORITIES", "Cooldown", "Stage", "cooldown"]

Stage: TypeAlias = Literal["decision", "consideration", "awareness"]
Cooldown: TypeAlias = Literal["cooldown", "weekly_limit"]

COOLDOWNS: Final[Mapping[Stage, timedelta]] = MappingProxyType(
    {
        "decision": timedelta(days=2),
        "consideration": timedelta(days=7),
        "awareness": timedelta(days=14),
    }
)
PER_WEEK: Final[Mapping[Stage, int]] = MappingProxyType(
    {"decision": 3, "consideration": 1, "awareness": 1}
)
PRIORITIES: Final[Mapping[Stage, int]] = MappingProxyType(
    {"decision": 1, "consideration": 2, "awareness": 3}
)


def cooldown(
    stage: Stage, *, now: datetime, touched_at: datetime | None, touches_this_week: int
) -> Cooldown | None:
    """Return why it is too early for the next message, or None.

    ``touched_at`` is when we last wrote to them.
    """
    if touched_at is not None and now - touched_at < COOLDOWNS[stage]:
        return "cooldown"
    if touches_this_week >= PER_WEEK[stage]:
        return "weekly_limit"
    return None
