"""The routes that all nine services have: health, tabs and session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.browser.claims import Claim
from simulator.browser.safari import ScriptError, Spot
from simulator.exchange import Call, Reply, Route, drives, tells
from simulator.scenario.behaviours import Behaviour

if TYPE_CHECKING:
    from simulator.services.service import Service

__all__ = ["session_routes"]


def session_routes(service: Service) -> dict[str, Route]:
    """Return the routes of one service by method and path."""
    common = _SessionRoutes(service)
    guarded, needs_tab = service.guards_session_routes, service.session_needs_tab
    tabs = {
        "GET /api/tabs/claims": common.list_claims,
        "POST /api/tabs/claim": common.claim,
        "POST /api/tabs/release": common.release,
        "POST /api/tabs/heartbeat": common.heartbeat,
    }
    sessions = {
        "GET /api/session/status": common.session_status,
        "POST /api/session/ensure": common.ensure,
        "POST /api/session/clear": common.clear,
    }
    return {
        "GET /health": tells(common.health, "health", guarded=False),
        **{key: tells(answer, "tabs", guarded=guarded) for key, answer in tabs.items()},
        **{
            key: drives(answer, "session", guarded=guarded, needs_tab=needs_tab)
            for key, answer in sessions.items()
        },
    }


class _SessionRoutes:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._session = service.session
        self._claims = service.host.claims

    async def health(self, _: Call) -> Reply:
        return Reply(200, {**self._service.health(), **self._service.settings.health})

    async def list_claims(self, _: Call) -> Reply:
        claims = self._claims.as_json()
        return Reply(200, {"claims": claims, "count": len(claims)})

    async def claim(self, call: Call) -> Reply:
        agent = call.text_of("agentId")
        if not agent:
            return Reply(400, {"ok": False, "error": "agentId required"})
        spot = Spot(int(call.body.get("windowIndex", 1)), int(call.body.get("tabIndex", 1)))
        if self._claims.holder(spot) not in {None, agent}:
            return Reply(409, {"ok": False, "error": "Tab already claimed"})
        try:
            url = self._service.host.safari.tab(spot).url
        except ScriptError as error:
            return Reply(409, {"ok": False, "error": str(error)})
        claim = Claim(agent, self._service.name, self._service.port, spot, url)
        self._claims.add(claim)
        return Reply(200, {"ok": True, "claim": claim.as_json()})

    async def release(self, call: Call) -> Reply:
        self._claims.release(call.text_of("agentId"))
        return Reply(200, {"ok": True})

    async def heartbeat(self, call: Call) -> Reply:
        known = self._claims.of(call.text_of("agentId")) is not None
        return Reply(200 if known else 404, {"ok": known})

    async def session_status(self, _: Call) -> Reply:
        spot = self._session.tracked
        place = {
            "windowIndex": None if spot is None else spot.window,
            "tabIndex": None if spot is None else spot.tab,
        }
        return Reply(200, {"tracked": spot is not None, **place})

    async def ensure(self, call: Call) -> Reply:
        told = call.rule is not None and call.rule.behaviour is Behaviour.NO_TAB
        async with self._service.looking(call):
            found = None if told else self._service.ensure_session()
        if found is None:
            return self._service.no_session()
        spot, url = found
        place = {"windowIndex": spot.window, "tabIndex": spot.tab, "url": url}
        return Reply(200, {"ok": True, **place})

    async def clear(self, _: Call) -> Reply:
        self._session.tracked = None
        return Reply(200, {"ok": True})
