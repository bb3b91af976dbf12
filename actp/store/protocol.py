"""The interface of all database adapters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic import SecretStr

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Notification:
    """New work, for these services; no names stand for all of them."""

    services: frozenset[str] = frozenset()


class Listener(Protocol):
    """Hears that there is work, from one thread; ``close`` may come from another."""

    def wait(self, timeout_seconds: float) -> Notification | None:
        """Return what was notified; None when the time is over or the listener was closed.

        One without names follows each new connection, the first one included: notifications
        sent while the listener was disconnected are lost. A lost database is not an error here;
        it is sought again, with backoff, until the time is over.
        """

    def close(self) -> None:
        """Wake the waiting thread and give the connection back; may be called twice."""


class Store(Protocol):
    """The one door to the database; threads may share it."""

    def call(self, function: str, /, **arguments: Json) -> Any:
        """Run one database function in its own transaction and return its decoded JSON.

        A ``jsonb`` argument takes a mapping, a sequence or None. A call that lost its
        connection may be sent once more, so every function must bear repetition.

        Raises NotFound, InvalidInput or WrongState as the function says, and StoreError.
        """

    def listener(self) -> Listener | None:
        """Return a listener, or None where the way to the database carries no NOTIFY."""

    def close(self) -> None:
        """Give back every connection; may be called twice."""


class StoreSettings(Protocol):
    """The part of the settings that chooses a database."""

    @property
    def store_kind(self) -> str:
        """Return ``postgres``, ``supabase`` or ``embedded``."""

    @property
    def database_url(self) -> SecretStr | None:
        """Return the address for ``postgres``."""

    @property
    def supabase_url(self) -> Any:
        """Return the address of the project for ``supabase``."""

    @property
    def supabase_service_role_key(self) -> SecretStr | None:
        """Return the key for ``supabase``."""

    @property
    def actp_home(self) -> Path:
        """Return the folder that holds the data of ``embedded``."""
