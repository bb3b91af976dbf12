"""The routes by which a test or a demo steers the simulator, on a port of their own."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import web

from simulator.catalogue import NAMES, NEIGHBOURS
from simulator.outside import PortUnavailable
from simulator.scenario import Scenario, ScenarioError
from simulator.service import now_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.outside import Outside

__all__ = ["Control"]

WAIT_SECONDS = 5.0


class Control:
    """Answers for one simulator."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def app(self) -> web.Application:
        """Make the application that serves the control routes."""
        app = web.Application()
        app.router.add_get("/scenario", self.show)
        app.router.add_post("/scenario", self.play)
        app.router.add_get("/services", self.services)
        app.router.add_post("/services/{name}/{order:up|down|crash}", self.steer)
        app.router.add_post("/services/{name}/inbox", self.write_to_us)
        app.router.add_get("/world", self.world)
        app.router.add_get("/wait", self.wait)
        app.router.add_post("/reset", self.reset)
        return app

    async def play(self, request: web.Request) -> web.Response:
        try:
            self._outside.play(Scenario.parse(await request.read()))
        except ScenarioError as error:
            return _refused(400, str(error))
        return web.json_response({"ok": True})

    async def show(self, _: web.Request) -> web.Response:
        scenario = json.loads(self._outside.scenario.model_dump_json(exclude_defaults=True))
        return web.json_response({"scenario": scenario, "usage": self._outside.rules.usage()})

    async def services(self, _: web.Request) -> web.Response:
        return web.json_response({name: self._outside.is_up(name) for name in NAMES})

    async def steer(self, request: web.Request) -> web.Response:
        name, order = request.match_info["name"], request.match_info["order"]
        if name in NEIGHBOURS:
            return await self._steer_neighbour(name, order)
        if name not in NAMES:
            known = ", ".join((*NAMES, *NEIGHBOURS))
            return _refused(404, f"no service {name!r}; there are {known}")
        if order == "down":
            self._outside.take_down(name)
        elif order == "crash":
            wait = self._outside.scenario.settings_of(name).restart_after_seconds
            self._outside.crash(name, wait)
        else:
            try:
                await self._outside.bring_up(name)
            except PortUnavailable as error:
                return _refused(409, str(error))
        # A connection that was dropped is closed in the next turn of the loop.
        await asyncio.sleep(0)
        return web.json_response({"ok": True, "up": self._outside.is_up(name)})

    async def write_to_us(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in NAMES:
            return _refused(404, f"no service {name!r}; there are {', '.join(NAMES)}")
        body = await request.json()
        at = now_text() if body["dated"] else None
        self._outside.inbox(name).received(body["handle"], body["text"], at)
        return web.json_response({"ok": True})

    async def _steer_neighbour(self, name: str, order: str) -> web.Response:
        if order == "up":
            try:
                await self._outside.bring_up_neighbour(name)
            except PortUnavailable as error:
                return _refused(409, str(error))
        else:
            self._outside.neighbours[name].take_down()
        return web.json_response({"ok": True, "up": order == "up"})

    async def world(self, _: web.Request) -> web.Response:
        return web.Response(body=self._outside.world.as_json(), content_type="application/json")

    async def wait(self, request: web.Request) -> web.Response:
        wanted = request.query
        for key in ("up", "down", "quiet"):
            if wanted.get(key, NAMES[0]) not in NAMES:
                return _refused(404, f"no service {wanted[key]!r}")
        try:
            async with asyncio.timeout(float(wanted.get("seconds", WAIT_SECONDS))):
                while not self._holds(wanted):
                    await self._outside.bell.rung()
        except TimeoutError:
            return _refused(408, f"waited in vain for {request.query_string}")
        return web.json_response({"ok": True})

    def _holds(self, wanted: Mapping[str, str]) -> bool:
        outside = self._outside
        used = sum(rule["used"] for rule in outside.rules.usage())
        return (
            len(outside.world) >= int(wanted.get("effects", 0))
            and used >= int(wanted.get("used", 0))
            and ("up" not in wanted or outside.is_up(wanted["up"]))
            and ("down" not in wanted or not outside.is_up(wanted["down"]))
            and ("quiet" not in wanted or outside.is_quiet(wanted["quiet"]))
        )

    async def reset(self, _: web.Request) -> web.Response:
        await self._outside.reset()
        return web.json_response({"ok": True})


def _refused(status: int, error: str) -> web.Response:
    return web.json_response({"ok": False, "error": error}, status=status)
