"""Telegram's bot API as far as a bot that sends messages meets it."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.catalogue import TELEGRAM
from simulator.exchange import Dropped
from simulator.outside.counted import CountedRules
from simulator.outside.neighbour import Neighbour
from simulator.outside.telegram_text import Unsendable, check_length, visible_text

if TYPE_CHECKING:
    from simulator.scenario import Scenario, TelegramRule

__all__ = ["Telegram"]

BOT = {"id": 1, "is_bot": True, "first_name": "Simulator", "username": "simulator_bot"}
_PATH = re.compile(r"/bot([^/]*)/(\w+)")


class Telegram(Neighbour):
    """One bot and whatever chats it is let into; logs each message, and each one it refuses."""

    name = TELEGRAM
    _messages = 0

    def play(self, scenario: Scenario) -> None:
        self._settings = scenario.telegram
        self._rules = CountedRules(scenario.telegram.rules)
        self._last_at: dict[str, float] = {}

    async def answer(self, request: web.BaseRequest) -> web.Response:
        path = _PATH.fullmatch(request.path)
        if path is None or ":" not in path[1]:
            return self._refused(404, "Not Found")
        if self._settings.token is not None and path[1] != self._settings.token:
            return self._refused(401, "Unauthorized")
        if path[2] == "getMe":
            return web.json_response({"ok": True, "result": BOT})
        if path[2] != "sendMessage" or request.method != "POST":
            return self._refused(404, "Not Found: method not found")
        body = await request.json()
        return await self._send(body if isinstance(body, dict) else {})

    async def _send(self, body: dict[str, Any]) -> web.Response:
        chat, text = str(body.get("chat_id", "")), str(body.get("text", ""))
        if self._settings.chat_id not in (None, chat):
            return self._refused(400, "Bad Request: chat not found")
        rule = self._rules.find(lambda rule: rule.text in text)
        if rule is not None and (refused := await self._play(rule)) is not None:
            return refused
        if (wait_seconds := self._too_soon(chat)) > 0:
            return self._too_many(wait_seconds)
        try:
            seen = visible_text(text) if body.get("parse_mode") == "HTML" else text
            check_length(seen)
        except Unsendable as error:
            return self._refused(400, f"Bad Request: {error}")
        return self._accept(chat, seen, rule)

    def _accept(self, chat: str, seen: str, rule: TelegramRule | None) -> web.Response:
        self._messages += 1
        self._last_at[chat] = asyncio.get_running_loop().time()
        self.world.record(TELEGRAM, "telegram", chat, seen, self._messages)
        if rule is not None and rule.behaviour == "drop_after_effect":
            raise Dropped
        message = {"message_id": self._messages, "chat": {"id": chat}, "text": seen}
        return web.json_response({"ok": True, "result": message})

    async def _play(self, rule: TelegramRule) -> web.Response | None:
        match rule.behaviour:
            case "too_many_requests":
                return self._too_many(rule.retry_after_seconds)
            case "server_error":
                return self._refused(502, "Bad Gateway")
            case "unparsable":
                return self._refused(400, "Bad Request: can't parse entities: it was told so")
            case "forbidden":
                return self._refused(403, "Forbidden: bot was blocked by the user")
            case "drop":
                raise Dropped
            case "hang":
                await asyncio.sleep(rule.seconds)
                raise Dropped
            case _:
                return None

    def _too_soon(self, chat: str) -> float:
        now = asyncio.get_running_loop().time()
        return self._last_at.get(chat, float("-inf")) + self._settings.min_gap_seconds - now

    def _too_many(self, seconds: float) -> web.Response:
        whole = max(1, round(seconds))
        description = f"Too Many Requests: retry after {whole}"
        return self._refused(429, description, parameters={"retry_after": whole})

    def _refused(self, status: int, description: str, **more: Any) -> web.Response:
        self.world.record(TELEGRAM, "telegram_refused", "", description, status)
        body = {"ok": False, "error_code": status, "description": description, **more}
        return web.json_response(body, status=status)
