"""A simulator with clients: callers of services that share one Safari."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from actp.safari.client import SafariClient
from actp.safari.turns import TurnTable
from actp.settings import SERVICE_SETTINGS, Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from simulator.process import SimulatorProcess

SOMEBODY = "twitter-dm"


def simulator_settings(simulator: SimulatorProcess, folder: Path, **more: str) -> Settings:
    """Return settings that lead to the simulator; clients with one folder share Safari."""
    urls = {f"{prefix}_URL": simulator.url(name) for name, prefix in SERVICE_SETTINGS.items()}
    own = {"ACTP_ENV_FILE": "", "ACTP_LOCK_DIR": str(folder), "RESEARCH_POLL_SECONDS": "0.02"}
    return load_settings({**urls, **own, **more})


@contextmanager
def safari_client(
    settings: Settings, holder: str = "a-client", wait_seconds: float = 30
) -> Iterator[SafariClient]:
    """Give safari that wait shortly for their turn."""
    safari = SafariClient(settings, holder=holder, turn_wait_seconds=wait_seconds)
    try:
        yield safari
    finally:
        safari.close()


@contextmanager
def taken(settings: Settings) -> Iterator[TurnTable]:
    """Let somebody else hold the turn, until ``release(SOMEBODY)`` or the end of the block."""
    table = TurnTable(settings.actp_lock_dir, settings.safari_turns)
    assert table.try_take(SOMEBODY, 0.0)
    try:
        yield table
    finally:
        table.release(SOMEBODY)
        table.close()


def is_free(settings: Settings) -> bool:
    """Say whether somebody else could drive Safari now."""
    table = TurnTable(settings.actp_lock_dir, settings.safari_turns)
    try:
        free = table.try_take(SOMEBODY, 0.0)
        table.release(SOMEBODY)
        table.unwant(SOMEBODY)
        return free
    finally:
        table.close()
