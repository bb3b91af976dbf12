"""A bell that is rung when anything has changed, for those who wait for it."""

from __future__ import annotations

import asyncio

__all__ = ["Bell"]


class Bell:
    """Wakes all that wait; costs next to nothing while nobody does."""

    def __init__(self) -> None:
        self._waiters: list[asyncio.Future[None]] = []

    def ring(self) -> None:
        """Wake everybody."""
        if not self._waiters:
            return
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def rung(self) -> None:
        """Wait for the next ring."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter
