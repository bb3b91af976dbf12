"""Reads HTTP responses with limits on size and time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import httpx

from actp.clock import steady_seconds
from actp.retry_after import retry_after_seconds
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

__all__ = [
    "FRESH_CONNECTIONS",
    "NEVER_CONNECTED",
    "PLAIN",
    "WHOLE_FILE",
    "bounded",
    "described",
    "failure",
    "json_object",
    "retry_after",
]

MAX_ERROR_LENGTH: Final = 200
MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
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


# Answers are small; compressed, a few bytes of one could fill the memory.
PLAIN: Final = {"Accept-Encoding": "identity"}
# An extension of a request whose answer is a file, bounded by who reads it.
WHOLE_FILE: Final = {"actp_whole_file": True}


class _Bounded(httpx.SyncByteStream):
    """The body of an answer, ended where it is too long or comes too slowly."""

    def __init__(self, stream: httpx.SyncByteStream, timeout_seconds: float) -> None:
        self._stream = stream
        self._late_at = steady_seconds() + timeout_seconds

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._stream:
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise httpx.ReadError(f"the answer is longer than {MAX_ANSWER_BYTES:,} bytes")
            if steady_seconds() > self._late_at:
                raise httpx.ReadTimeout("the answer did not end in time")
            yield chunk

    def close(self) -> None:
        self._stream.close()


def bounded(answer: httpx.Response) -> None:
    """End an answer that is too long, too slow or compressed; an event hook of a client.

    A client's timeout is for each piece of an answer: one byte every few seconds meets it.
    """
    if any(name in answer.request.extensions for name in WHOLE_FILE):
        return
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise httpx.DecodingError("the answer is compressed, which was not asked for")
    timeout_seconds = answer.request.extensions.get("timeout", {}).get("read")
    if timeout_seconds is not None and isinstance(answer.stream, httpx.SyncByteStream):
        answer.stream = _Bounded(answer.stream, timeout_seconds)


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
    named = (said.get(name) for name in ("message", "error", "description"))
    why = next(filter(None, named), answer.reason_phrase or "no description")
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
