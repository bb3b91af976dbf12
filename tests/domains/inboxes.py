"""Inboxes of the simulator, for tests that have them read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.settings import SERVICE_SETTINGS

if TYPE_CHECKING:
    from simulator.process import SimulatorProcess

__all__ = ["service_urls", "shows"]


def service_urls(simulator: SimulatorProcess) -> dict[str, str]:
    """Return the settings that lead to the simulator's services."""
    return {f"{prefix}_URL": simulator.url(name) for name, prefix in SERVICE_SETTINGS.items()}


def shows(simulator: SimulatorProcess, *items: dict[str, Any], service: str = "twitter-dm") -> None:
    """Let a service list these conversations."""
    simulator.play({"services": {service: {"conversations": list(items)}}})
