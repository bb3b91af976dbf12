"""What a bot is given by getUpdates: presses and messages, until it confirms them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Conflict", "Updates"]

FIRST_UPDATE = 700_000_001
MOST_AT_ONCE = 100
TERMINATED = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is "
    "running"
)


class Conflict(Exception):
    """Raised for a poll that another poll has ended."""


@dataclass(frozen=True, slots=True)
class _Update:
    id: int
    kind: str
    content: dict[str, Any]


class Updates:
    """The updates that were not confirmed yet.

    One poll waits at a time: a second one ends the first, as Telegram does. What a bot does not
    allow is dropped when it comes, not when it is asked for.
    """

    def __init__(self) -> None:
        self.polls = 0
        self._waiting: list[_Update] = []
        self._next_id = FIRST_UPDATE
        self._allowed: frozenset[str] = frozenset()
        self._changed = asyncio.Event()
        self._newest_poll = 0

    def add(self, kind: str, content: dict[str, Any]) -> int:
        """Add an update and return its id."""
        update = _Update(self._next_id, kind, content)
        self._next_id += 1
        if not self._allowed or kind in self._allowed:
            self._waiting.append(update)
            self._changed.set()
        return update.id

    @property
    def unconfirmed(self) -> int:
        """How many the bot has not confirmed."""
        return len(self._waiting)

    async def poll(
        self,
        offset: int,
        limit: int,
        timeout_seconds: float,
        allowed: Sequence[str] | None,
    ) -> list[dict[str, Any]]:
        """Wait for updates from ``offset`` on, confirming all before it; raises Conflict."""
        self.polls += 1
        self._newest_poll += 1
        me = self._newest_poll
        self._changed.set()
        if allowed is not None:
            self._allowed = frozenset(allowed)
        if offset < 0:
            self._waiting = self._waiting[offset:]
        else:
            self._waiting = [update for update in self._waiting if update.id >= offset]
        try:
            async with asyncio.timeout(timeout_seconds or 0.001):
                while not self._waiting:
                    self._changed = asyncio.Event()
                    await self._changed.wait()
                    self._give_way(me)
        except TimeoutError:
            self._give_way(me)
        return [
            {"update_id": update.id, update.kind: update.content}
            for update in self._waiting[: min(limit, MOST_AT_ONCE)]
        ]

    def _give_way(self, me: int) -> None:
        if self._newest_poll != me:
            raise Conflict(TERMINATED)
