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
    "RECEIVER",
    "REMOTION",
    "TELEGRAM",
    "Place",
    "ports",
    "site_of",
]

CONTROL = "control"
CONTROL_PORT = 3190
TELEGRAM = "telegram"
CLAUDE = "claude"
BLOTATO = "blotato"
REMOTION = "remotion"
RECEIVER = "receiver"


@dataclass(frozen=True, slots=True)
class Place:
    """One service, the port it has on the real machine, and the site whose tab it needs."""

    name: str
    port: int
    site: str


CATALOGUE = (
    Place("instagram-dm", 3001, "instagram"),
    Place("twitter-dm", 3003, "twitter"),
    Place("threads-comments", 3004, "threads"),
    Place("instagram-comments", 3005, "instagram"),
    Place("tiktok-comments", 3006, "tiktok"),
    Place("twitter-comments", 3007, "twitter"),
    Place("tiktok-dm", 3102, "tiktok"),
    Place("linkedin-automation", 3105, "linkedin"),
    Place("market-research", 3106, "google"),
)

NAMES = tuple(place.name for place in CATALOGUE)

# APIs that are no Safari services; in this order their ports follow that of the control routes.
NEIGHBOURS = (TELEGRAM, CLAUDE, BLOTATO, REMOTION, RECEIVER)


def site_of(service: str) -> str:
    """Return the site whose tab a service needs."""
    return next(place.site for place in CATALOGUE if place.name == service)


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
