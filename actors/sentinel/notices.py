"""Delivers alerts to mail, Slack and other channels, one after the other."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

from actors.runtime.rounds import RoundsActor
from actors.runtime.supervisor import ActorSpec, StopStage
from actors.sentinel.outbox import Batch
from actp.alerts import Alert
from actp.clients.notify import channels
from actp.clock import steady_seconds
from actp.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors.runtime.actor import ActorContext
    from actp.clients.notify import Channel
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["NOTICES", "NoticeActor", "notice_spec"]

NOTICES = "notices"
LOOK_SECONDS = 3.0
# Over REST each look is a request that is counted.
LOOK_SECONDS_OVER_REST = 60.0
CLAIMED_AT_ONCE = 200
CLAIM_SECONDS = 300.0

_log = logging.getLogger(__name__)


class NoticeActor(RoundsActor):
    """Claims for one channel after the other, sends, and stores what was taken.

    Only a crash between sending and storing lets a notice come twice.
    """

    def __init__(
        self,
        context: ActorContext,
        *,
        store: Store,
        to: Sequence[Channel],
        delivers: bool,
        look_seconds: float,
    ) -> None:
        super().__init__(NOTICES, context, waits="notices")
        self._store = store
        self._channels = to
        self._delivers = delivers
        self._look_seconds = look_seconds

    def work(self) -> float:
        """Send to each channel what it has not taken yet."""
        for channel in self._channels:
            if self.is_stopping:
                break
            self._tell(channel)
        return self.jittered(self._look_seconds)

    def _tell(self, channel: Channel) -> None:
        claim = self._store.call(
            "safari_notices_claim",
            channel=channel.mark,
            row_limit=CLAIMED_AT_ONCE,
            seconds=CLAIM_SECONDS,
        )
        if not claim["alerts"]:
            return
        taken, error = self._sent(channel, claim)
        if error is not None:
            _log.warning(
                "a notice was not delivered: %s", error, extra={"action": "notice_refused"}
            )
        self._store.call(
            "safari_notices_done",
            channel=channel.mark,
            ids=taken,
            error=error,
            delivers=self._delivers,
        )

    def _sent(self, channel: Channel, claim: dict[str, Any]) -> tuple[list[int], str | None]:
        """Return the alerts that were taken, and why the next one was not."""
        alerts = [Alert.read(row) for row in claim["alerts"]]
        now, began = datetime.fromisoformat(claim["now"]), steady_seconds()
        batch = Batch(alerts, now, claimed_at=began)
        taken: list[int] = []
        while not self.is_stopping and steady_seconds() - began < CLAIM_SECONDS / 2:
            message = batch.head.as_plain()
            title, _, body = message.text.partition("\n")
            error = channel.send(title, body)
            if error is not None:
                return taken, error
            if message.is_last:
                taken += message.ids
            if not batch.advance():
                break
        return taken, None


def notice_spec(
    settings: Settings, here: ActorContext, store: Store, *, over_rest: bool
) -> ActorSpec | None:
    """Return how the actor is made that tells other channels, None where there are none."""
    if settings.apprise_urls is None:
        return None
    try:
        to = channels(settings.apprise_urls)
    except SettingsError as error:
        _log.error("%s %s", error, error.remedy, extra={"action": "notices_off"})
        return None
    has_telegram = settings.telegram_bot_token is not None and settings.telegram_chat_id is not None

    def start() -> Any:
        return NoticeActor.start(
            here,
            store=store,
            to=to,
            delivers=not has_telegram,
            look_seconds=LOOK_SECONDS_OVER_REST if over_rest else LOOK_SECONDS,
        )

    return ActorSpec(NOTICES, start, StopStage.WORK)
