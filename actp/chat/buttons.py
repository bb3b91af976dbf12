"""The buttons under an alert: labels and signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import SecretStr

__all__ = ["Button", "Offer", "Signer", "keyboard", "without_links"]

Keyboard = list[list[dict[str, str]]]

# Telegram carries 64 bytes; 96 bits of signature are more than anybody guesses in this life.
SIGNATURE_LENGTH: Final = 16
PURPOSE: Final = b"actp-worker telegram buttons 1"
_DATA = re.compile(r"1\|([a-z_]{1,9})\|([0-9]{1,19})\|([0-9a-f]{12})\|([A-Za-z0-9_-]{16})")
_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sent": "✅ It was sent",
        "not_sent": "❌ It was not sent",
        "replied": "💬 They replied",
        "go_on": "▶️ No reply, continue",
        "pause": "⏸ Pause 2 h",
        "resume": "▶️ Resume",
        "snooze": "💤 Snooze 1 d",
        "done": "✅ Done",
        "approve": "✅ Approve",
        "reject": "🗑 Reject",
    }
)
OPEN_LABEL: Final = "🔗 Open"


@dataclass(frozen=True, slots=True)
class Offer:
    """What an alert lets its reader decide; ``mark`` stands for what they are shown."""

    mark: str
    actions: tuple[str, ...]

    @classmethod
    def read(cls, offer: Mapping[str, Any] | None) -> Self | None:
        """Return the offer that the database makes, or None."""
        return cls(str(offer["mark"]), tuple(offer["actions"])) if offer else None


@dataclass(frozen=True, slots=True)
class Button:
    """One decision about one alert."""

    action: str
    alert_id: int
    mark: str

    @property
    def _words(self) -> str:
        return f"1|{self.action}|{self.alert_id}|{self.mark}"


class Signer:
    """Signs buttons for one chat, with a key that neither Telegram nor the database knows."""

    def __init__(self, secret: str, token: SecretStr, chat_id: str) -> None:
        shared = hmac.digest(secret.encode(), token.get_secret_value().encode(), hashlib.sha256)
        self._key = hmac.digest(shared, PURPOSE + chat_id.encode(), hashlib.sha256)

    def data(self, button: Button) -> str:
        """Return what the button carries, at most 64 bytes."""
        return f"{button._words}|{self._signature(button)}"  # noqa: SLF001  of the same module

    def read(self, data: object) -> Button | None:
        """Return the button that we signed, or None for anything else."""
        found = _DATA.fullmatch(data) if isinstance(data, str) else None
        if found is None:
            return None
        button = Button(found[1], int(found[2]), found[3])
        return button if hmac.compare_digest(self.data(button), found[0]) else None

    def _signature(self, button: Button) -> str:
        digest = hmac.digest(self._key, button._words.encode(), hashlib.sha256)  # noqa: SLF001
        return base64.urlsafe_b64encode(digest).decode()[:SIGNATURE_LENGTH]


def keyboard(
    alert_id: int, offer: Offer | None, detail: Mapping[str, Any], signer: Signer
) -> Keyboard:
    """Return the buttons of an alert in one row, or none."""
    if offer is None:
        return []
    row = [
        {
            "text": _LABELS[action],
            "callback_data": signer.data(Button(action, alert_id, offer.mark)),
        }
        for action in offer.actions
        if action in _LABELS
    ]
    link = detail.get("link")
    if isinstance(link, str) and link.startswith("https://"):
        row.insert(0, {"text": OPEN_LABEL, "url": link})
    return [row] if row else []


def without_links(buttons: Sequence[Sequence[dict[str, str]]]) -> Keyboard:
    """Return the buttons that decide: Telegram refuses all for one address that it cannot read."""
    rows = ([button for button in row if "url" not in button] for row in buttons)
    return [row for row in rows if row]
