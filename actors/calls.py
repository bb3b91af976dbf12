"""Lets actors hear the calls of the database: NOTIFY, where there is one."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from actors.messages import Wake

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from actors.switchboard import Switchboard
    from actp.store import Store

__all__ = ["calls_heard"]

LISTEN_SECONDS: Final = 5.0


@contextmanager
def calls_heard(store: Store, switchboard: Switchboard, names: Collection[str]) -> Iterator[None]:
    """Wake these actors at each call meanwhile; where nobody calls, nothing happens."""
    listener = store.listener()
    if listener is None:
        yield
        return
    ended = threading.Event()

    def listen() -> None:
        while not ended.is_set():
            if listener.wait(LISTEN_SECONDS):
                for name in names:
                    switchboard.tell(name, Wake())

    with closing(listener):
        threading.Thread(target=listen, name="listener", daemon=True).start()
        try:
            yield
        finally:
            ended.set()
