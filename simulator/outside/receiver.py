"""A program that receives results, with its good and its bad days."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.catalogue import RECEIVER
from simulator.exchange import Dropped
from simulator.outside.counted import CountedRules
from simulator.outside.neighbour import Neighbour

if TYPE_CHECKING:
    from simulator.scenario import Scenario

__all__ = ["Receiver"]

HUGE_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
TRICKLE_SECONDS = 0.2
_STATUSES = {"server_error": 500, "gone": 410, "refused": 400, "too_many_requests": 429}
_SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")


class Receiver(Neighbour):
    """Takes any POST; keeps body and signature of each as it came."""

    name = RECEIVER

    def play(self, scenario: Scenario) -> None:
        self._rules = CountedRules(scenario.receiver.rules)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.forget()

    def forget(self) -> None:
        self._received: list[dict[str, Any]] = []

    def as_json(self) -> list[dict[str, Any]]:
        """Give every request, oldest first."""
        return self._received

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        text = (await request.read()).decode("utf-8", "replace")
        rule = self._rules.find(lambda rule: rule.text in text)
        behaviour = "ok" if rule is None else rule.behaviour
        self._received.append(
            {
                "path": request.path_qs,
                "method": request.method,
                "headers": {name: request.headers.get(name) for name in _SIGNED},
                "content_type": request.content_type,
                "body": text,
                "behaviour": behaviour,
            }
        )
        self.world.record(RECEIVER, "webhook", request.path, text, len(self._received))
        if rule is not None and behaviour == "hang":
            await asyncio.sleep(rule.seconds)
        if behaviour in ("hang", "drop"):
            raise Dropped
        if behaviour == "redirect":
            return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/elsewhere"})
        if behaviour in ("huge", "trickle"):
            return await _long(request, behaviour)
        if rule is not None and behaviour == "too_many_requests":
            wait = {"Retry-After": str(rule.retry_after_seconds)}
            return web.Response(status=429, headers=wait)
        return web.Response(status=_STATUSES.get(behaviour, 204))


async def _long(request: web.BaseRequest, behaviour: str) -> web.StreamResponse:
    response = web.StreamResponse(status=200)
    await response.prepare(request)
    sent = 0
    while sent < HUGE_BYTES:
        chunk = b"x" * (CHUNK_BYTES if behaviour == "huge" else 1)
        await response.write(chunk)
        sent += len(chunk)
        if behaviour == "trickle":
            await asyncio.sleep(TRICKLE_SECONDS)
    return response
