"""How answers over HTTP are read, from any service."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import httpx

from actp.retry_after import retry_after_seconds
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = [
    "FRESH_CONNECTIONS",
    "NEVER_CONNECTED",
    "described",
    "failure",
    "json_object",
    "retry_after",
]

MAX_ERROR_LENGTH: Final = 200
MASK: Final = "********"

# A connection that the other side closed meanwhile would make a request's fate uncertain.
FRESH_CONNECTIONS: Final = httpx.Limits(max_keepalive_connections=0)

# No byte of a request can have left before one of these.
NEVER_CONNECTED: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)


def json_object(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer, or an empty one where it holds none."""
    try:
        said = answer.json()
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def described(answer: httpx.Response, secret: SecretStr | None) -> str:
    """Return ``HTTP 422: why`` in at most 200 characters, without the secret."""
    said = json_object(answer)
    why = said.get("message") or said.get("error") or answer.reason_phrase or "no description"
    return f"HTTP {answer.status_code}: {_masked(str(why), secret)}"


def failure(error: Exception, secret: SecretStr | None) -> str:
    """Return what went wrong on the way in at most 200 characters, without the secret."""
    return _masked(f"{type(error).__name__}: {error}", secret)


def retry_after(answer: httpx.Response) -> float | None:
    """Return for how many seconds we are asked to wait, if a header says so."""
    return retry_after_seconds(answer.headers.get("retry-after"), datetime.now().astimezone())


def _masked(text: str, secret: SecretStr | None) -> str:
    if secret is not None:
        text = text.replace(secret.get_secret_value(), MASK)
    return storable_text(text, MAX_ERROR_LENGTH)
