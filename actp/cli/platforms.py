"""Accepted names of platforms and services, with suggestions for typos."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from actp.errors import InvalidInput
from actp.safari.catalogue import SERVICES

__all__ = ["EVERYTHING", "PAUSABLE", "known_platform", "known_services"]

EVERYTHING: Final = "all"
# market-research and the local actions count as their own platforms.
PAUSABLE: Final = tuple(
    sorted({s.platform for s in SERVICES.values() if s.platform} | {"research", "local"})
)


def known_platform(name: str, known: tuple[str, ...] = PAUSABLE) -> str:
    """Return the platform in lower case; raises InvalidInput with the nearest known one."""
    given = name.strip().lower()
    if given not in known:
        raise InvalidInput(f"unknown platform: {given[:40]}", remedy=_way(given, known))
    return given


def known_services(names: str | None) -> tuple[str, ...]:
    """Return the services of a list with commas, all without one; raises InvalidInput."""
    if names is None:
        return tuple(SERVICES)
    given = tuple(dict.fromkeys(part.strip().lower() for part in names.split(",") if part.strip()))
    for name in given:
        if name not in SERVICES:
            raise InvalidInput(f"unknown service: {name[:40]}", remedy=_way(name, tuple(SERVICES)))
    if not given:
        raise InvalidInput("no service is named", remedy=_way("", tuple(SERVICES)))
    return given


def _way(given: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(given, known, n=1)
    return f"{f'Did you mean {near[0]}? ' if near else ''}Known here: {', '.join(known)}."
