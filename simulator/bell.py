"""What requests wait for: a bell that rings at every change, and a hold that a test ends."""

from __future__ import annotations

import asyncio

__all__ = ["Bell", "Hold"]


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


class Hold:
    """Keeps requests that have arrived until it ends."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self._may_act = False

    @property
    def is_over(self) -> bool:
        """Return whether it has ended."""
        return self._over.is_set()

    def end(self, *, may_act: bool) -> None:
        """Let the requests act, or drop them."""
        self._may_act = may_act
        self._over.set()

    async def over(self) -> bool:
        """Wait for the end, and return whether the request may act."""
        await self._over.wait()
        return self._may_act
