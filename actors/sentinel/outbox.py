"""Alerts in delivery: the messages to send, and the results to store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from actp.alerts import NEVER_FOLDED, as_plain, digest, render, split_html
from actp.chat.buttons import without_links

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from actp.alerts import Alert
    from actp.clients.telegram import Keyboard

__all__ = ["Batch", "Outgoing", "StoreCall", "done", "failed", "reopen"]

# More than these at once are told in one message, but for those that can be decided: their buttons
# need a message each.
MAX_SINGLE_ALERTS = 5


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message; ``ids`` are the alerts that it, or its last part, delivers."""

    text: str = field(repr=False)
    ids: tuple[int, ...] = ()
    is_last: bool = True
    is_html: bool = True
    is_digest: bool = False
    keyboard: Keyboard = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """Return a message that stands in no outbox."""
        return cls(text)

    def as_plain(self) -> Outgoing:
        """Return the same message without markup."""
        return replace(self, text=as_plain(self.text), is_html=False)

    def with_fewer_buttons(self) -> Outgoing:
        """Return the same message without links under it, or without any button."""
        fewer = without_links(self.keyboard)
        return replace(self, keyboard=() if fewer == self.keyboard else fewer)


class Batch:
    """What one claim brought, in messages; a burst becomes a digest, but for what stands alone."""

    def __init__(
        self,
        alerts: Sequence[Alert],
        now: datetime,
        *,
        claimed_at: float,
        keyboards: Mapping[int, Keyboard] | None = None,
    ) -> None:
        keyboards = keyboards or {}
        self.claimed_at = claimed_at
        # Whether the head continues an alert whose first parts were sent.
        self.is_within_an_alert = False
        folded = [
            alert
            for alert in alerts
            if alert.kind not in NEVER_FOLDED and not keyboards.get(alert.id)
        ]
        if len(folded) <= MAX_SINGLE_ALERTS:
            folded = []
        ids = tuple(alert.id for alert in folded)
        self._left = [
            message
            for alert in alerts
            if alert.id not in ids
            for message in _messages(
                render(alert, now),
                (alert.id,),
                is_digest=False,
                keyboard=keyboards.get(alert.id, ()),
            )
        ]
        if folded:
            self._left += _messages(digest(folded, now), ids, is_digest=True)

    @property
    def head(self) -> Outgoing:
        """Return the message to send."""
        return self._left[0]

    @head.setter
    def head(self, outgoing: Outgoing) -> None:
        self._left[0] = outgoing

    @property
    def ids(self) -> tuple[int, ...]:
        """Return the alerts that are not delivered yet."""
        return tuple(dict.fromkeys(id_ for message in self._left for id_ in message.ids))

    def advance(self) -> bool:
        """Take the next message off, which was sent; False when none is left."""
        sent = self._left.pop(0)
        self.is_within_an_alert = not sent.is_last
        return bool(self._left)


@dataclass(frozen=True, slots=True)
class StoreCall:
    """A call that may be repeated."""

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


def done(outgoing: Outgoing, pause_seconds: float) -> StoreCall:
    """Return the call that marks the alerts of a message as delivered."""
    return StoreCall(
        "safari_alerts_done",
        {
            "ids": list(outgoing.ids),
            "grouped": outgoing.is_digest,
            "pause_seconds": pause_seconds,
        },
    )


def failed(ids: Sequence[int], error: str | None, seconds: float) -> StoreCall:
    """Return the call that puts alerts off, or hands them back untried after 0 seconds."""
    return StoreCall(
        "safari_alerts_failed", {"ids": list(ids), "error": error, "seconds": float(seconds)}
    )


def reopen() -> StoreCall:
    """Return the call that ends the waits which former settings brought."""
    return StoreCall("safari_alerts_reopen")


def _messages(
    text: str, ids: tuple[int, ...], *, is_digest: bool, keyboard: Keyboard = ()
) -> list[Outgoing]:
    parts = split_html(text)
    return [
        Outgoing(
            part,
            ids,
            is_last=number == len(parts),
            is_digest=is_digest,
            keyboard=keyboard if number == len(parts) else (),
        )
        for number, part in enumerate(parts, 1)
    ]
