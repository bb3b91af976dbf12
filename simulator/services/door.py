"""The way from a request to the reply of a service."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.browser.safari import ScriptError
from simulator.exchange import Call, Dropped, Reply, Route
from simulator.scenario.behaviours import Behaviour
from simulator.services import wire
from simulator.services.sessions import session_routes

if TYPE_CHECKING:
    from simulator.services.service import Service

__all__ = ["Door"]

HTTP_LIMIT_WINDOW_SECONDS = 60.0


class Door:
    """Takes the requests for one service while it lives."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._exact: dict[str, Route] = {}
        self._patterns: list[tuple[str, list[str], Route]] = []
        for key, route in {**session_routes(service), **service.routes()}.items():
            method, _, path = key.partition(" ")
            if "{" in path:
                self._patterns.append((method, path.split("/"), route))
            else:
                self._exact[key] = route
        self._running: set[asyncio.Task[Any]] = set()
        self._http_requests: deque[float] = deque()

    def close(self) -> None:
        """Stop whatever still runs, apart from the caller."""
        current = asyncio.current_task()
        for task in [*self._running]:
            if task is not current:
                task.cancel()
        self.service.abandon()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request."""
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
        try:
            reply = await self._reply(request)
        except (Dropped, ConnectionError):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        finally:
            if task is not None:
                self._running.discard(task)
        return reply.response()

    async def _reply(self, request: web.BaseRequest) -> Reply:
        call = Call(self.service.host.next_request_id(), request.method, request.path, request)
        self.service.host.note_request(self.service.name, f"{call.method} {call.path}")
        route = self._find(call)
        if route is None:
            return Reply(
                404, {"error": "Not Found", "message": f"Cannot {call.method} {call.path}"}
            )
        if call.method != "GET" and (refused := await self._read_body(call)) is not None:
            return refused
        call.rule = self.service.host.rules.find(self.service.name, route.action, call.body)
        if call.rule is None:
            return await self._routed(call, route)
        self.service.host.bell.ring()
        early = await wire.before(self.service, call, route, call.rule)
        if early is not None:
            return early
        reply = await self._routed(call, route)
        return wire.after(reply, call.rule)

    async def _routed(self, call: Call, route: Route) -> Reply:
        refused = self._admit(call, route)
        if refused is not None:
            return refused
        try:
            return await route.answer(call)
        except ScriptError as error:
            return self.service.broken(call, error)

    def _find(self, call: Call) -> Route | None:
        route = self._exact.get(f"{call.method} {call.path}")
        if route is not None:
            return route
        parts = call.path.split("/")
        for method, pattern, candidate in self._patterns:
            if method == call.method and len(pattern) == len(parts):
                pairs = list(zip(pattern, parts, strict=True))
                if all(want in ("{}", part) for want, part in pairs):
                    call.arguments = tuple(part for want, part in pairs if want == "{}")
                    return candidate
        return None

    async def _read_body(self, call: Call) -> Reply | None:
        raw = await call.request.read()
        if not raw:
            return None
        if not call.request.content_type.endswith("json"):
            if self.service.wants_json:
                message = "Content-Type must be application/json"
                return Reply(415, {"error": "Unsupported Media Type", "message": message})
            return None
        try:
            body = json.loads(raw)
        except ValueError:
            return self.service.broken_json()
        call.body = body if isinstance(body, dict) else {}
        return None

    def _admit(self, call: Call, route: Route) -> Reply | None:
        if route.guarded and self.service.token is not None:
            header = call.request.headers.get("Authorization", "")
            scheme, _, token = header.partition(" ")
            if scheme != "Bearer" or token.strip() != self.service.token:
                return self.service.unauthorized(empty=bool(header) and not token.strip())
        told = call.rule is not None and call.rule.behaviour is Behaviour.NO_TAB
        if told and route.action != "session":
            return self.service.no_tab()
        if route.needs_tab and self.service.claims_tabs and not self.service.session.claim():
            return self.service.no_tab()
        if self.service.settings.http_limiter and self.service.http_limit_per_minute is not None:
            return self._limit_http(route)
        return None

    def _limit_http(self, route: Route) -> Reply | None:
        now = time.monotonic()
        while self._http_requests and self._http_requests[0] < now - HTTP_LIMIT_WINDOW_SECONDS:
            self._http_requests.popleft()
        self._http_requests.append(now)
        limit = self.service.http_limit_per_minute
        if limit is None or len(self._http_requests) <= limit or route.action == "health":
            return None
        wait = int(self._http_requests[0] + HTTP_LIMIT_WINDOW_SECONDS - now) + 1
        return wire.too_many_requests(wait)
