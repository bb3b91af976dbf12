"""The tools that a task of a domain receives."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from actp.clients.claude import Claude
from actp.store import open_store

if TYPE_CHECKING:
    from types import TracebackType

    from actp.clients.blotato.client import Blotato
    from actp.safari.client import SafariClient
    from actp.settings import Settings
    from actp.store import Json, Store

__all__ = ["Tools"]

# Each name leaves a small file behind; so few are enough for the agents of a host.
TURN_NAMES = 16

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tools:
    """The settings, and each outside part, opened when it is first used.

    Used as a context manager, which closes what was opened, and keeps in the database what was
    asked of Claude: nobody scrapes a process that lives for seconds.
    """

    settings: Settings

    @cached_property
    def store(self) -> Store:
        """The database."""
        store = open_store(self.settings, application_name="actp agent")
        self._opened.callback(store.close)
        return store

    @cached_property
    def claude(self) -> Claude:
        """Claude, who may be without a key."""
        store = self.store  # opened before, it is closed after what it keeps
        claude = Claude(self.settings)
        self._opened.callback(claude.close)
        self._opened.callback(_keep_asked, store, claude)
        return claude

    @cached_property
    def blotato(self) -> Blotato:
        """Blotato, which may be without a key."""
        from actp.clients.blotato.client import Blotato  # noqa: PLC0415  # most tasks need no HTTP

        blotato = Blotato(self.settings)
        self._opened.callback(blotato.close)
        return blotato

    @cached_property
    def safari(self) -> SafariClient:
        """The services, for what they read off their pages; with the host's turn at Safari."""
        from actp.safari.client import SafariClient  # noqa: PLC0415  # most tasks need no HTTP

        # Two that meet at one name take turns like everybody else.
        safari = SafariClient(self.settings, holder=f"agent-{os.getpid() % TURN_NAMES}")
        self._opened.callback(safari.close)
        return safari

    def alert(self, kind: str, key: str, detail: dict[str, Json]) -> None:
        """Put an alert into the outbox; the same kind and key are told once, ever."""
        self.store.call("safari_raise_alert", key=f"{kind}:{key}", kind=kind, detail=detail)

    @cached_property
    def _opened(self) -> ExitStack:
        return ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.close()


def _keep_asked(store: Store, claude: Claude) -> None:
    if not (usage := claude.asked()):
        return
    try:
        store.call("agent_claude_record", run=str(uuid4()), usage=usage)
    except Exception as error:  # noqa: BLE001 - what the run itself did or could not do counts more
        _log.warning("could not store Claude usage: %s", error, extra={"action": "claude_unkept"})
