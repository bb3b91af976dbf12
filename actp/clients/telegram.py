"""Sends messages to one chat through Telegram's bot API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import httpx

from actp.sanitize import storable_text
from actp.settings.values import is_loopback

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = ["Delivery", "Telegram"]

SEND_TIMEOUT_SECONDS: Final = 10.0
MAX_ERROR_LENGTH: Final = 200
# A wait that is longer was never meant for one message.
MAX_RETRY_AFTER_SECONDS = 3600
MASK: Final = "********"

Verdict: TypeAlias = Literal["delivered", "later", "unparsable", "misconfigured"]

_REMEDIES: Final = {
    400: "check TELEGRAM_CHAT_ID",
    401: "check TELEGRAM_BOT_TOKEN",
    403: "let the bot into the chat, or unblock it",
    404: "check TELEGRAM_BOT_TOKEN",
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one message.

    ``later`` may succeed as it is, after ``wait_seconds`` where Telegram named a time;
    ``unparsable`` may without markup; ``misconfigured`` needs a person.
    """

    verdict: Verdict
    error: str | None = None
    wait_seconds: float | None = None


class Telegram:
    """One chat; no error it reports holds the token."""

    def __init__(self, api_url: str, token: SecretStr, chat_id: str) -> None:
        self._token = token
        self._chat_id = chat_id
        # A proxy of the network is used for Telegram, but never for this machine.
        self._client = httpx.Client(
            base_url=api_url, timeout=SEND_TIMEOUT_SECONDS, trust_env=not is_loopback(api_url)
        )

    def send(self, text: str, *, is_html: bool = True) -> Delivery:
        """Send one message of at most 4096 characters; raises nothing that the network does."""
        body = {"chat_id": self._chat_id, "text": text, "disable_web_page_preview": True}
        if is_html:
            body["parse_mode"] = "HTML"
        path = f"/bot{self._token.get_secret_value()}/sendMessage"
        try:
            answer = self._client.post(path, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Delivery("later", self._masked(f"{type(error).__name__}: {error}"))
        return self._read(answer)

    def close(self) -> None:
        """Give connections back."""
        self._client.close()

    def _read(self, answer: httpx.Response) -> Delivery:
        said = _json(answer)
        status = answer.status_code
        if status == httpx.codes.OK and said.get("ok") is True:
            return Delivery("delivered")
        described = str(said.get("description") or answer.reason_phrase or "no description")
        error = self._masked(f"HTTP {status}: {described}")
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return Delivery("later", error, _retry_after(said))
        if status == httpx.codes.BAD_REQUEST and "can't parse" in described:
            return Delivery("unparsable", error)
        if remedy := _REMEDIES.get(status):
            return Delivery("misconfigured", f"{error}; {remedy}")
        return Delivery("later", error)

    def _masked(self, text: str) -> str:
        return storable_text(text.replace(self._token.get_secret_value(), MASK), MAX_ERROR_LENGTH)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _retry_after(said: dict[str, Any]) -> float | None:
    parameters = said.get("parameters")
    seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if not isinstance(seconds, int | float) or not seconds >= 0:
        return None
    return float(min(seconds, MAX_RETRY_AFTER_SECONDS))
