"""The posts that the profile of any person shows."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from simulator.scenario import ServiceSettings

__all__ = ["handle_of", "post_urls"]

POSTS_OF_A_PERSON = 5
_SHAPES = {
    "instagram": "https://www.instagram.com/p/{handle}{number}/",
    "threads": "https://www.threads.com/@{handle}/post/{handle}{number}",
    "tiktok": "https://www.tiktok.com/@{handle}/video/{number}",
    "twitter": "https://x.com/{handle}/status/{number}",
}


def post_urls(platform: str, handle: str, settings: ServiceSettings) -> list[str]:
    """List addresses, newest first: those of the scenario, else a few of the person's own."""
    if settings.posts is not None:
        return [str(post.get("url", "")) for post in settings.posts]
    shape = _SHAPES[platform]
    numbers = range(POSTS_OF_A_PERSON, 0, -1)
    return [shape.format(handle=handle, number=1000 + number) for number in numbers]


def handle_of(url: str) -> str:
    """Give the person whose profile an address shows."""
    return urlsplit(url).path.strip("/").split("/")[0].lstrip("@")
