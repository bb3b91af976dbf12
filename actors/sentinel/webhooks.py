"""Delivers results to the webhook receiver, from the outbox in the database."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from actors.runtime.rounds import RoundsActor
from actors.runtime.supervisor import ActorSpec, StopStage
from actp.clients.webhook import Webhook
from metrics import instruments

if TYPE_CHECKING:
    from actors.runtime.actor import ActorContext
    from actp.clients.webhook import Receipt
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["WEBHOOKS", "WebhookActor", "webhook_spec"]

WEBHOOKS = "webhooks"
LOOK_SECONDS = 3.0
# Over REST each look is a request that is counted.
LOOK_SECONDS_OVER_REST = 60.0
CLAIMED_AT_ONCE = 20
# All of a claim, each as long as a delivery may take.
CLAIM_SECONDS = 240.0
# A receiver that fails so often in a row, or asks for it, is left alone for a while, and so is what
# waits for it. After the longest rest it is asked with one result.
MOST_FAILURES_IN_A_ROW = 3
REST_SECONDS = 5.0
LONGEST_REST_SECONDS = 60.0

_log = logging.getLogger(__name__)


class WebhookActor(RoundsActor):
    """Claims what is due, delivers one after the other, and stores what came of each.

    Several hosts share the outbox. A delivery that a crash interrupts is made again under the same
    key, by which a receiver knows it.
    """

    def __init__(
        self, context: ActorContext, *, store: Store, webhook: Webhook, look_seconds: float
    ) -> None:
        super().__init__(WEBHOOKS, context, waits="results")
        self._store = store
        self._webhook = webhook
        self._look_seconds = look_seconds

    def release(self) -> None:
        """Close the connection to the receiver."""
        self._webhook.close()

    def work(self) -> float:
        """Deliver what is due."""
        claim = self._store.call(
            "safari_webhooks_claim", row_limit=CLAIMED_AT_ONCE, seconds=CLAIM_SECONDS
        )
        results: list[dict[str, Any]] = []
        in_a_row, rest_seconds = 0, 0.0
        for item in claim["items"]:
            if self.is_stopping or rest_seconds:
                results.append({"id": item["id"], "untried": True, "wait_seconds": rest_seconds})
                continue
            receipt = self._webhook.deliver(item["key"], item["body"], datetime.now().astimezone())
            in_a_row = 0 if receipt.delivered else in_a_row + 1
            rest_seconds = _rest_seconds(receipt, in_a_row)
            outcome = "delivered" if receipt.delivered else "failed"
            instruments.WEBHOOKS.labels(outcome).inc()
            if not receipt.delivered:
                _log.warning(
                    "a result was not delivered: %s",
                    receipt.error,
                    extra={"action": "webhook_failed", "webhook": item["key"]},
                )
            results.append({"id": item["id"], **asdict(receipt)})
        if results:
            self._store.call("safari_webhooks_done", results=results)
        if rest_seconds:
            return rest_seconds
        if claim["items"] and not in_a_row:
            return 0.0
        return self.until_next(self._look_seconds, claim["wait_seconds"])


def _rest_seconds(receipt: Receipt, in_a_row: int) -> float:
    """Return for how long nothing is sent after a receipt."""
    if receipt.asks_for_rest:
        return min(receipt.wait_seconds or REST_SECONDS, LONGEST_REST_SECONDS)
    return REST_SECONDS if in_a_row >= MOST_FAILURES_IN_A_ROW else 0.0


def webhook_spec(
    settings: Settings, here: ActorContext, store: Store, *, over_rest: bool
) -> ActorSpec | None:
    """Return how the actor is made that delivers results, None where there is no receiver."""
    url, secret = settings.result_webhook_url, settings.result_webhook_secret
    if url is None or secret is None:
        return None
    look_seconds = LOOK_SECONDS_OVER_REST if over_rest else LOOK_SECONDS

    def start() -> Any:
        return WebhookActor.start(
            here, store=store, webhook=Webhook(url, secret), look_seconds=look_seconds
        )

    return ActorSpec(WEBHOOKS, start, StopStage.WORK)
