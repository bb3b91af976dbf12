"""What stands outside besides the Safari services: its own API on its own port."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from aiohttp import web

from simulator.exchange import Dropped

if TYPE_CHECKING:
    from simulator.scenario import Scenario
    from simulator.world import World

__all__ = ["Neighbour"]

BACKLOG = 64


class Neighbour(ABC):
    """Listens, answers, and drops the connection where ``answer`` raises Dropped.

    What a subclass remembers it forgets in ``take_down`` or ``play``, as its original would, or
    else in ``forget``.
    """

    name: ClassVar[str]

    def __init__(self, world: World, host: str, port: int, scenario: Scenario) -> None:
        self.world = world
        self.host = host
        self.port = port
        self._server = web.Server(self._handle, access_log=None)
        self._listener: asyncio.Server | None = None
        self.play(scenario)

    @abstractmethod
    def play(self, scenario: Scenario) -> None:
        """Replace settings and rules."""

    def forget(self) -> None:  # noqa: B027  most remember nothing
        """Forget what outlives an outage: the world begins anew."""

    @abstractmethod
    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; raises Dropped."""

    async def bring_up(self) -> None:
        """Listen; raises OSError when the port cannot be used."""
        if self._listener is None:
            self._listener = await asyncio.get_running_loop().create_server(
                self._server, self.host, self.port, backlog=BACKLOG
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
            return await self.answer(request)
        except Dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
