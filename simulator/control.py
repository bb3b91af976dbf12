"""The routes by which a test or a demo steers the simulator, on their own port."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import ValidationError

from simulator.browser import applescript
from simulator.browser.safari import ScriptError
from simulator.catalogue import NAMES, NEIGHBOURS, site_of
from simulator.scenario import Scenario, ScenarioError
from simulator.scenario.safari import SafariSettings
from simulator.simulation import PortUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.simulation import Simulation

__all__ = ["Control"]

WAIT_SECONDS = 5.0


class Control:
    """Answers for one simulator."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def app(self) -> web.Application:
        """Make the application that serves the control routes."""
        app = web.Application()
        app.router.add_get("/scenario", self.show)
        app.router.add_post("/scenario", self.play)
        app.router.add_get("/safari", self.safari)
        app.router.add_post("/safari", self.arrange)
        app.router.add_post("/safari/osascript", self.osascript)
        app.router.add_get("/services", self.services)
        app.router.add_post("/services/{name}/{order:up|down|crash}", self.steer)
        app.router.add_post("/services/{name}/inbox", self.write_to_us)
        app.router.add_get("/receiver", self.received)
        app.router.add_get("/telegram", self.telegram)
        app.router.add_post("/telegram/press", self.press)
        app.router.add_post("/telegram/write", self.write)
        app.router.add_post("/telegram/delete", self.delete)
        app.router.add_get("/requests", self.requests)
        app.router.add_get("/world", self.world)
        app.router.add_get("/wait", self.wait)
        app.router.add_post("/release", self.release)
        app.router.add_post("/reset", self.reset)
        return app

    async def play(self, request: web.Request) -> web.Response:
        try:
            self._simulation.play(Scenario.parse(await request.read()))
        except ScenarioError as error:
            return _refused(400, str(error))
        return web.json_response({"ok": True})

    async def show(self, _: web.Request) -> web.Response:
        scenario = json.loads(self._simulation.scenario.model_dump_json(exclude_defaults=True))
        return web.json_response({"scenario": scenario, "usage": self._simulation.rules.usage()})

    async def safari(self, _: web.Request) -> web.Response:
        simulation = self._simulation
        claims = simulation.claims.as_json()
        return web.json_response({**simulation.safari.as_json(), "claims": claims})

    async def arrange(self, request: web.Request) -> web.Response:
        before = self._simulation.scenario.safari.model_dump()
        try:
            changes = await request.json()
            self._simulation.arrange(SafariSettings.model_validate({**before, **changes}))
        except (ValidationError, ValueError, TypeError) as error:
            return _refused(400, str(error))
        return web.json_response({"ok": True})

    async def osascript(self, request: web.Request) -> web.Response:
        body = await request.json()
        try:
            output = applescript.run(self._simulation.safari, body["script"], body["arguments"])
        except (ScriptError, ValueError) as error:
            return web.json_response({"error": getattr(error, "why", str(error))})
        return web.json_response({"output": output})

    async def services(self, _: web.Request) -> web.Response:
        return web.json_response({name: self._simulation.is_up(name) for name in NAMES})

    async def steer(self, request: web.Request) -> web.Response:
        name, order = request.match_info["name"], request.match_info["order"]
        if name in NEIGHBOURS:
            return await self._steer_neighbour(name, order)
        if name not in NAMES:
            known = ", ".join((*NAMES, *NEIGHBOURS))
            return _refused(404, f"no service {name!r}; there are {known}")
        if order == "down":
            self._simulation.take_down(name)
        elif order == "crash":
            wait = self._simulation.scenario.settings_of(name).restart_after_seconds
            self._simulation.crash(name, wait)
        else:
            try:
                await self._simulation.bring_up(name)
            except PortUnavailable as error:
                return _refused(409, str(error))
        # A connection that was dropped is closed in the next turn of the loop.
        await asyncio.sleep(0)
        return web.json_response({"ok": True, "up": self._simulation.is_up(name)})

    async def write_to_us(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in NAMES:
            return _refused(404, f"no service {name!r}; there are {', '.join(NAMES)}")
        body = await request.json()
        site = self._simulation.safari.sites[site_of(name)]
        site.receive(body["handle"], body["text"], is_dated=body["dated"])
        return web.json_response({"ok": True})

    async def _steer_neighbour(self, name: str, order: str) -> web.Response:
        if order == "up":
            try:
                await self._simulation.bring_up_neighbour(name)
            except PortUnavailable as error:
                return _refused(409, str(error))
        else:
            self._simulation.neighbours[name].take_down()
        return web.json_response({"ok": True, "up": order == "up"})

    async def received(self, _: web.Request) -> web.Response:
        return web.json_response(self._simulation.receiver.as_json())

    async def telegram(self, _: web.Request) -> web.Response:
        return web.json_response(self._simulation.telegram.as_json())

    async def press(self, request: web.Request) -> web.Response:
        query_id = self._simulation.telegram.press(**await request.json())
        return web.json_response({"query_id": query_id})

    async def write(self, request: web.Request) -> web.Response:
        self._simulation.telegram.write(**await request.json())
        return web.json_response({"ok": True})

    async def delete(self, request: web.Request) -> web.Response:
        self._simulation.telegram.delete(**await request.json())
        return web.json_response({"ok": True})

    async def requests(self, _: web.Request) -> web.Response:
        return web.json_response(list(self._simulation.requests))

    async def world(self, _: web.Request) -> web.Response:
        return web.Response(body=self._simulation.world.as_json(), content_type="application/json")

    async def wait(self, request: web.Request) -> web.Response:
        wanted = request.query
        for key in ("up", "down", "quiet"):
            if wanted.get(key, NAMES[0]) not in NAMES:
                return _refused(404, f"no service {wanted[key]!r}")
        try:
            async with asyncio.timeout(float(wanted.get("seconds", WAIT_SECONDS))):
                while not self._holds(wanted):
                    await self._simulation.bell.rung()
        except TimeoutError:
            return _refused(408, f"waited in vain for {request.query_string}")
        return web.json_response({"ok": True})

    def _holds(self, wanted: Mapping[str, str]) -> bool:
        simulation = self._simulation
        used = sum(rule["used"] for rule in simulation.rules.usage())
        return (
            len(simulation.world) >= int(wanted.get("effects", 0))
            and used >= int(wanted.get("used", 0))
            and ("up" not in wanted or simulation.is_up(wanted["up"]))
            and ("down" not in wanted or not simulation.is_up(wanted["down"]))
            and ("quiet" not in wanted or simulation.is_quiet(wanted["quiet"]))
        )

    async def release(self, _: web.Request) -> web.Response:
        self._simulation.release()
        return web.json_response({"ok": True})

    async def reset(self, _: web.Request) -> web.Response:
        await self._simulation.reset()
        return web.json_response({"ok": True})


def _refused(status: int, error: str) -> web.Response:
    return web.json_response({"ok": False, "error": error}, status=status)
