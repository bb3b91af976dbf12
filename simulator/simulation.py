"""The simulator as a whole: services and neighbours that come and go, and what they share."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from aiohttp import web

from simulator.bell import Hold
from simulator.browser.claims import Claims
from simulator.browser.collisions import Collisions
from simulator.browser.safari import Safari
from simulator.catalogue import NAMES
from simulator.outside.blotato import Blotato
from simulator.outside.claude import Claude
from simulator.outside.receiver import Receiver
from simulator.outside.remotion import Remotion
from simulator.outside.telegram import Telegram
from simulator.scenario import EVERY_SERVICE, RuleBook, Scenario, ScenarioError
from simulator.services import SERVICES
from simulator.services.door import Door

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from simulator.outside.neighbour import Neighbour
    from simulator.scenario.safari import SafariSettings
    from simulator.world import World

__all__ = ["PortUnavailable", "Simulation"]

BACKLOG = 256
KEPT_REQUESTS = 10_000

_NEIGHBOURS = (Claude, Blotato, Remotion)

_logger = logging.getLogger(__name__)


class PortUnavailable(Exception):
    """Raised when a port cannot be listened on."""


class Simulation:
    """Starts, crashes and restarts services; a restarted one has forgotten what it held in memory.

    It is the host of the services: what they keep on disk (whom they messaged) is kept here.
    """

    def __init__(  # noqa: PLR0913  its parts
        self,
        world: World,
        ports: Mapping[str, int],
        scenario: Scenario,
        *,
        host: str = "127.0.0.1",
        latency_seconds: float = 0.0,
        one_safari: bool = False,
    ) -> None:
        self.world = world
        self.bell = world.bell
        self.hold = Hold()
        self.safari = Safari()
        self.claims = Claims()
        self.collisions = Collisions(world, one_at_a_time=one_safari)
        self.latency_seconds = latency_seconds
        self.first_scenario = scenario
        self.scenario = scenario
        self.rules = RuleBook(scenario)
        self._host = host
        self._ports = ports
        self._request_id = 0
        self._messaged: dict[str, set[str]] = {}
        self.requests: deque[tuple[str, str]] = deque(maxlen=KEPT_REQUESTS)
        self._classes = {cls.name: cls for cls in SERVICES}
        self._doors = {name: self._make(name) for name in NAMES}
        self._servers = {name: web.Server(self._handler(name), access_log=None) for name in NAMES}
        self._listeners: dict[str, asyncio.Server] = {}
        self._restarts: dict[str, asyncio.Task[None]] = {}
        self._check(scenario)
        self._arrange(scenario.safari)
        self.telegram = Telegram(world, host, ports[Telegram.name], scenario)
        self.receiver = Receiver(world, host, ports[Receiver.name], scenario)
        self.neighbours: dict[str, Neighbour] = {
            Telegram.name: self.telegram,
            Receiver.name: self.receiver,
            **{cls.name: cls(world, host, ports[cls.name], scenario) for cls in _NEIGHBOURS},
        }

    # What services use

    def next_request_id(self) -> int:
        """Give the number of the next request; all services share one sequence."""
        self._request_id += 1
        return self._request_id

    def messaged(self, service: str) -> set[str]:
        """Return whom a service has messaged, which it keeps on disk."""
        return self._messaged.setdefault(service, set())

    def crash(self, name: str, restart_after_seconds: float | None) -> None:
        """Let a service die, and come back after that time (None: never automatically)."""
        self.take_down(name)
        if restart_after_seconds is not None:
            self._restarts[name] = asyncio.get_running_loop().create_task(
                self._restart(name, restart_after_seconds)
            )

    # What the control routes use

    async def bring_up(self, name: str) -> None:
        """Listen for a service, with nothing in its memory; raises PortUnavailable."""
        self._cancel_restart(name)
        if name in self._listeners:
            return
        self._doors[name] = self._make(name)
        try:
            self._listeners[name] = await asyncio.get_running_loop().create_server(
                self._servers[name], self._host, self._ports[name], backlog=BACKLOG
            )
        except OSError as error:
            raise self._unavailable(name, error) from error
        self.bell.ring()

    async def bring_up_neighbour(self, name: str) -> None:
        """Listen for a neighbour; raises PortUnavailable."""
        try:
            await self.neighbours[name].bring_up()
        except OSError as error:
            raise self._unavailable(name, error) from error

    def take_down(self, name: str) -> None:
        """Stop listening, drop all connections and stop all work of a service."""
        self._cancel_restart(name)
        listener = self._listeners.pop(name, None)
        if listener is not None:
            listener.close()
        self._doors[name].close()
        self.collisions.forget(name)
        self.claims.forget(name)
        for connection in [*self._servers[name].connections]:
            if connection.transport is not None:
                connection.transport.abort()
        self.bell.ring()

    def is_up(self, name: str) -> bool:
        """Return whether a service listens."""
        return name in self._listeners

    def is_quiet(self, name: str) -> bool:
        """Return whether a service does nothing behind the answers that it gave."""
        return self._doors[name].service.is_quiet

    def play(self, scenario: Scenario) -> None:
        """Replace rules and settings from now on; raises ScenarioError.

        Services whose settings change start with an empty memory.
        """
        self._check(scenario)
        before, self.scenario = self.scenario, scenario
        for neighbour in self.neighbours.values():
            neighbour.play(scenario)
        self.rules = RuleBook(scenario)
        if self.hold.is_over:
            self.hold = Hold()
        self._arrange(scenario.safari)
        for name in NAMES:
            if before.settings_of(name) != scenario.settings_of(name):
                self._doors[name].close()
                self._doors[name] = self._make(name)

    def release(self) -> None:
        """Let the requests act that a rule holds, until the next scenario also those to come."""
        self.hold.end(may_act=True)

    def note_request(self, service: str, request: str) -> None:
        """Write down what a service was asked; the oldest go first."""
        self.requests.append((service, request))

    async def reset(self) -> None:
        """Return to the scenario of the start, with nothing remembered and all services up."""
        self._messaged.clear()
        self.requests.clear()
        self.hold.end(may_act=False)
        self.hold = Hold()
        for name in NAMES:
            self._doors[name].close()
        self.collisions.forget()
        self.claims.forget()
        self.world.clear()
        self.scenario = self.first_scenario
        self.rules = RuleBook(self.scenario)
        self.safari.reset(self.scenario.safari)
        for name, neighbour in self.neighbours.items():
            neighbour.forget()
            neighbour.play(self.scenario)
            await self.bring_up_neighbour(name)
        for name in NAMES:
            self._doors[name] = self._make(name)
            await self.bring_up(name)
        self._pin(self.scenario.safari.pinned_to)

    def close(self) -> None:
        """Stop everything."""
        for neighbour in self.neighbours.values():
            neighbour.take_down()
        for name in NAMES:
            self.take_down(name)

    def arrange(self, settings: SafariSettings) -> None:
        """Change how Safari is laid out from now on."""
        self.scenario = self.scenario.model_copy(update={"safari": settings})
        self._arrange(settings)

    # Inside

    def _arrange(self, settings: SafariSettings) -> None:
        before = self.safari.settings.pinned_to
        self.safari.arrange(settings)
        self._pin({n: to for n, to in settings.pinned_to.items() if before.get(n) != to})

    def _pin(self, pinned_to: Mapping[str, str]) -> None:
        for name, to in pinned_to.items():
            self._doors[name].service.session.pin(to)

    def _unavailable(self, name: str, error: OSError) -> PortUnavailable:
        return PortUnavailable(
            f"port {self._ports[name]} for {name} cannot be used: {error.strerror or error}; "
            "stop what listens there or choose another --port-base"
        )

    def _make(self, name: str) -> Door:
        settings = self.scenario.settings_of(name)
        return Door(self._classes[name](self, settings, self._ports[name]))

    def _handler(self, name: str) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await self._doors[name].handle(request)

        return handle

    async def _restart(self, name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        del self._restarts[name]
        try:
            await self.bring_up(name)
        except PortUnavailable as error:
            _logger.error("%s stays down: %s", name, error)  # noqa: TRY400  the cause is in it

    def _cancel_restart(self, name: str) -> None:
        restart = self._restarts.pop(name, None)
        if restart is not None:
            restart.cancel()

    def _check(self, scenario: Scenario) -> None:
        for rule in scenario.rules:
            if rule.service == EVERY_SERVICE or not rule.behaviour.is_refusal:
                continue
            known = self._doors[rule.service].service.refusals
            if rule.behaviour not in known:
                words = ", ".join(sorted(known))
                raise ScenarioError(
                    f"{rule.service} never answers {rule.behaviour}; its refusals are {words}"
                )
