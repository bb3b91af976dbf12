"""Which services there are, in which order, and where they listen."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "BLOTATO",
    "CATALOGUE",
    "CLAUDE",
    "CONTROL",
    "NAMES",
    "NEIGHBOURS",
    "REMOTION",
    "TELEGRAM",
    "Place",
    "ports",
]

CONTROL = "control"
CONTROL_PORT = 3190
TELEGRAM = "telegram"
CLAUDE = "claude"
BLOTATO = "blotato"
REMOTION = "remotion"


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

# APIs that are no Safari services; in this order their ports follow that of the control routes.
NEIGHBOURS = (TELEGRAM, CLAUDE, BLOTATO, REMOTION)


def ports(port_base: int | None = None) -> dict[str, int]:
    """Give the port of each service, of the control routes and of each neighbour.

    Without a base those of the services are the real ones; with a base N they are N, N+1, …,
    N+9 for control, N+10 for Telegram and so on.
    """
    others = (CONTROL, *NEIGHBOURS)
    if port_base is None:
        real = {place.name: place.port for place in CATALOGUE}
        return real | {name: CONTROL_PORT + offset for offset, name in enumerate(others)}
    return {name: port_base + offset for offset, name in enumerate((*NAMES, *others))}
