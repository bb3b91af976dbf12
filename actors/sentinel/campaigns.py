"""Advances the targets of campaigns: decides due steps with the state machine, and stores them."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

from actors.runtime.messages import Wake
from actors.runtime.rounds import RoundsActor
from actp.campaigns.records import decision_for
from actp.domains.outreach.hearing import hear_these
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.runtime.actor import ActorContext
    from actp.store import Store

__all__ = ["CAMPAIGNS", "CampaignActor"]

CAMPAIGNS = "campaigns"
# NOTIFY calls sooner where there is one; a campaign waits for hours, not for seconds.
LOOK_SECONDS = 5.0
# Without a living campaign there is only a new one to wait for.
IDLE_LOOK_SECONDS = 120.0
TARGETS_AT_ONCE = 50
DECIDE_WITHIN_SECONDS = 60.0

_log = logging.getLogger(__name__)


class CampaignActor(RoundsActor):
    """Several of them, on several hosts, share the targets: each claims those it decides about.

    A decision is stored only on the version it was made on, with its commands or not at all; one
    that was lost on the way is made again.
    """

    def __init__(
        self, context: ActorContext, *, store: Store, look_seconds: float = LOOK_SECONDS
    ) -> None:
        super().__init__(
            CAMPAIGNS, context, waits="campaigns", retried=Exception, backoff=Backoff()
        )
        self._store = store
        self._look_seconds = look_seconds

    def receive(self, message: object) -> None:
        """Handle one message."""
        # New commands of single services are no concern of a campaign.
        if isinstance(message, Wake) and not message.services:
            self.wake()
        super().receive(message)

    def work(self) -> float:
        """Decide about the targets that are due."""
        answer = self._store.call(
            "safari_campaign_due", row_limit=TARGETS_AT_ONCE, lease_seconds=DECIDE_WITHIN_SECONDS
        )
        targets = answer["targets"]
        now = datetime.fromisoformat(answer["now"])
        decisions = [
            decision
            for target in targets
            if (decision := _decided(target, now, has_crm=answer["has_crm"])) is not None
        ]
        if decisions:
            self._store.call("safari_campaign_apply", decisions=decisions)
        if unheard := answer.get("unheard"):
            # A request to stop holds for everything else to them as well.
            hear_these(self._store, unheard)
        if targets:
            return 0.0
        look_seconds = IDLE_LOOK_SECONDS if answer.get("is_idle") else self._look_seconds
        return self.until_next(look_seconds, answer["next_due_seconds"])


def _decided(target: Mapping[str, Any], now: datetime, *, has_crm: bool) -> dict[str, Any] | None:
    """Return a decision, or None for a target that cannot be read: the others must go on."""
    try:
        return decision_for(target, now, has_crm=has_crm)
    except Exception:  # noqa: BLE001 - of a newer version, or edited by hand
        _log.exception(
            "target %s cannot be read", target["id"], extra={"action": "campaign_target_unreadable"}
        )
        return None
