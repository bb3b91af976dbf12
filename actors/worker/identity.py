"""The identity of a worker process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["WorkerIdentity"]


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """Who this process is, and what it owns."""

    boot_id: str
    host_key: str
    worker: str
    services: tuple[str, ...]
    lease_seconds: float
    spool_folder: Path
    policies: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)

    @property
    def marks_folder(self) -> Path:
        """Return where this host remembers what it sent, outside the database."""
        return self.spool_folder.with_name("marks")
