"""Opens the database that the settings name, for one command."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from actp.settings import Settings, load_settings
from actp.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["command_id", "database"]


@contextmanager
def database(settings: Settings | None = None) -> Iterator[Store]:
    """Yield the store and close it afterwards."""
    store = open_store(settings or load_settings(), application_name="actp cli")
    try:
        yield store
    finally:
        store.close()


def command_id(store: Store, beginning: str) -> str:
    """Return the whole id for its first four or more digits."""
    return str(store.call("safari_find", id=beginning))
