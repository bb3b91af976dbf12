"""Reads the figures of a post from its page, through the service of its platform."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.counts import first_count
from actp.errors import ServiceRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actp.safari.client import SafariClient

__all__ = ["UNMEASURED", "read_page", "service_of"]

LOOK_TIMEOUT_SECONDS: Final = 60.0
# Why the figures of a platform's posts are not to be had.
UNMEASURED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "linkedin": "no service shows the figures of a post on LinkedIn",
        "youtube": "videos are measured from youtube_video_stats",
        "facebook": "no service shows the figures of a post on Facebook",
        "pinterest": "no service shows the figures of a pin",
    }
)


def service_of(platform: str) -> str | None:
    """Return the service that shows the figures of a platform's posts; None without one."""
    return f"{platform}-comments" if platform in _READERS else None


def read_page(
    safari: SafariClient, platform: str, url: str, post_id: str
) -> dict[str, int | None] | str:
    """Return views, likes, shares and replies as far as a page shows them, or why it shows none.

    Raises ServiceError.
    """
    try:
        with safari.turn(LOOK_TIMEOUT_SECONDS, f"{platform} figures of a post"):
            said = _READERS[platform](safari, url)
    except ServiceRefused as error:
        if error.status == 404:
            return "the post was not found, or its page could not be read"
        raise
    shown: Mapping[str, Any] = said if isinstance(said, dict) else {}
    place = shown.get("currentUrl") or shown.get("url")
    if isinstance(place, str) and post_id not in place:
        return "the tab shows another page"
    counts = {
        "views": first_count(shown, "views"),
        "likes": first_count(shown, "likes"),
        "shares": first_count(shown, "shares", "retweets", "reposts"),
        "replies": first_count(shown, "replies", "comments"),
    }
    if platform == "tiktok" and counts["views"] == counts["likes"]:
        # Where the counter of views is not found, the service answers the likes in its place.
        counts["views"] = None
    if counts["views"] == 0:
        counts["views"] = None  # somebody has always seen a post that is out
    # A service answers zeros for what it does not find.
    return counts if any(counts.values()) else "the page shows no figures"


def _twitter(safari: SafariClient, url: str) -> Any:
    said = safari.post(
        "twitter-comments",
        "/api/twitter/tweet/detail",
        body={"url": url},
        timeout_seconds=LOOK_TIMEOUT_SECONDS,
    )
    return said.get("tweet") if isinstance(said, dict) else None


def _threads(safari: SafariClient, url: str) -> Any:
    return safari.get(
        "threads-comments",
        "/api/threads/extract",
        params={"postUrl": url},
        timeout_seconds=LOOK_TIMEOUT_SECONDS,
    )


def _tiktok(safari: SafariClient, url: str) -> Any:
    return _opened(safari, "tiktok-comments", "tiktok", url, "/api/tiktok/video-metrics")


def _instagram(safari: SafariClient, url: str) -> Any:
    return _opened(safari, "instagram-comments", "instagram", url, "/api/instagram/post/metrics")


def _opened(safari: SafariClient, service: str, platform: str, url: str, path: str) -> Any:
    """Open the page of a post and read it; both in the one turn of the caller."""
    safari.post(
        service,
        f"/api/{platform}/navigate",
        body={"url": url},
        timeout_seconds=LOOK_TIMEOUT_SECONDS,
    )
    return safari.get(service, path, timeout_seconds=LOOK_TIMEOUT_SECONDS)


_READERS: Final[Mapping[str, Callable[[SafariClient, str], Any]]] = MappingProxyType(
    {"twitter": _twitter, "tiktok": _tiktok, "instagram": _instagram, "threads": _threads}
)
