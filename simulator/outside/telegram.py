"""Telegram's bot API as far as a bot meets it that sends messages with buttons and polls."""

from __future__ import annotations

import asyncio
import re
import time
from math import ceil
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.catalogue import TELEGRAM
from simulator.exchange import Dropped
from simulator.outside.counted import CountedRules
from simulator.outside.neighbour import Neighbour
from simulator.outside.telegram_chats import BOT, Chats, chat_json, checked_keyboard
from simulator.outside.telegram_text import Unsendable, check_length, visible_text
from simulator.outside.telegram_updates import Conflict, Updates

if TYPE_CHECKING:
    from simulator.outside.telegram_chats import Message
    from simulator.scenario import Scenario, TelegramRule

__all__ = ["Telegram"]

_PATH = re.compile(r"/bot([^/]*)/(\w+)")
WEBHOOK_IS_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete "
    "the webhook first"
)
LONGEST_POLL_SECONDS = 50
REFUSALS = {
    "server_error": (502, "Bad Gateway"),
    "unparsable": (400, "Bad Request: can't parse entities: it was told so"),
    "forbidden": (403, "Forbidden: bot was blocked by the user"),
    "migrated": (400, "Bad Request: group chat was upgraded to a supergroup chat"),
    "no_rights": (400, "Bad Request: not enough rights to send text messages to the chat"),
    "unauthorized": (401, "Unauthorized"),
    "conflict": (409, WEBHOOK_IS_ACTIVE),
}
SUPERGROUP = -1001234567890


class Telegram(Neighbour):
    """One bot and whatever chats it is let into; logs each message, and each one it refuses.

    Messages, presses and updates outlive an outage, as they do at Telegram.
    """

    name = TELEGRAM

    def play(self, scenario: Scenario) -> None:
        self._settings = scenario.telegram
        self._rules = CountedRules(scenario.telegram.rules)
        self._last_at: dict[str, float] = {}
        if not hasattr(self, "_chats"):
            self.forget()

    def forget(self) -> None:
        self._chats = Chats()
        self._updates = Updates()
        self._webhook = ""
        self._commands: list[Any] = []

    # What people do

    def press(self, user: dict[str, Any], chat: str, message_id: int, data: str) -> str:
        """Let somebody press a button, or send any data as if there were one."""
        query = self._chats.press(user, chat, message_id, data)
        self._updates.add("callback_query", query)
        return str(query["id"])

    def write(self, user: dict[str, Any], chat: str, text: str, age_seconds: float) -> None:
        """Let somebody write into a chat."""
        message = {
            "message_id": 900_000 + self._updates.polls,
            "from": user,
            "chat": chat_json(chat),
            "date": int(time.time() - age_seconds),
            "text": text,
        }
        self._updates.add("message", message)

    def delete(self, message_id: int) -> None:
        """Let somebody delete a message of the bot."""
        self._chats.messages.pop(message_id, None)

    def as_json(self) -> dict[str, Any]:
        """Give what people see, and what the bot has not confirmed."""
        return self._chats.as_json() | {
            "unconfirmed": self._updates.unconfirmed,
            "polls": self._updates.polls,
            "commands": self._commands,
        }

    # What the bot does

    async def answer(self, request: web.BaseRequest) -> web.Response:
        path = _PATH.fullmatch(request.path)
        if path is None or ":" not in path[1]:
            return self._refused(404, "Not Found")
        if self._settings.token is not None and path[1] != self._settings.token:
            return self._refused(401, "Unauthorized")
        body = await request.json() if request.can_read_body else {}
        body = {**request.query, **(body if isinstance(body, dict) else {})}
        method = path[2]
        chat, text = str(body.get("chat_id", "")), str(body.get("text", ""))
        if "chat_id" in body and self._settings.chat_id not in (None, chat):
            return self._refused(400, "Bad Request: chat not found")
        rule = self._rules.find(lambda rule: rule.method == method and rule.text in text)
        if rule is not None and (refused := await self._play(rule)) is not None:
            return refused
        try:
            return await self._do(method, body, chat, rule)
        except Unsendable as error:
            return self._refused(400, f"Bad Request: {error}")

    async def _do(  # noqa: PLR0911  one for each kind of method
        self, method: str, body: dict[str, Any], chat: str, rule: TelegramRule | None
    ) -> web.Response:
        if method == "getUpdates":
            return await self._poll(body)
        if method == "sendMessage":
            return self._send(body, chat, rule)
        if method in ("editMessageText", "editMessageReplyMarkup"):
            return self._edit(method, body, chat, rule)
        if method == "answerCallbackQuery":
            return self._answer_press(body)
        if method in ("setMyCommands", "setWebhook", "deleteWebhook"):
            self._commands = body.get("commands", self._commands)
            self._webhook = str(body.get("url", "")) if "Webhook" in method else self._webhook
            return _result(True)
        told = {
            "getMe": BOT,
            "getChat": chat_json(chat),
            "getWebhookInfo": {
                "url": self._webhook,
                "pending_update_count": self._updates.unconfirmed,
            },
        }
        if method in told:
            return _result(told[method])
        return self._refused(404, "Not Found: method not found")

    def _send(self, body: dict[str, Any], chat: str, rule: TelegramRule | None) -> web.Response:
        if (wait_seconds := self._too_soon(chat)) > 0:
            return self._too_many(wait_seconds)
        seen, keyboard = _seen(body), checked_keyboard(body.get("reply_markup"))
        message = self._chats.send(chat, seen, keyboard)
        self._last_at[chat] = asyncio.get_running_loop().time()
        return self._recorded("telegram", message, rule)

    def _edit(
        self, method: str, body: dict[str, Any], chat: str, rule: TelegramRule | None
    ) -> web.Response:
        text = _seen(body) if method == "editMessageText" else None
        keyboard = checked_keyboard(body.get("reply_markup"))
        message = self._chats.edit(chat, int(body.get("message_id", 0)), text, keyboard)
        return self._recorded("telegram_edit", message, rule)

    def _answer_press(self, body: dict[str, Any]) -> web.Response:
        text = str(body.get("text", ""))
        self._chats.answer(
            str(body.get("callback_query_id", "")),
            text,
            is_alert=bool(body.get("show_alert")),
            within_seconds=self._settings.answer_within_seconds,
        )
        self.world.record(TELEGRAM, "telegram_answer", "", text, 0)
        return _result(True)

    async def _poll(self, body: dict[str, Any]) -> web.Response:
        if self._webhook:
            return self._refused(409, WEBHOOK_IS_ACTIVE)
        allowed = body.get("allowed_updates")
        try:
            updates = await self._updates.poll(
                int(body.get("offset", 0)),
                int(body.get("limit", 100)),
                min(float(body.get("timeout", 0)), LONGEST_POLL_SECONDS),
                allowed if isinstance(allowed, list) else None,
            )
        except Conflict as error:
            return self._refused(409, str(error))
        return _result(updates)

    def _recorded(self, kind: str, message: Message, rule: TelegramRule | None) -> web.Response:
        self.world.record(TELEGRAM, kind, message.chat, message.text, message.id)
        if rule is not None and rule.behaviour == "drop_after_effect":
            raise Dropped
        return _result(message.as_json())

    async def _play(self, rule: TelegramRule) -> web.Response | None:
        match rule.behaviour:
            case "too_many_requests":
                return self._too_many(rule.retry_after_seconds)
            case "migrated":
                moved = {"migrate_to_chat_id": SUPERGROUP}
                return self._refused(*REFUSALS[rule.behaviour], parameters=moved)
            case "garbage":
                return web.Response(body=b"<html>captive portal</html>", content_type="text/html")
            case "drop":
                raise Dropped
            case "hang":
                await asyncio.sleep(rule.seconds)
                raise Dropped
            case "drop_after_effect":
                return None
        return self._refused(*REFUSALS[rule.behaviour])

    def _too_soon(self, chat: str) -> float:
        now = asyncio.get_running_loop().time()
        return self._last_at.get(chat, float("-inf")) + self._settings.min_gap_seconds - now

    def _too_many(self, seconds: float) -> web.Response:
        whole = ceil(seconds)
        description = f"Too Many Requests: retry after {whole}"
        return self._refused(429, description, parameters={"retry_after": whole})

    def _refused(self, status: int, description: str, **more: Any) -> web.Response:
        self.world.record(TELEGRAM, "telegram_refused", "", description, status)
        body = {"ok": False, "error_code": status, "description": description, **more}
        return web.json_response(body, status=status)


def _result(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _seen(body: dict[str, Any]) -> str:
    text = str(body.get("text", ""))
    seen = visible_text(text) if body.get("parse_mode") == "HTML" else text
    check_length(seen)
    return seen
