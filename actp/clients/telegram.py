"""The Telegram client for one chat: sends messages with buttons, and receives updates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import httpx

from actp.clients.wire import PLAIN, bounded
from actp.sanitize import storable_text
from actp.settings.values import is_loopback
from actp.tls import certificates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import SecretStr

__all__ = ["Delivery", "Telegram"]

SEND_TIMEOUT_SECONDS: Final = 10.0
UPDATE_KINDS: Final = ("message", "callback_query")
MAX_ANSWER_LENGTH: Final = 200
MAX_ERROR_LENGTH: Final = 200
# A wait that is longer was never meant for one message.
MAX_RETRY_AFTER_SECONDS = 3600
MASK: Final = "********"

Verdict: TypeAlias = Literal["delivered", "later", "unparsable", "bad_buttons", "misconfigured"]

_REMEDIES: Final = {
    401: "check TELEGRAM_BOT_TOKEN",
    403: "let the bot into the chat, or unblock it",
    404: "check TELEGRAM_BOT_TOKEN",
    409: "another program receives this bot's updates: stop it, or delete its webhook",
}
# Of what a bot may not do in a chat, and not of one message.
_CHAT: Final = re.compile("chat|peer|rights|user", re.IGNORECASE)
_BUTTONS: Final = re.compile("button|keyboard|reply markup", re.IGNORECASE)
_AS_IT_WAS: Final = "message is not modified"

Keyboard: TypeAlias = "Sequence[Sequence[dict[str, str]]]"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What happened to one message.

    ``later`` may succeed as it is, after ``wait_seconds`` where Telegram named a time;
    ``unparsable`` may without markup, ``bad_buttons`` without buttons; ``misconfigured`` needs a
    person.
    """

    verdict: Verdict
    error: str | None = None
    wait_seconds: float | None = None


class Telegram:
    """One chat; no error it reports holds the token."""

    def __init__(self, api_url: str, token: SecretStr, chat_id: str) -> None:
        self._token = token
        self._chat_id = chat_id
        self._bot_name: str | None = None
        # A proxy of the network is used for Telegram, but never for this machine.
        trust_env = not is_loopback(api_url)
        self._client = httpx.Client(
            base_url=api_url,
            timeout=SEND_TIMEOUT_SECONDS,
            headers=PLAIN,
            event_hooks={"response": [bounded]},
            trust_env=trust_env,
            verify=certificates(trust_env=trust_env),
        )

    def send(self, text: str, *, is_html: bool = True, keyboard: Keyboard = ()) -> Delivery:
        """Send one message of at most 4096 characters; raises nothing that the network does."""
        body = {"chat_id": self._chat_id, **_message(text, is_html=is_html, keyboard=keyboard)}
        return self._call("sendMessage", body)[0]

    def edit(
        self, message_id: int, text: str, *, is_html: bool = True, keyboard: Keyboard = ()
    ) -> Delivery:
        """Replace the text and the buttons of a message that was sent before."""
        body = {
            "chat_id": self._chat_id,
            "message_id": message_id,
            **_message(text, is_html=is_html, keyboard=keyboard),
        }
        return self._call("editMessageText", body)[0]

    def answer_press(self, query_id: str, text: str, *, is_alert: bool = False) -> Delivery:
        """Answer the press of a button with its outcome; too late, Telegram refuses it."""
        body = {
            "callback_query_id": query_id,
            "text": storable_text(text, MAX_ANSWER_LENGTH),
            "show_alert": is_alert,
        }
        return self._call("answerCallbackQuery", body)[0]

    def updates(
        self, offset: int | None, *, wait_seconds: float, margin_seconds: float
    ) -> tuple[Delivery, list[dict[str, Any]]]:
        """Wait for presses and messages from ``offset`` on, which confirms all before it.

        Telegram has ``margin_seconds`` more than it was asked to wait.
        """
        body: dict[str, Any] = {"timeout": int(wait_seconds), "allowed_updates": UPDATE_KINDS}
        if offset is not None:
            body["offset"] = offset
        delivery, result = self._call(
            "getUpdates", body, timeout_seconds=wait_seconds + margin_seconds
        )
        found = result if isinstance(result, list) else []
        return delivery, [update for update in found if isinstance(update, dict)]

    def offer_commands(self, commands: dict[str, str]) -> Delivery:
        """Have Telegram suggest these commands where people type."""
        listed = [{"command": name, "description": what} for name, what in commands.items()]
        return self._call("setMyCommands", {"commands": listed})[0]

    def bot_name(self) -> str | None:
        """Return the name of the bot, asked once; None while Telegram does not answer."""
        if self._bot_name is None:
            found = self._call("getMe", {})[1]
            name = found.get("username") if isinstance(found, dict) else None
            self._bot_name = name if isinstance(name, str) else None
        return self._bot_name

    def close(self) -> None:
        """Give connections back."""
        self._client.close()

    def _call(
        self, method: str, body: dict[str, Any], *, timeout_seconds: float = SEND_TIMEOUT_SECONDS
    ) -> tuple[Delivery, Any]:
        path = f"/bot{self._token.get_secret_value()}/{method}"
        try:
            answer = self._client.post(path, json=body, timeout=timeout_seconds)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Delivery("later", self._masked(f"{type(error).__name__}: {error}")), None
        said = _json(answer)
        return self._read(answer, said), said.get("result")

    def _read(self, answer: httpx.Response, said: dict[str, Any]) -> Delivery:
        status = answer.status_code
        described = str(said.get("description") or answer.reason_phrase or "no description")
        is_ok = status == httpx.codes.OK and said.get("ok") is True
        if is_ok or (status == httpx.codes.BAD_REQUEST and _AS_IT_WAS in described):
            return Delivery("delivered")
        error = self._masked(f"HTTP {status}: {described}")
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return Delivery("later", error, _retry_after(said))
        if status == httpx.codes.BAD_REQUEST and "can't parse" in described:
            return Delivery("unparsable", error)
        if status == httpx.codes.BAD_REQUEST and _BUTTONS.search(described):
            return Delivery("bad_buttons", error)
        if remedy := _remedy(status, described, said):
            return Delivery("misconfigured", f"{error}; {remedy}")
        return Delivery("misconfigured" if status == httpx.codes.BAD_REQUEST else "later", error)

    def _masked(self, text: str) -> str:
        return storable_text(text.replace(self._token.get_secret_value(), MASK), MAX_ERROR_LENGTH)


def _message(text: str, *, is_html: bool, keyboard: Keyboard) -> dict[str, Any]:
    body: dict[str, Any] = {"text": text, "link_preview_options": {"is_disabled": True}}
    if is_html:
        body["parse_mode"] = "HTML"
    if keyboard:
        body["reply_markup"] = {"inline_keyboard": keyboard}
    return body


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _remedy(status: int, described: str, said: dict[str, Any]) -> str | None:
    if chat := _parameters(said).get("migrate_to_chat_id"):
        return f"the group has a new id: set TELEGRAM_CHAT_ID={str(chat)[:20]}"
    if status == httpx.codes.BAD_REQUEST and _CHAT.search(described):
        return "check TELEGRAM_CHAT_ID, and what the bot may do in that chat"
    return _REMEDIES.get(status)


def _parameters(said: dict[str, Any]) -> dict[str, Any]:
    given = said.get("parameters")
    return given if isinstance(given, dict) else {}


def _retry_after(said: dict[str, Any]) -> float | None:
    seconds = _parameters(said).get("retry_after")
    if not isinstance(seconds, int | float) or not seconds >= 0:
        return None
    return float(min(seconds, MAX_RETRY_AFTER_SECONDS))
