"""The official SDK, and what its errors mean; imported late, as it takes a second to load."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn

import anthropic
import httpx2

from actp.clients.claude.failures import NoSuchModel, Unavailable
from actp.errors import ClaudeError
from actp.settings.values import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import SecretStr

__all__ = ["Api"]

CONNECT_TIMEOUT_SECONDS: Final = 5.0
MAX_KIND_LENGTH: Final = 40
_TRANSIENT: Final = frozenset({408, 409, 429})
_CHECK_KEY: Final = "Check ANTHROPIC_API_KEY."
_REMEDIES: Final = {
    401: _CHECK_KEY,
    402: "Check the credit of the Anthropic account.",
    403: _CHECK_KEY,
    404: "Check ANTHROPIC_BASE_URL.",
}


class Api:
    """Sends single messages. Retries are with who asks: the SDK would wait however long it is told.

    No error repeats what the API says, for that may quote the question.
    """

    def __init__(self, key: SecretStr, url: str, answer_timeout_seconds: float) -> None:
        timeout = httpx2.Timeout(answer_timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS)
        # A proxy of the network is used for Claude, but never for this machine.
        local = httpx2.Client(trust_env=False, timeout=timeout) if is_loopback(url) else None
        self._client = anthropic.Anthropic(
            api_key=key.get_secret_value(),
            base_url=url,
            timeout=timeout,
            max_retries=0,
            open_telemetry=False,
            http_client=local,
        )

    def message(self, body: Mapping[str, Any]) -> object:
        """Return the reply to one message; raises ClaudeError."""
        with _translated(str(body["model"])):
            return self._client.messages.create(**body)

    def lifecycle(self, model: str) -> str:
        """Return ``active``, ``deprecated``, ``retired`` or a word of tomorrow's API.

        Costs no tokens; raises ClaudeError.
        """
        with _translated(model):
            return str(getattr(self._client.models.retrieve(model), "lifecycle", "active"))

    def close(self) -> None:
        """Give connections back."""
        self._client.close()


@contextmanager
def _translated(model: str) -> Iterator[None]:
    try:
        yield
    except anthropic.APITimeoutError:
        # A server that hangs once hangs again: the next question would wait as long.
        raise ClaudeError("unavailable", "Claude did not answer in time.") from None
    except anthropic.APIConnectionError as error:
        raise Unavailable(f"Claude cannot be reached ({type(error).__name__}).") from None
    except anthropic.APIStatusError as error:
        _refuse(error, model)
    except anthropic.AnthropicError as error:
        kind = type(error).__name__
        raise ClaudeError("garbage", f"Claude's answer cannot be read ({kind}).") from None


def _refuse(error: anthropic.APIStatusError, model: str) -> NoReturn:
    status, kind = error.status_code, _kind_of(error.body)
    message = f"Claude answered HTTP {status} ({kind})."
    if status in _TRANSIENT or status >= httpx2.codes.INTERNAL_SERVER_ERROR:
        raise Unavailable(message, _retry_after(error.response.headers)) from None
    if status == httpx2.codes.NOT_FOUND and kind == "not_found_error":
        raise NoSuchModel(model) from None
    raise ClaudeError("refused", message, remedy=_REMEDIES.get(status)) from None


def _kind_of(body: object) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    kind = error.get("type") if isinstance(error, dict) else None
    is_word = isinstance(kind, str) and kind.isidentifier() and len(kind) < MAX_KIND_LENGTH
    return str(kind) if is_word else "no reason"


def _retry_after(headers: Mapping[str, str]) -> float:
    try:
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, ValueError):
        return 0.0
