"""Which actions a service may be counted under."""

from __future__ import annotations

from contextlib import suppress

from actp.errors import InvalidInput
from actp.safari.catalogue import ACTIONS, RESEARCH_PLATFORMS, SERVICES, route

__all__ = ["actions_of"]

_PLATFORMS = {
    *RESEARCH_PLATFORMS,
    *(service.platform for service in SERVICES.values() if service.platform),
}


def actions_of(service: str) -> tuple[str, ...]:
    """Return the actions that some platform routes to the service."""
    found = set()
    for action in ACTIONS:
        for platform in _PLATFORMS:
            with suppress(InvalidInput):
                if route(action, platform).name == service:
                    found.add(action)
    return tuple(sorted(found))
