"""What all nine services have in common: the way from a request to its reply."""

from __future__ import annotations

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from aiohttp import web

from simulator import acting, wire
from simulator.behaviours import Behaviour
from simulator.common import CommonRoutes
from simulator.exchange import Call, Dropped, Effect, Json, Reply, Route
from simulator.limits import Limits
from simulator.safari import Driver

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from simulator.outside import Outside
    from simulator.scenario import ServiceSettings

__all__ = ["Service", "now_text"]

HTTP_LIMIT_WINDOW_SECONDS = 60.0


def now_text() -> str:
    """Give the time as JavaScript writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Service(ABC):
    """A Safari service while it lives; a new one is made after each crash.

    Subclasses say in which words it speaks.
    """

    name: ClassVar[str]
    platform: ClassVar[str]
    default_token: ClassVar[str | None] = None
    per_hour: ClassVar[int | None] = None
    per_day: ClassVar[int] = 1_000_000
    http_limit_per_minute: ClassVar[int | None] = None
    wants_json: ClassVar[bool] = False
    empty_bearer_status: ClassVar[int] = 401
    dies_after_timeout: ClassVar[bool] = False
    before_send_error: ClassVar[str] = "Could not find Send button"
    guards_session_routes: ClassVar[bool] = False
    session_needs_tab: ClassVar[bool] = False

    def __init__(self, outside: Outside, settings: ServiceSettings, port: int) -> None:
        self.outside = outside
        self.settings = settings
        self.port = port
        given = "token" in settings.model_fields_set
        self.token = settings.token if given else self.default_token
        self.latency_seconds = (
            outside.latency_seconds if settings.latency_ms is None else settings.latency_ms / 1000
        )
        self.limits = Limits(self.per_hour, self.per_day, settings)
        self.started_at = time.time()
        self.started_text = now_text()
        self.refusals: dict[Behaviour, Callable[[Call], Reply]] = {
            Behaviour.NOT_FOUND: lambda call: self.failed(call, "User not found"),
            Behaviour.RATE_LIMITED: lambda call: self.failed(call, "Action blocked - rate limited"),
            Behaviour.CAPTCHA: lambda call: self.failed(call, "Captcha required"),
            Behaviour.LOGGED_OUT: lambda call: self.failed(call, "Not logged in"),
            Behaviour.RESTRICTED: lambda call: self.failed(call, "Platform restriction"),
            **self.own_refusals(),
        }
        self._exact: dict[tuple[str, str], Route] = {}
        self._patterns: list[tuple[str, list[str], Route]] = []
        for (method, path), route in {**CommonRoutes(self).routes(), **self.routes()}.items():
            if "{" in path:
                self._patterns.append((method, path.split("/"), route))
            else:
                self._exact[method, path] = route
        self._running: set[asyncio.Task[Any]] = set()
        self._background: set[asyncio.Task[Any]] = set()
        self._http_requests: deque[float] = deque()

    # What a subclass says

    @abstractmethod
    def routes(self) -> Mapping[tuple[str, str], Route]:
        """Give its own routes by method and path; ``{}`` stands for one path segment."""

    @abstractmethod
    def health(self) -> Json:
        """Give the body of /health."""

    @abstractmethod
    def succeeded(self, call: Call, effect: Effect, *, verified: bool | None) -> Json:
        """Give the body of a 200 after the effect; None leaves ``verified`` out."""

    @abstractmethod
    def failed(self, call: Call, error: str) -> Reply:
        """Give the reply to a driver failure."""

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        """Give its words for what it refuses."""
        return {}

    def sends_again_when_unverified(self, call: Call) -> bool:  # noqa: ARG002
        """Tell whether this route answers a missing proof with a second send."""
        return False

    def published(self, call: Call, effect: Effect) -> None:  # noqa: B027  most need no note
        """Take note of an effect of its own."""

    def no_tab(self) -> Reply:
        """Give the reply when no Safari tab can be had."""
        return Reply(503, wire.no_tab_body(self.name))

    def no_session(self) -> Reply:
        """Give the reply of session/ensure when it finds no tab."""
        return Reply(200, {"ok": False, "error": f"No '{self.platform}' tab found in window 1"})

    def unauthorized(self, *, empty: bool) -> Reply:
        """Give the reply to a missing or wrong bearer token."""
        status = self.empty_bearer_status if empty else 401
        message = "Valid Bearer token required"
        return Reply(status, {"error": "Unauthorized", "message": message})

    def broken_json(self) -> Reply:
        """Give the reply to a body that is no JSON."""
        return Reply(400, {"error": "Bad Request", "message": "Invalid JSON"})

    # What subclasses use

    def refuse(self, call: Call, *reasons: Behaviour) -> Reply | None:
        """Give the refusal for the first of these reasons that holds now."""
        rule = call.rule
        if rule is None and self.limits.are_off:
            return None
        for reason in reasons:
            told = rule is not None and rule.behaviour is reason
            if told or self.limits.forbid(reason):
                return self.refusals[reason](call)
        return None

    async def act(self, call: Call, effect: Effect) -> Reply:
        """Do what the request asks for, in the way the scenario says."""
        return await acting.act(self, call, effect)

    async def look(self, call: Call) -> None:
        """Drive the page for as long as reading it takes."""
        with self.outside.safari.driven_by(Driver(self.name, call.request_id)):
            if self.latency_seconds:
                await asyncio.sleep(self.latency_seconds)

    def publish(self, call: Call, effect: Effect) -> None:
        """Let the world see the effect."""
        self.limits.count()
        self.published(call, effect)
        self.outside.world.record(
            self.name, effect.kind, effect.recipient, effect.text, call.request_id
        )

    def repeat(self, call: Call, effect: Effect) -> None:
        """Log that the same was asked for again and the service itself held it back."""
        self.outside.world.record(
            self.name, "repeat", effect.recipient, effect.text, call.request_id
        )

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Let work go on after the answer, until it ends or the service dies."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing goes on behind the answers."""
        return not self._background

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        self.outside.bell.ring()

    def die(self, restart_after_seconds: float | None = None) -> None:
        """Crash: drop all connections, refuse new ones until restarted."""
        wait = restart_after_seconds
        if wait is None:
            wait = self.settings.restart_after_seconds
        self.outside.crash(self.name, wait)

    def abandon(self) -> None:
        """Stop whatever still runs, apart from the caller."""
        current = asyncio.current_task()
        for task in [*self._running, *self._background]:
            if task is not current:
                task.cancel()

    # The way of a request

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
        call = Call(self.outside.next_request_id(), request.method, request.path, request)
        route = self._find(call)
        if route is None:
            return Reply(
                404, {"error": "Not Found", "message": f"Cannot {call.method} {call.path}"}
            )
        if call.method != "GET" and (refused := await self._read_body(call)) is not None:
            return refused
        call.rule = self.outside.rules.find(self.name, route.action, call.body)
        if call.rule is None:
            return self._admit(call, route) or await route.answer(call)
        self.outside.bell.ring()
        early = await wire.before(self, call, route, call.rule)
        if early is not None:
            return early
        reply = self._admit(call, route) or await route.answer(call)
        return wire.after(reply, call.rule)

    def _find(self, call: Call) -> Route | None:
        route = self._exact.get((call.method, call.path))
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
            if self.wants_json:
                message = "Content-Type must be application/json"
                return Reply(415, {"error": "Unsupported Media Type", "message": message})
            return None
        try:
            body = json.loads(raw)
        except ValueError:
            return self.broken_json()
        call.body = body if isinstance(body, dict) else {}
        return None

    def _admit(self, call: Call, route: Route) -> Reply | None:
        if route.guarded and self.token is not None:
            header = call.request.headers.get("Authorization", "")
            scheme, _, token = header.partition(" ")
            if scheme != "Bearer" or token.strip() != self.token:
                return self.unauthorized(empty=bool(header) and not token.strip())
        told = call.rule is not None and call.rule.behaviour is Behaviour.NO_TAB
        if (told and route.action != "session") or (route.needs_tab and not self.settings.tab):
            return self.no_tab()
        if self.settings.http_limiter and self.http_limit_per_minute is not None:
            return self._limit_http(route)
        return None

    def _limit_http(self, route: Route) -> Reply | None:
        now = time.monotonic()
        while self._http_requests and self._http_requests[0] < now - HTTP_LIMIT_WINDOW_SECONDS:
            self._http_requests.popleft()
        self._http_requests.append(now)
        limit = self.http_limit_per_minute
        if limit is None or len(self._http_requests) <= limit or route.action == "health":
            return None
        wait = int(self._http_requests[0] + HTTP_LIMIT_WINDOW_SECONDS - now) + 1
        return wire.too_many_requests(wait)
