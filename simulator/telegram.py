"""Telegram's bot API as far as a bot that sends messages meets it."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.catalogue import TELEGRAM
from simulator.exchange import Dropped
from simulator.telegram_text import Unsendable, check_length, visible_text

if TYPE_CHECKING:
    from simulator.scenario import Scenario, TelegramRule
    from simulator.world import World

__all__ = ["Telegram"]

BACKLOG = 64
BOT = {"id": 1, "is_bot": True, "first_name": "Simulator", "username": "simulator_bot"}
_PATH = re.compile(r"/bot([^/]*)/(\w+)")


class Telegram:
    """One bot and whatever chats it is let into; logs each message, and each one it refuses."""

    def __init__(self, world: World, host: str, port: int, scenario: Scenario) -> None:
        self._world = world
        self._host = host
        self._port = port
        self._server = web.Server(self._handle, access_log=None)
        self._listener: asyncio.Server | None = None
        self._last_at: dict[str, float] = {}
        self._messages = 0
        self.play(scenario)

    def play(self, scenario: Scenario) -> None:
        """Replace settings and rules."""
        self._settings = scenario.telegram
        self._met = [0] * len(scenario.telegram.rules)
        self._last_at.clear()

    async def bring_up(self) -> None:
        """Listen; raises OSError when the port cannot be used."""
        if self._listener is None:
            self._listener = await asyncio.get_running_loop().create_server(
                self._server, self._host, self._port, backlog=BACKLOG
            )

    def take_down(self) -> None:
        """Stop listening and drop all connections."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in [*self._server.connections]:
            if connection.transport is not None:
                connection.transport.abort()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except Dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
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
        rule = self._rule_for(text)
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
        self._world.record(TELEGRAM, "telegram", chat, seen, self._messages)
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

    def _rule_for(self, text: str) -> TelegramRule | None:
        for index, rule in enumerate(self._settings.rules):
            if rule.text not in text:
                continue
            last = None if rule.times is None else rule.after + rule.times
            if last is not None and self._met[index] >= last:
                continue
            self._met[index] += 1
            if self._met[index] > rule.after:
                return rule
        return None

    def _too_soon(self, chat: str) -> float:
        now = asyncio.get_running_loop().time()
        return self._last_at.get(chat, float("-inf")) + self._settings.min_gap_seconds - now

    def _too_many(self, seconds: float) -> web.Response:
        whole = max(1, round(seconds))
        description = f"Too Many Requests: retry after {whole}"
        return self._refused(429, description, parameters={"retry_after": whole})

    def _refused(self, status: int, description: str, **more: Any) -> web.Response:
        self._world.record(TELEGRAM, "telegram_refused", "", description, status)
        body = {"ok": False, "error_code": status, "description": description, **more}
        return web.json_response(body, status=status)
