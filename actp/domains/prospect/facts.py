"""The facts about a contact that its score uses."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from actp.moments import stored_moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["Facts", "facts_of"]


@dataclass(frozen=True, slots=True)
class Facts:
    """One contact; what is not known is None, zero or empty.

    ``words`` is what the person wrote to us, as text from outside. ``silent_days`` counts since
    anybody last wrote to the other; ``icp_score`` is 0 to 100.
    """

    contact_id: str
    platform: str = ""
    username: str = ""
    display_name: str | None = None
    email: str | None = None
    twitter_handle: str | None = None
    about: str = ""
    niche: str | None = None
    icp_score: float | None = None
    may_email: bool = True
    is_scored: bool = False
    dm_replies: int = 0
    recent_dms: int = 0
    email_opens: int = 0
    email_replies: int = 0
    has_fresh_email_reply: bool = False
    is_on_twitter_with_us: bool = False
    platforms: int = 1
    words: str = ""
    last_outbound_at: datetime | None = None
    silent_days: float | None = None

    @property
    def name(self) -> str:
        """How the person is called."""
        return (self.display_name or "").strip() or f"@{self.username.lstrip('@')}"


def facts_of(row: Mapping[str, Any]) -> Facts:
    """Return the facts in a row of ``agent_prospect_page``, whatever other programs wrote there."""
    return Facts(
        contact_id=row["id"],
        platform=row["platform"] or "",
        username=row["username"] or "",
        display_name=row["display_name"],
        email=row["email"],
        twitter_handle=row["twitter_handle"],
        about=" ".join(filter(None, (row["headline"], row["bio"]))),
        niche=row["niche_label"],
        icp_score=_percent(row["icp_score"]),
        may_email=not row["email_opted_out"],
        is_scored=row["is_scored"],
        dm_replies=row["dm_replies"],
        recent_dms=row["recent_dms"],
        email_opens=row["email_opens"],
        email_replies=row["email_replies"],
        has_fresh_email_reply=bool(row["has_fresh_email_reply"]),
        is_on_twitter_with_us=bool(row["is_on_twitter_with_us"]),
        platforms=row["platforms"],
        words="\n".join(filter(None, row["words"])),
        last_outbound_at=stored_moment(row["last_outbound_at"]),
        silent_days=row["silent_days"],
    )


def _percent(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return min(100.0, max(0.0, number)) if isfinite(number) else None
