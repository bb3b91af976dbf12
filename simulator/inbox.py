"""The conversations that a DM service shows: scripted ones, what was sent, and who wrote back."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.exchange import Json

__all__ = ["Inbox"]

KEPT_CONVERSATIONS = 200


class Inbox:
    """Remembers the latest message with each person; survives a crash of the service."""

    def __init__(self) -> None:
        self._latest: OrderedDict[str, Json] = OrderedDict()
        self.messaged: set[str] = set()

    def sent(self, handle: str, text: str, at: str) -> None:
        """Take note of a message that went out."""
        self.messaged.add(handle)
        self._last(handle, {"lastMessage": text, "lastMessageAt": at})

    def received(self, handle: str, text: str, at: str | None) -> None:
        """Take note of a message that came in; without a time the list shows none."""
        dated = {} if at is None else {"lastMessageAt": at}
        self._last(handle, {"lastMessage": text, **dated, "unread": True})

    def name(self, handle: str, name: str) -> None:
        """Show a person under a name."""
        self._latest[handle]["name"] = name

    def conversations(self, key: str, scripted: Sequence[Json]) -> list[dict[str, Any]]:
        """List conversations, newest first; ``key`` names the field that holds the person."""
        own = [{key: handle, **latest} for handle, latest in reversed(self._latest.items())]
        return [*scripted, *own]

    def _last(self, handle: str, latest: Json) -> None:
        named = {k: v for k, v in self._latest.get(handle, {}).items() if k == "name"}
        self._latest[handle] = {**named, **latest}
        self._latest.move_to_end(handle)
        if len(self._latest) > KEPT_CONVERSATIONS:
            self._latest.popitem(last=False)
