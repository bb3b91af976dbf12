"""Delivers alerts from the database's outbox to Telegram, and reports an unreachable database."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import Drained, OffloadFailed, Start, Stop, StopNow, Tick
from actors.runtime.offload import Offload
from actors.sentinel.outbox import Batch, Outgoing, done, failed, reopen
from actp.alerts import Alert, database_back, database_lost
from actp.chat.buttons import Offer, keyboard
from actp.clients.telegram import Delivery
from actp.clock import steady_seconds
from actp.errors import StoreError
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from actors.sentinel.outbox import StoreCall
    from actp.chat.buttons import Signer
    from actp.clients.telegram import Keyboard, Telegram
    from actp.store import Store

__all__ = ["ALERTS", "AlertActor", "Pace", "Undelivered"]

ALERTS = "alerts"
LOOK = Tick("look")
SEND = Tick("send")
MAX_CLAIMED = 500
# Telegram's own time is kept with a little to spare.
RETRY_MARGIN_SECONDS = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to look and to speak; Telegram allows a message a second for each chat."""

    look_seconds: float = 3.0
    pause_seconds: float = 1.0
    claim_seconds: float = 60.0
    # Two attempts at one message, each as long as the client waits, end before the claim does.
    send_within_seconds: float = 35.0
    lost_after_seconds: float = 30.0
    misconfigured_seconds: float = 3600.0


class Undelivered:
    """The last check of the services found alerts that nobody has delivered."""


@dataclass(frozen=True, slots=True)
class _Synced:
    settled: int
    claim: Any


@dataclass(frozen=True, slots=True)
class _Sent:
    outgoing: Outgoing
    delivery: Delivery


class AlertActor(Actor):
    """Claims what is undelivered, sends it, and settles it; one sender at a time over all hosts.

    What was sent is settled before anything new is claimed, however long the database is away;
    only a crash between sending and settling lets a message come twice. Without Telegram
    everything stays in the database, where bin/status shows it.
    """

    def __init__(  # noqa: PLR0913  its parts
        self,
        context: ActorContext,
        *,
        store: Store,
        telegram: Telegram | None,
        host: str,
        pace: Pace | None = None,
        signer: Callable[[str], Signer] | None = None,
    ) -> None:
        super().__init__(ALERTS, context)
        self._store = store
        self._telegram = telegram
        self._host = host
        self._pace = pace or Pace()
        self._signer = signer
        self._wire = Offload("telegram")
        self._random = SystemRandom()
        self._batch: Batch | None = None
        self._to_settle: list[StoreCall] = [reopen()]
        self._asked_at: float | None = None
        self._under_way: Outgoing | None = None
        self._spoke_at = float("-inf")
        self._refusals = 0
        self._lost_since: float | None = None
        self._losses = 0
        self._news: Outgoing | None = None
        self._is_loss_told = False
        self._is_stopping = False

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Start():
                self._begin()
            case Tick(what="look") | Undelivered() if self._telegram is not None:
                self._sync()
            case Tick(what="send"):
                self._send_next()
            case _Synced():
                self._synced(message)
            case OffloadFailed(error=error):
                self._sync_failed(error)
            case _Sent():
                self._sent(message)
            case Stop():
                self._is_stopping = True
            case StopNow():
                self.tell(SUPERVISOR, Drained(self.name))
            case _:
                pass
        if self._is_stopping:
            self._wind_up()

    def on_stop(self) -> None:
        """Let both offload threads end."""
        super().on_stop()
        self._wire.close()

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let the wire end too."""
        super().on_failure(exception_type, exception_value, traceback)
        self._wire.close()

    # -- the outbox

    def _begin(self) -> None:
        if self._telegram is None:
            _log.warning(
                "alerts stay in the database: set TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID",
                extra={"action": "alerts_kept"},
            )
        else:
            self._sync()

    def _sync(self) -> None:
        if self._asked_at is not None:
            return
        self._asked_at = steady_seconds()
        settle, store = tuple(self._to_settle), self._store
        wants_more = self._batch is None and not self._is_stopping
        claim_of = {"row_limit": MAX_CLAIMED, "seconds": self._pace.claim_seconds}
        if self._signer is not None:
            claim_of["with_buttons"] = True

        def sync() -> _Synced:
            for call in settle:
                store.call(call.function, **call.arguments)
            if not wants_more:
                return _Synced(len(settle), None)
            return _Synced(len(settle), store.call("safari_alerts_claim", **claim_of))

        self.offload("sync", sync)

    def _synced(self, synced: _Synced) -> None:
        asked_at, self._asked_at = self._asked_at, None
        del self._to_settle[: synced.settled]
        self._reached()
        claim = synced.claim
        if claim and claim["alerts"]:
            alerts = [Alert.read(row) for row in claim["alerts"]]
            now = datetime.fromisoformat(claim["now"])
            self._batch = Batch(
                alerts,
                now,
                claimed_at=asked_at or steady_seconds(),
                keyboards=self._keyboards(claim, alerts),
            )
        self._send_next()
        if self._batch is None:
            wait_seconds = claim["wait_seconds"] if claim else None
            self.later(min(self._pace.look_seconds, wait_seconds or float("inf")), LOOK)

    def _keyboards(self, claim: Any, alerts: list[Alert]) -> dict[int, Keyboard]:
        if self._signer is None or not claim.get("secret"):
            return {}
        signer = self._signer(claim["secret"])
        offers = (Offer.read(row.get("offer")) for row in claim["alerts"])
        return {
            alert.id: keyboard(alert.id, offer, alert.detail, signer)
            for alert, offer in zip(alerts, offers, strict=True)
        }

    def _sync_failed(self, error: Exception) -> None:
        asked_at, self._asked_at = self._asked_at, None
        if not isinstance(error, StoreError):
            raise error
        now = steady_seconds()
        if self._lost_since is None:
            self._lost_since = now if asked_at is None else asked_at
            _log.warning("no database: %s", error, extra={"action": "database_lost"})
        lost_seconds = now - self._lost_since
        if lost_seconds > self._pace.lost_after_seconds and not self._is_loss_told:
            self._news = Outgoing.of(database_lost(self._host, lost_seconds, str(error)))
            self._send_next()
        backoff = Backoff(cap_seconds=self._pace.look_seconds)
        self.later(backoff.delay_seconds(self._losses, self._random.random()), LOOK)
        self._losses += 1

    def _reached(self) -> None:
        if self._lost_since is None:
            return
        lost_seconds = steady_seconds() - self._lost_since
        _log.warning(
            "the database is back", extra={"action": "database_back", "seconds": lost_seconds}
        )
        is_told = self._is_loss_told or self._under_way is self._news is not None
        self._news = Outgoing.of(database_back(self._host, lost_seconds)) if is_told else None
        self._lost_since, self._losses, self._is_loss_told = None, 0, False

    # -- the wire

    def _send_next(self) -> None:
        if self._telegram is None or self._under_way is not None:
            return
        rest_seconds = self._spoke_at + self._pace.pause_seconds - steady_seconds()
        if rest_seconds > 0:
            self.later(rest_seconds, SEND)
            return
        outgoing = self._news or self._next_of_batch()
        if outgoing is None:
            return
        self._under_way = outgoing
        telegram, registry, name = self._telegram, self._registry, self.name

        def send() -> None:
            try:
                delivery = telegram.send(
                    outgoing.text, is_html=outgoing.is_html, keyboard=outgoing.keyboard
                )
            except Exception as error:  # noqa: BLE001 - a bug must not end the sender
                delivery = Delivery("later", f"{type(error).__name__} while sending")
            registry.tell(name, _Sent(outgoing, delivery))

        self._wire.run(send)

    def _next_of_batch(self) -> Outgoing | None:
        batch = self._batch
        if batch is None or self._is_stopping:
            return None
        if steady_seconds() - batch.claimed_at > self._pace.send_within_seconds:
            self._give_back(batch, None, 0)
            return None
        return batch.head

    def _sent(self, sent: _Sent) -> None:
        if sent.outgoing is not self._under_way:
            return  # of a predecessor
        self._under_way = None
        self._spoke_at = steady_seconds()
        delivery, outgoing = sent.delivery, sent.outgoing
        if delivery.verdict == "unparsable" and outgoing.is_html:
            self._replace(outgoing, outgoing.as_plain())
        elif delivery.verdict == "bad_buttons" and outgoing.keyboard:
            self._replace(outgoing, outgoing.with_fewer_buttons())
        elif delivery.verdict == "delivered":
            self._refusals = 0
            self._delivered(outgoing)
        else:
            self._refused(outgoing, delivery)
        self._send_next()

    def _replace(self, outgoing: Outgoing, plain: Outgoing) -> None:
        if outgoing is self._news:
            self._news = plain
        elif self._batch is not None:
            self._batch.head = plain

    def _delivered(self, outgoing: Outgoing) -> None:
        if not outgoing.ids:
            self._is_loss_told = self._lost_since is not None
            if outgoing is self._news:
                self._news = None
            return
        if self._batch is None:
            return
        if outgoing.is_last:
            self._to_settle.append(done(outgoing, self._pace.pause_seconds))
        if not self._batch.advance():
            self._batch = None
        if outgoing.is_last:
            self._sync()

    def _refused(self, outgoing: Outgoing, delivery: Delivery) -> None:
        pace = self._pace
        if delivery.verdict == "later":
            backoff = Backoff(floor_seconds=pace.pause_seconds, cap_seconds=60.0)
            wait_seconds = backoff.delay_seconds(self._refusals, self._random.random())
            if delivery.wait_seconds is not None:
                wait_seconds = delivery.wait_seconds + RETRY_MARGIN_SECONDS
        else:
            wait_seconds = pace.misconfigured_seconds
        self._refusals += 1
        _log.warning(
            "an alert could not be sent: %s",
            delivery.error,
            extra={"action": "alert_refused", "again_in_seconds": round(wait_seconds, 1)},
        )
        self._spoke_at = steady_seconds() + wait_seconds - pace.pause_seconds
        if outgoing.ids and self._batch is not None and not self._may_wait(delivery, wait_seconds):
            self._give_back(self._batch, delivery.error, wait_seconds)

    def _may_wait(self, delivery: Delivery, wait_seconds: float) -> bool:
        """Return whether the rest of an alert can follow the parts that were sent."""
        batch = self._batch
        if batch is None or not batch.is_within_an_alert or delivery.verdict != "later":
            return False
        held_seconds = steady_seconds() - batch.claimed_at
        return held_seconds + wait_seconds < self._pace.send_within_seconds

    def _give_back(self, batch: Batch, error: str | None, wait_seconds: float) -> None:
        self._to_settle.append(failed(batch.ids, error, wait_seconds))
        self._batch = None
        self._sync()

    # -- the end

    def _wind_up(self) -> None:
        if self._under_way is not None or self._asked_at is not None:
            return
        if self._batch is not None:
            self._to_settle.append(failed(self._batch.ids, None, 0))
            self._batch = None
        if self._to_settle and self._lost_since is None and self._telegram is not None:
            self._sync()
        else:
            self.tell(SUPERVISOR, Drained(self.name))
