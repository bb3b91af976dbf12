"""The channel and the earliest time of the next message to a contact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from actp.domains.outreach.cooldown import COOLDOWNS

if TYPE_CHECKING:
    from datetime import datetime

    from actp.domains.outreach.cooldown import Stage
    from actp.domains.prospect.facts import Facts

__all__ = ["Touch", "next_touch"]

Way = Literal["dm", "email", "twitter"]

DM_PLATFORMS: Final = frozenset({"instagram", "linkedin", "tiktok"})


@dataclass(frozen=True, slots=True)
class Touch:
    """The next touch; ``at`` is None for somebody who was never written to: as soon as possible."""

    way: Way
    at: datetime | None


def next_touch(facts: Facts, stage: Stage) -> Touch | None:
    """Return the next touch, or None where there is no way to reach the person."""
    way = _way(facts)
    if way is None:
        return None
    last = facts.last_outbound_at
    return Touch(way, None if last is None else last + COOLDOWNS[stage])


def _way(facts: Facts) -> Way | None:
    # Where they answered they answer again; else where they are at home.
    can_email = facts.may_email and bool(facts.email)
    # No service sends on Threads, YouTube or where nothing is named.
    if facts.dm_replies and facts.platform in {*DM_PLATFORMS, "twitter"}:
        return "dm"
    if can_email and facts.email_replies:
        return "email"
    if facts.platform in DM_PLATFORMS:
        return "dm"
    if facts.platform == "twitter" or facts.twitter_handle:
        return "twitter"
    return "email" if can_email else None
