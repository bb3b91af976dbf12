"""Names of actors, so that a message reaches the actor that has the name now."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pykka

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger(__name__)


class Registry:
    """Finds an actor by name; a restarted actor takes its predecessor's place."""

    def __init__(self) -> None:
        self._refs: dict[str, pykka.ActorRef[Any]] = {}

    def connect(self, name: str, ref: pykka.ActorRef[Any]) -> None:
        """Let messages for ``name`` go to ``ref`` from now on."""
        self._refs[name] = ref

    def tell(self, name: str, message: object) -> bool:
        """Leave a message; False when nobody alive bears the name, and it is gone."""
        ref = self._refs.get(name)
        if ref is None:
            return False
        try:
            ref.tell(message)
        except pykka.ActorDeadError:
            kind = type(message).__name__
            _log.warning("%s found %s dead", kind, name, extra={"action": "dead_letter"})
            return False
        return True

    def tell_all(self, message: object, *, but: str | None = None) -> None:
        """Leave a message with everybody, or everybody but one."""
        for name in self:
            if name != but:
                self.tell(name, message)

    def __iter__(self) -> Iterator[str]:
        """Return the names in the order in which they were first connected."""
        return iter(tuple(self._refs))
