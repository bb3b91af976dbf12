"""What every rival's process does: say that it is ready, wait for the word, send requests."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx

from actp.safari.exchange import bearer_headers
from actp.settings import load_settings
from tests.bench.load import SERVICE_NAMES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

__all__ = ["REQUEST_TIMEOUT_SECONDS", "Clients", "await_word", "say", "share"]

REQUEST_TIMEOUT_SECONDS: Final = 30.0


class Clients:
    """One httpx client for each service: a shared one loses its speed to contention."""

    def __init__(self, clients: Mapping[str, httpx.AsyncClient]) -> None:
        self._clients = clients

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator[Clients]:
        """Yield clients for the services that the settings name."""
        settings = load_settings()
        async with AsyncExitStack() as stack:
            clients = {
                name: await stack.enter_async_context(
                    httpx.AsyncClient(
                        base_url=settings.service_url(name),
                        headers=bearer_headers(settings.service_token(name)),
                        # A crowd of jobs may wait for a connection as long as it likes.
                        timeout=httpx.Timeout(REQUEST_TIMEOUT_SECONDS, pool=None),
                        trust_env=False,
                    )
                )
                for name in SERVICE_NAMES
            }
            yield cls(clients)

    async def post(self, service: str, path: str, body: Mapping[str, Any]) -> None:
        """Send one request; raises unless it was answered with success.

        Two requests at once are refused by a service that does one at a time: sent all the same.
        """
        answer = await self._clients[service].post(path, json=body)
        if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            answer.raise_for_status()


def say(word: str) -> None:
    """Tell the measuring process something."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def await_word() -> None:
    """Say that this process is ready and wait until it is told to begin."""
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)


def share(arguments: list[str]) -> tuple[str, tuple[str, ...], int]:
    """Return the mode, the services of this process, and how many processes there are."""
    mode, number, processes = arguments[0], int(arguments[1]), int(arguments[2])
    return mode, SERVICE_NAMES[number::processes], processes
