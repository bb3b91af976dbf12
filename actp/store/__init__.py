"""Database access: ``call(function, **arguments)`` returns JSON."""

from __future__ import annotations

from actp.store.factory import open_store
from actp.store.protocol import Json, Listener, Notification, Store

__all__ = ["Json", "Listener", "Notification", "Store", "open_store"]
