"""What a campaign consists of: its stages, their steps, and how long it waits between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from actp.errors import InvalidInput
from actp.safari.catalogue import route

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COMMENT_STEPS", "DM_STEPS", "CampaignType", "Plan", "Stage", "named_type", "plan_for"]

CampaignType = Literal["comment_warmup", "dm_sequence", "research_sweep"]

COMMENT_STEPS: Final = ("comment_1", "comment_2", "comment_3")
DM_STEPS: Final = ("first_dm", "follow_up", "final_touch")
AFTER_WARMUP: Final = timedelta(hours=24)
WITHOUT_REPLY: Final = timedelta(hours=72)

_NAMES: Final[Mapping[str, CampaignType]] = MappingProxyType(
    {
        "warmup": "comment_warmup",
        "comment_warmup": "comment_warmup",
        "sequence": "dm_sequence",
        "dm_sequence": "dm_sequence",
        "research": "research_sweep",
        "research_sweep": "research_sweep",
    }
)
# Its service messages a person once ever: it remembers whom, and refuses the second message.
_ONE_DM_ONLY: Final = frozenset({"tiktok"})


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps that go into the queue together, one after the other within it.

    ``wait`` counts from the last step completed before. A target is in state ``running`` while
    they are under way and in state ``done`` once all are completed. ``needs_sync``: only when
    the conversations were read since, so that a reply cannot have been missed.
    """

    steps: tuple[str, ...]
    action: str
    running: str
    done: str
    wait: timedelta = timedelta()
    needs_sync: bool = False


Plan = tuple[Stage, ...]

_FOLLOW_UP: Final = (
    Stage(("follow_up",), "send_dm", "awaiting_reply", "awaiting_reply", WITHOUT_REPLY, True),
    Stage(("final_touch",), "send_dm", "awaiting_reply", "cold", WITHOUT_REPLY, True),
)


def named_type(name: str) -> CampaignType:
    """Return the type that a person names, as ``warmup`` or ``comment_warmup``."""
    given = name.strip().lower().replace("-", "_")
    if (known := _NAMES.get(given)) is not None:
        return known
    nearest = get_close_matches(given, _NAMES, n=1)
    hint = f"Did you mean {nearest[0]}? " if nearest else ""
    raise InvalidInput(
        f"unknown type of campaign: {name[:40]!r}",
        remedy=f"{hint}There are warmup, sequence and research.",
    )


def plan_for(type_: CampaignType, platform: str) -> Plan:
    """Return the stages; raises InvalidInput where a step has no service on the platform."""
    plan = _plan(type_, platform)
    for stage in plan:
        try:
            route(stage.action, platform)
        except InvalidInput as error:
            raise InvalidInput(
                f"a {type_} on {platform} cannot do its step {stage.steps[0]}: {error}",
                remedy=error.remedy,
            ) from None
    return plan


def _plan(type_: CampaignType, platform: str) -> Plan:
    if type_ == "research_sweep":
        return (Stage(("research",), "market_research", "running", "completed"),)
    if type_ == "comment_warmup":
        return (Stage(COMMENT_STEPS, "comment", "warmup", "completed"),)
    warmup = Stage(COMMENT_STEPS, "comment", "warmup", "warmup")
    if platform in _ONE_DM_ONLY:
        return warmup, Stage(("first_dm",), "send_dm", "warmup", "completed", AFTER_WARMUP)
    first = Stage(("first_dm",), "send_dm", "warmup", "dm_sent", AFTER_WARMUP)
    return warmup, first, *_FOLLOW_UP
