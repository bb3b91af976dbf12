"""Receives button presses and commands from Telegram, on one host at a time."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import Drained, OffloadFailed, Pong, Start, Stop, StopNow, Tick
from actors.runtime.supervisor import ActorSpec, StopStage
from actp.chat.buttons import Signer
from actp.chat.receiver import Receiver
from actp.chat.words import COMMANDS
from actp.clients.telegram import Telegram
from actp.clock import steady_seconds
from actp.errors import SchemaMissing, StoreDenied, StoreError, StoreUnavailable, WrongState
from actp.locks import host_key
from actp.store.reconnect import Backoff
from metrics import instruments

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from actp.chat.updates import People
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["CHAT", "ChatActor", "Patience", "chat_spec"]

CHAT = "chat"
POLL = Tick("poll")
# The database is away, or another host receives by now: the update comes again.
AWAY = (StoreUnavailable, StoreDenied, SchemaMissing, WrongState)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a poll waits, and how long a host may go on without asking the database.

    A poll begins within ``renew_seconds`` of a lease and ends within its own time and the margin,
    so before ``lease_seconds`` are over: two hosts never poll at once.
    """

    poll_seconds: float = 50.0
    margin_seconds: float = 10.0
    renew_seconds: float = 60.0
    lease_seconds: float = 180.0
    longest_wait_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class _Polled:
    """What one round did; the next one comes after ``wait_seconds``."""

    wait_seconds: float
    error: str | None = None


class ChatActor(Actor):
    """Polls while its host holds the lease, and handles each update before the next is asked for.

    An update is confirmed by the next poll alone: what a crash interrupts comes again, and the
    database knows what was done. A poll under way holds up no stop, since nothing depends on it.
    """

    def __init__(  # noqa: PLR0913  its parts
        self,
        context: ActorContext,
        *,
        store: Store,
        telegram: Telegram,
        receiver: Callable[[str], Receiver],
        host: str,
        patience: Patience | None = None,
    ) -> None:
        super().__init__(CHAT, context)
        self._store = store
        self._telegram = telegram
        self._receiver = receiver
        self._host = host
        self._patience = patience or Patience()
        self._backoff = Backoff(cap_seconds=self._patience.longest_wait_seconds)
        self._random = SystemRandom()
        self._failures = 0
        self._is_stopping = False
        self._is_handling = False
        # Of the thread that polls, and of nobody else.
        self._leased_at = float("-inf")
        self._offset: int | None = None
        self._error: str | None = None
        self._is_elsewhere = False
        self._handler: Receiver | None = None

    def pong(self, round_: int) -> Pong:
        """Return a Pong with the failures in a row as state."""
        return Pong(self.name, round_, state={"failures": self._failures})

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Start() | Tick(what="poll"):
                if not self._is_stopping:
                    self.offload("chat", self._round)
            case _Polled():
                self._polled(message)
            case OffloadFailed(error=error):
                self._failed(error)
            case Stop():
                self._is_stopping = True
                if self._handler is not None:
                    self._handler.hurry()
            case StopNow():
                self._is_handling = False
            case _:
                pass
        if self._is_stopping and not self._is_handling:
            self.tell(SUPERVISOR, Drained(self.name))

    def on_stop(self) -> None:
        """Give connections back once the poll has ended."""
        self.offload("close", self._telegram.close)
        super().on_stop()

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give connections back: a successor makes its own."""
        self.offload("close", self._telegram.close)
        super().on_failure(exception_type, exception_value, traceback)

    def _polled(self, polled: _Polled) -> None:
        if polled.error is None:
            self._failures = 0
            self.later(polled.wait_seconds, POLL)
            return
        _log.warning("cannot poll Telegram: %s", polled.error, extra={"action": "chat_waits"})
        self._retry(polled.wait_seconds)

    def _failed(self, error: Exception) -> None:
        self._is_handling = False
        if not isinstance(error, StoreError | WrongState):
            raise error
        _log.warning("decisions wait: %s", error, extra={"action": "chat_waits"})
        self._retry(0.0)

    def _retry(self, at_least_seconds: float) -> None:
        delay_seconds = self._backoff.delay_seconds(self._failures, self._random.random())
        self._failures += 1
        self.later(max(at_least_seconds, delay_seconds), POLL)

    # -- on the thread that polls

    def _round(self) -> _Polled:
        wait_seconds = self._renew()
        if wait_seconds is not None:
            return _Polled(wait_seconds)
        delivery, updates = self._telegram.updates(
            self._offset,
            wait_seconds=self._patience.poll_seconds,
            margin_seconds=self._patience.margin_seconds,
        )
        if delivery.verdict != "delivered":
            self._error = delivery.error
            return _Polled(delivery.wait_seconds or 0.0, delivery.error)
        self._error = None
        self._is_handling = True
        for update in updates:
            if self._is_stopping:
                break
            self._handle(update)
        self._is_handling = False
        return _Polled(0.0)

    def _renew(self) -> float | None:
        """Return for how long another host receives, None where this one may."""
        asked_at = steady_seconds()
        is_fresh = asked_at - self._leased_at < self._patience.renew_seconds
        if is_fresh and self._handler is not None and self._error is None:
            return None
        answer = self._store.call(
            "safari_telegram_lease",
            host=self._host,
            seconds=self._patience.lease_seconds,
            error=self._error,
        )
        if not answer["granted"]:
            if not self._is_elsewhere:
                _log.info("another host receives from Telegram", extra={"action": "chat_elsewhere"})
            self._is_elsewhere = True
            self._leased_at, self._offset = float("-inf"), None
            return min(float(answer["wait_seconds"]), self._patience.longest_wait_seconds)
        if self._handler is None:
            self._handler = self._receiver(str(answer["secret"]))
            self._telegram.offer_commands(dict(COMMANDS))
        if self._is_elsewhere or self._leased_at == float("-inf"):
            _log.info("this host receives from Telegram", extra={"action": "chat_here"})
        self._leased_at, self._is_elsewhere = asked_at, False
        return None

    def _handle(self, update: dict[str, Any]) -> None:
        if self._handler is None:
            return
        try:
            handled = self._handler.handle(update)
        except AWAY:
            self._leased_at = float("-inf")
            raise
        except Exception:  # noqa: BLE001  an update that cannot be read must not come forever
            _log.exception("ignored an update", extra={"action": "update_unreadable"})
            handled = "ignored"
        instruments.TELEGRAM_UPDATES.labels(handled).inc()
        number = update.get("update_id")
        if isinstance(number, int):
            self._offset = number + 1


def chat_spec(
    settings: Settings,
    here: ActorContext,
    store: Store,
    people: People,
    patience: Patience | None = None,
) -> ActorSpec:
    """Return how the actor is made that receives decisions."""
    token, chat_id = settings.telegram_bot_token, settings.telegram_chat_id
    if token is None or chat_id is None:
        raise ValueError("buttons need a bot and a chat")
    host = host_key(settings.actp_lock_dir)

    def start() -> Any:
        telegram = Telegram(settings.telegram_api_url, token, chat_id)

        def receiver(secret: str) -> Receiver:
            signer = Signer(secret, token, chat_id)
            return Receiver(store, telegram, people, signer, host)

        return ChatActor.start(
            here, store=store, telegram=telegram, receiver=receiver, host=host, patience=patience
        )

    return ActorSpec(CHAT, start, StopStage.WORK)
