"""The commands that the steps of a campaign put into the queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.campaigns.events import Enqueue

__all__ = ["Addressee", "order_of"]

# Behind what a person enqueues by hand, which somebody waits for.
CAMPAIGN_PRIORITY: Final = 6


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom the steps are for, or what a sweep searches; ``id`` is that of the stored target."""

    id: str
    campaign_id: str
    platform: str
    handle: str
    texts: Mapping[str, str] = field(repr=False)
    spacing_seconds: float
    max_posts: int = 20


def order_of(to: Addressee, step: Enqueue, now: datetime) -> dict[str, Any]:
    """Return the item for the queue.

    The key makes it one command however often it is asked for. All but the first of a stage are
    held until the one before is completed, so that never two are under way.
    """
    key = f"campaign:{to.campaign_id}:{to.platform}:{to.handle}:{step.step}"
    at = now + timedelta(seconds=step.order * to.spacing_seconds)
    return {
        "action": step.action,
        "platform": to.platform,
        "params": {**_params(to, step), "campaign_step": step.step},
        "priority": CAMPAIGN_PRIORITY,
        "key": key,
        "scheduled_for": at.isoformat() if step.order else None,
        "campaign_id": to.campaign_id,
        "batch_id": to.id,
        "held": step.order > 0,
    }


def _params(to: Addressee, step: Enqueue) -> dict[str, Any]:
    if step.action == "market_research":
        return {"query": to.texts[step.step], "maxPosts": to.max_posts}
    text = to.texts[step.step]
    if step.action == "comment":
        # The post is looked for when the turn has come: a newer one may be there by then.
        return {"handle": to.handle, "text": text}
    return {"username": to.handle, "text": text}
