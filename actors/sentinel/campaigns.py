"""Advances the targets of campaigns: decides due steps with the state machine, and stores them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import Drained, OffloadFailed, Pong, Start, Stop, StopNow, Tick, Wake
from actp.campaigns.records import decision_for
from actp.domains.outreach.hearing import hear_these
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.store import Store

__all__ = ["CAMPAIGNS", "CampaignActor"]

CAMPAIGNS = "campaigns"
LOOK = Tick("look")
# NOTIFY calls sooner where there is one; a campaign waits for hours, not for seconds.
LOOK_SECONDS = 5.0
# Without a living campaign there is only a new one to wait for.
IDLE_LOOK_SECONDS = 120.0
SHORTEST_LOOK_SECONDS = 0.05
TARGETS_AT_ONCE = 50
DECIDE_WITHIN_SECONDS = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Moved:
    """What one round did; ``next_seconds`` is when the next target is due.

    It ``is_idle`` when no campaign has a target that may still be due.
    """

    decided: int
    next_seconds: float | None
    is_idle: bool


class CampaignActor(Actor):
    """Several of them, on several hosts, share the targets: each claims those it decides about.

    A decision is stored only on the version it was made on, with its commands or not at all; one
    that was lost on the way is made again.
    """

    def __init__(
        self, context: ActorContext, *, store: Store, look_seconds: float = LOOK_SECONDS
    ) -> None:
        super().__init__(CAMPAIGNS, context)
        self._store = store
        self._look_seconds = look_seconds
        self._is_moving = False
        self._look_again = False
        self._is_stopping = False
        self._failures = 0
        self._backoff = Backoff()
        self._random = SystemRandom()

    def pong(self, round_: int) -> Pong:
        """Return a Pong with whether the database answers as state."""
        return Pong(self.name, round_, state={"failures": self._failures})

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Start() | Tick():
                self._look()
            case Wake(services=services):
                if not services:  # new commands of single services are no concern of a campaign
                    self._look()
            case _Moved():
                self._moved(message)
            case OffloadFailed(error=error):
                self._failed(error)
            case Stop():
                self._is_stopping = True
            case StopNow():
                self._is_moving = False
            case _:
                pass
        if self._is_stopping and not self._is_moving:
            self.tell(SUPERVISOR, Drained(self.name))

    def _look(self) -> None:
        if self._is_stopping:
            return
        if self._is_moving:
            self._look_again = True
            return
        self._is_moving, self._look_again = True, False
        self.offload("campaigns", self._move)

    def _move(self) -> _Moved:
        """Decide about what is due; off the actor's thread."""
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
        return _Moved(
            len(targets), answer["next_due_seconds"], is_idle=answer.get("is_idle", False)
        )

    def _moved(self, moved: _Moved) -> None:
        self._is_moving = False
        self._failures = 0
        if self._look_again or moved.decided:
            self.later(SHORTEST_LOOK_SECONDS, LOOK)
            return
        longest = IDLE_LOOK_SECONDS if moved.is_idle else self._look_seconds
        seconds = [longest * self._random.uniform(0.8, 1.2)]
        if moved.next_seconds is not None:
            seconds.append(moved.next_seconds)
        self.later(max(SHORTEST_LOOK_SECONDS, min(seconds)), LOOK)

    def _failed(self, error: Exception) -> None:
        self._is_moving = False
        delay_seconds = self._backoff.delay_seconds(self._failures, self._random.random())
        self._failures += 1
        _log.warning("campaigns wait: %s", error, extra={"action": "campaigns_wait"})
        self.later(delay_seconds, LOOK)


def _decided(target: Mapping[str, Any], now: datetime, *, has_crm: bool) -> dict[str, Any] | None:
    """Return a decision, or None for a target that cannot be read: the others must go on."""
    try:
        return decision_for(target, now, has_crm=has_crm)
    except Exception:  # noqa: BLE001 - of a newer version, or edited by hand
        _log.exception(
            "target %s cannot be read", target["id"], extra={"action": "campaign_target_unreadable"}
        )
        return None
