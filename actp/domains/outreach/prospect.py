"""A scored contact for outreach: whether, where and when to write to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from actp.domains.bots import is_bot
from actp.domains.outreach.channel import Place, channel, is_blocked, wishes
from actp.domains.outreach.cooldown import COOLDOWNS, Cooldown, Stage, cooldown
from actp.domains.outreach.optout import wish_in
from actp.domains.outreach.windows import next_send_time
from actp.moments import stored_moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["Held", "Prospect", "Said", "Touch", "decide", "read_prospect"]

Veto: TypeAlias = Literal["archived", "customer", "opted_out"]
Reason: TypeAlias = Literal[
    "asked_to_stop", "bot", "in_campaign", "low_score", "needs_look", "new_people_cap",
    "no_address", "open", "waits_for_us",
]  # fmt: skip
Held: TypeAlias = Reason | Cooldown | Veto


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said to us; without a time nobody knows when."""

    text: str = field(repr=False)
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Prospect:
    """One contact with a score; what is not known is None or empty.

    ``person`` is the same for all contacts that are one person.
    """

    contact_id: str
    person: str
    stage: Stage
    score: int
    name: str | None = field(repr=False)
    username: str | None
    email: str | None = field(repr=False)
    bio: str = field(repr=False)
    niche: str | None
    own_platform: str | None
    conversation_platform: str | None
    next_touch_type: str | None
    addresses: Mapping[str, str] = field(repr=False)
    research: Mapping[str, Any] | None = field(repr=False)
    breakdown: Mapping[str, int]
    veto: Veto | None
    is_open: bool
    is_in_campaign: bool
    has_tiktok_message: bool
    touched_at: datetime | None
    touches_this_week: int
    ours_at: datetime | None
    heard_at: datetime | None
    done_at: datetime | None
    needs_look: bool
    heard_hours: Sequence[int]
    said: Sequence[Said] = ()

    @property
    def spread(self) -> float:
        """A number from 0 to 1 that is the same for this person each time."""
        return int.from_bytes(sha256(self.contact_id.encode()).digest()[:4]) / 2**32

    @property
    def is_stranger(self) -> bool:
        """Whether neither side has written to the other yet."""
        return self.touched_at is None and self.heard_at is None

    @property
    def waits_for_us(self) -> bool:
        """Whether they wrote last, and no operator has dismissed it since."""
        return (
            self.heard_at is not None
            and (self.ours_at is None or self.heard_at >= self.ours_at)
            and (self.done_at is None or self.heard_at > self.done_at)
        )


@dataclass(frozen=True, slots=True)
class Touch:
    """A message that is due: to whom, where and when."""

    prospect: Prospect
    platform: str
    address: str
    at: datetime


def read_prospect(row: Mapping[str, Any]) -> Prospect:
    """Return a prospect from a row of ``agent_outreach_prospects``, whatever its columns held."""
    stage = str(row["funnel_stage"]).strip().lower()
    research = row["research_data"]
    return Prospect(
        contact_id=row["contact_id"],
        person=row["person"],
        stage=cast("Stage", stage) if stage in COOLDOWNS else "awareness",
        score=int(row["score"]),
        name=row["display_name"],
        username=row["username"],
        email=row["email"],
        bio=row["bio"] or "",
        niche=row["niche"],
        own_platform=row["platform"],
        conversation_platform=row["conversation_platform"],
        next_touch_type=row["next_touch_type"],
        addresses=row["addresses"],
        research=research if isinstance(research, Mapping) and research else None,
        breakdown=row["score_breakdown"] or {},
        veto=row["veto"],
        is_open=bool(row["is_open"]),
        is_in_campaign=bool(row["is_in_campaign"]),
        has_tiktok_message=bool(row["has_tiktok_message"]),
        touched_at=stored_moment(row["touched_at"]),
        touches_this_week=int(row["touches"] or 0),
        ours_at=stored_moment(row["ours_at"]),
        heard_at=stored_moment(row["heard_at"]),
        done_at=stored_moment(row["done_at"]),
        needs_look=bool(row["needs_look"]),
        heard_hours=row["heard_hours"] or (),
        said=tuple(Said(each["text"], stored_moment(each["at"])) for each in row["texts"]),
    )


def decide(prospect: Prospect, now: datetime, blocked: frozenset[Place]) -> Touch | Held:
    """Return the touch that is due, or why nobody writes to this contact now.

    ``blocked`` is the do-not-contact list.
    """
    held = _held(prospect, now, blocked)
    if held is not None:
        return held
    wanted = wishes(
        prospect.next_touch_type,
        prospect.conversation_platform,
        prospect.own_platform,
        prospect.addresses,
    )
    place = channel(wanted, prospect.addresses, has_tiktok_message=prospect.has_tiktok_message)
    if place is None:
        return "no_address"
    platform, address = place
    at = next_send_time(prospect.stage, now, prospect.heard_hours, spread=prospect.spread)
    return Touch(prospect, platform, address, at)


def _held(prospect: Prospect, now: datetime, blocked: frozenset[Place]) -> Held | None:
    if prospect.veto is not None:
        return prospect.veto
    # Most have said nothing, and there are many of them.
    said = prospect.said
    wishes_peace = bool(said) and any(wish_in(each.text) == "stop" for each in said)
    is_doubtful = bool(said) and any(_is_doubtful(each, prospect.done_at) for each in said)
    checks: tuple[tuple[bool, Held], ...] = (
        (wishes_peace, "asked_to_stop"),
        (bool(blocked) and is_blocked(prospect.addresses, blocked), "opted_out"),
        (is_bot(prospect.username, prospect.email, prospect.name), "bot"),
        (prospect.waits_for_us, "waits_for_us"),
        (prospect.needs_look or is_doubtful, "needs_look"),
        (prospect.is_open, "open"),
        (prospect.is_in_campaign, "in_campaign"),
    )
    held = next((reason for is_so, reason in checks if is_so), None)
    return held or cooldown(
        prospect.stage,
        now=now,
        touched_at=prospect.touched_at,
        touches_this_week=prospect.touches_this_week,
    )


def _is_doubtful(said: Said, done_at: datetime | None) -> bool:
    is_new = done_at is None or (said.at is not None and said.at > done_at)
    return is_new and wish_in(said.text) == "doubt"
