"""The one door to the database: ``call(function, **arguments)`` returns JSON."""

from __future__ import annotations

from actp.store.factory import open_store
from actp.store.protocol import Json, Listener, Store

__all__ = ["Json", "Listener", "Store", "open_store"]
