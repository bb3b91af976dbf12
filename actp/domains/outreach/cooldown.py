"""Who is left in peace for now, and why."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COOLDOWNS", "PRIORITIES", "Peace", "Stage", "peace"]

Stage: TypeAlias = Literal["decision", "consideration", "awareness"]
Peace: TypeAlias = Literal["cooldown", "weekly_limit", "wrote_last"]

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
# Whoever wrote last waits for a person's answer, not for a text of ours.
ANSWER_WITHIN: Final = timedelta(days=2)


def peace(
    stage: Stage,
    *,
    now: datetime,
    touched_at: datetime | None,
    touches_this_week: int,
    heard_at: datetime | None,
) -> Peace | None:
    """Return why somebody is not to be written to now, or None.

    ``touched_at`` is when we last wrote to them, ``heard_at`` when they last wrote to us.
    """
    if touched_at is not None and now - touched_at < COOLDOWNS[stage]:
        return "cooldown"
    if touches_this_week >= PER_WEEK[stage]:
        return "weekly_limit"
    if (
        heard_at is not None
        and (touched_at is None or heard_at > touched_at)
        and now - heard_at < ANSWER_WITHIN
    ):
        return "wrote_last"
    return None
