"""Wakes actors at a NOTIFY of the database, where the store can listen."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from actors.runtime.messages import Wake

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from actors.runtime.registry import Registry
    from actp.store import Listener

__all__ = ["wake_on_notify"]

LISTEN_SECONDS: Final = 5.0


@contextmanager
def wake_on_notify(
    listener: Listener | None, registry: Registry, names: Collection[str]
) -> Iterator[None]:
    """Send Wake to these actors at each notification; without a listener nothing happens."""
    if listener is None:
        yield
        return
    ended = threading.Event()

    def listen() -> None:
        while not ended.is_set():
            if (notification := listener.wait(LISTEN_SECONDS)) is not None:
                for name in names:
                    registry.tell(name, Wake(notification.services))

    with closing(listener):
        threading.Thread(target=listen, name="listener", daemon=True).start()
        try:
            yield
        finally:
            ended.set()
