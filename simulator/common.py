"""The routes that all nine services have: health, tabs and session."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from simulator.behaviours import Behaviour
from simulator.exchange import Call, Json, Reply, Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from simulator.service import Service

    _Answer: TypeAlias = Callable[[Call], Awaitable[Reply]]

__all__ = ["CommonRoutes"]


class CommonRoutes:
    """Answers for one service; tab claims die with it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._claims: dict[str, Json] = {}

    def routes(self) -> dict[tuple[str, str], Route]:
        """Give the routes by method and path."""
        guarded = self._service.guards_session_routes
        needs_tab = self._service.session_needs_tab

        def tabs(answer: _Answer) -> Route:
            return Route(answer, "tabs", guarded=guarded, needs_tab=False)

        def session(answer: _Answer) -> Route:
            return Route(answer, "session", guarded=guarded, needs_tab=needs_tab, drives_page=True)

        return {
            ("GET", "/health"): Route(self.health, "health", guarded=False, needs_tab=False),
            ("GET", "/api/tabs/claims"): tabs(self.list_claims),
            ("POST", "/api/tabs/claim"): tabs(self.claim),
            ("POST", "/api/tabs/release"): tabs(self.release),
            ("POST", "/api/tabs/heartbeat"): tabs(self.heartbeat),
            ("GET", "/api/session/status"): session(self.session_status),
            ("POST", "/api/session/ensure"): session(self.ensure),
            ("POST", "/api/session/clear"): session(self.clear),
        }

    async def health(self, _: Call) -> Reply:
        return Reply(200, {**self._service.health(), **self._service.settings.health})

    async def list_claims(self, _: Call) -> Reply:
        return Reply(200, {"claims": list(self._claims.values()), "count": len(self._claims)})

    async def claim(self, call: Call) -> Reply:
        agent = call.text_of("agentId")
        if not agent:
            return Reply(400, {"ok": False, "error": "agentId required"})
        if any(other != agent for other in self._claims):
            return Reply(409, {"ok": False, "error": "Tab already claimed"})
        self._claims[agent] = {
            "agentId": agent,
            "service": self._service.name,
            "port": self._service.port,
            "windowIndex": call.body.get("windowIndex", 1),
            "tabIndex": call.body.get("tabIndex", 1),
        }
        return Reply(200, {"ok": True, "claim": self._claims[agent]})

    async def release(self, call: Call) -> Reply:
        self._claims.pop(call.text_of("agentId"), None)
        return Reply(200, {"ok": True})

    async def heartbeat(self, call: Call) -> Reply:
        known = call.text_of("agentId") in self._claims
        return Reply(200 if known else 404, {"ok": known})

    async def session_status(self, _: Call) -> Reply:
        tracked = self._service.settings.tab
        return Reply(200, {"tracked": tracked, "windowIndex": 1, "tabIndex": 1})

    async def ensure(self, call: Call) -> Reply:
        told = call.rule is not None and call.rule.behaviour is Behaviour.NO_TAB
        if told or not self._service.settings.tab:
            return self._service.no_session()
        await self._service.look(call)
        url = f"https://www.{self._service.platform}.com/"
        return Reply(200, {"ok": True, "windowIndex": 1, "tabIndex": 1, "url": url})

    async def clear(self, _: Call) -> Reply:
        return Reply(200, {"ok": True})
