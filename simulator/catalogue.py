"""Which services there are, in which order, and where they listen."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CATALOGUE", "CONTROL", "NAMES", "TELEGRAM", "Place", "ports"]

CONTROL = "control"
CONTROL_PORT = 3190
TELEGRAM = "telegram"
TELEGRAM_PORT = 3191


@dataclass(frozen=True, slots=True)
class Place:
    """One service and the port it has on the real machine."""

    name: str
    port: int


CATALOGUE = (
    Place("instagram-dm", 3001),
    Place("twitter-dm", 3003),
    Place("threads-comments", 3004),
    Place("instagram-comments", 3005),
    Place("tiktok-comments", 3006),
    Place("twitter-comments", 3007),
    Place("tiktok-dm", 3102),
    Place("linkedin-automation", 3105),
    Place("market-research", 3106),
)

NAMES = tuple(place.name for place in CATALOGUE)


def ports(port_base: int | None = None) -> dict[str, int]:
    """Give the port of each service, of the control routes and of Telegram.

    Without a base those of the services are the real ones; with a base N they are N, N+1, …,
    N+9 for control and N+10 for Telegram.
    """
    if port_base is None:
        real = {place.name: place.port for place in CATALOGUE}
        return real | {CONTROL: CONTROL_PORT, TELEGRAM: TELEGRAM_PORT}
    names = (*NAMES, CONTROL, TELEGRAM)
    return {name: port_base + offset for offset, name in enumerate(names)}
