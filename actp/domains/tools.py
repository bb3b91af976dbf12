"""What a task of a domain is given to work with."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from actp.clients.claude import Claude
from actp.store import open_store

if TYPE_CHECKING:
    from types import TracebackType

    from actp.settings import Settings
    from actp.store import Json, Store

__all__ = ["Tools"]


@dataclass(frozen=True)
class Tools:
    """The settings, and each outside part, opened when it is first used.

    Used as a context manager, which closes what was opened.
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
        claude = Claude(self.settings)
        self._opened.callback(claude.close)
        return claude

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
