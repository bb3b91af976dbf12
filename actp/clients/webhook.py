"""Delivers results to the webhook receiver, signed as in Standard Webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from actp.retry_after import retry_after_seconds
from actp.safari.exchange import Connection
from actp.safari.outcomes import Failure
from actp.sanitize import storable_text
from actp.settings.values import webhook_keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pydantic import SecretStr

__all__ = ["Receipt", "Webhook", "signature"]

# Connect, send and answer together, however slowly it trickles.
DELIVERY_SECONDS: Final = 10.0
GONE: Final = 410
RESTING: Final = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of one delivery; ``is_final`` where another attempt is not wanted."""

    delivered: bool
    http_status: int | None = None
    error: str | None = None
    is_final: bool = False
    wait_seconds: float | None = None

    @property
    def asks_for_rest(self) -> bool:
        """Whether the receiver wants nothing at all for ``wait_seconds``."""
        return self.http_status in RESTING and self.wait_seconds is not None


class Webhook:
    """One receiver; follows no redirect, and reports nothing of an address that may hold a key."""

    def __init__(
        self, url: SecretStr, secret: SecretStr, *, delivery_seconds: float = DELIVERY_SECONDS
    ) -> None:
        parts = urlsplit(url.get_secret_value())
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._connection = Connection(f"{parts.scheme}://{parts.netloc}")
        self._secret = secret
        self._delivery_seconds = delivery_seconds

    def deliver(self, key: str, body: Mapping[str, Any], now: datetime) -> Receipt:
        """Send one result; ``key`` stays the same on each attempt. Never raises."""
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        timestamp = str(int(time.time()))
        headers = {
            "webhook-id": key,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self._secret, key, timestamp, content),
            "User-Agent": "actp-worker",
        }
        reply = self._connection.exchange(
            "POST", self._path, content, timeout_seconds=self._delivery_seconds, headers=headers
        )
        if isinstance(reply, Failure):
            return Receipt(delivered=False, error=storable_text(reply.detail, 200))
        if 200 <= reply.status < 300:
            return Receipt(delivered=True, http_status=reply.status)
        named = {name.lower(): value for name, value in reply.headers.items()}
        return Receipt(
            delivered=False,
            http_status=reply.status,
            error=_refusal(reply.status),
            is_final=reply.status == GONE,
            wait_seconds=retry_after_seconds(named.get("retry-after"), now),
        )

    def can_connect(self) -> str | None:
        """Return why no connection can be opened, or None; sends nothing."""
        failure = self._connection.can_connect(self._delivery_seconds)
        return failure.detail if failure else None

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()


def signature(secret: SecretStr, key: str, timestamp: str, content: bytes) -> str:
    """Return ``v1,`` and the base64 of an HMAC-SHA256 over id, time and body, for each key."""
    words = f"{key}.{timestamp}.".encode() + content
    signed = (
        hmac.digest(shared, words, hashlib.sha256)
        for shared in webhook_keys(secret.get_secret_value())
    )
    return " ".join(f"v1,{base64.b64encode(each).decode()}" for each in signed)


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return f"HTTP {status}: a redirect, which is not followed; give the final address"
    return f"HTTP {status}"
