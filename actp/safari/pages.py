"""The pages on which services act, and the routes by which they say where a page is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PROFILES", "SHOWN", "Profiles", "Shown"]


class Shown(NamedTuple):
    """How a service shows a post and says where its page is.

    ``again_seconds`` are the pauses before it is asked again: a page may come late, and a route
    that opens the page anew must give it the time to arrive.
    """

    open_path: str | None
    ask: Callable[[str], tuple[str, str, dict[str, str] | None]]
    address: Callable[[dict[str, Any]], Any]
    again_seconds: tuple[float, ...]


def _threads_address(said: dict[str, Any]) -> Any:
    # Without an author the page could not be read, and the address is the one asked for.
    return said.get("url") if said.get("author") else None


def _tweet_address(said: dict[str, Any]) -> Any:
    tweet = said.get("tweet")
    return tweet.get("url") if isinstance(tweet, dict) else None


SHOWN: Final = {
    "instagram-comments": Shown(
        "/api/instagram/navigate",
        lambda _: ("GET", "/api/instagram/post/metrics", None),
        lambda said: said.get("url"),
        (2.0, 3.0, 4.0, 5.0),
    ),
    "tiktok-comments": Shown(
        "/api/tiktok/navigate",
        lambda _: ("GET", "/api/tiktok/video-metrics", None),
        lambda said: said.get("currentUrl"),
        (2.0, 3.0, 4.0, 5.0),
    ),
    "threads-comments": Shown(
        None,
        lambda url: ("GET", f"/api/threads/extract?postUrl={quote(url, safe='')}", None),
        _threads_address,
        (12.0,),
    ),
    "twitter-comments": Shown(
        None,
        lambda url: ("POST", "/api/twitter/tweet/detail", {"url": url}),
        _tweet_address,
        (12.0,),
    ),
}


class Profiles(NamedTuple):
    """How a service of messages is asked where its page is, and where nobody's profile is open."""

    ask_path: str
    script_key: str
    answer_key: str
    inbox_path: str
    path: re.Pattern[str]


# A driver that finds another person's profile still on the screen writes to that person.
PROFILES: Final = {
    "instagram-dm": Profiles(
        "/api/execute",
        "script",
        "output",
        "/api/inbox/navigate",
        re.compile(r"/(?!direct/|explore/|reels?/|p/|accounts/|stories/)([A-Za-z0-9._]+)/?"),
    ),
    "twitter-dm": Profiles(
        "/api/twitter/execute",
        "script",
        "output",
        "/api/twitter/inbox/navigate",
        re.compile(
            r"/(?!home\b|messages\b|explore\b|notifications\b|i/|search\b|settings\b)(\w+)/?"
        ),
    ),
    "tiktok-dm": Profiles(
        "/api/execute",
        "script",
        "output",
        "/api/tiktok/inbox/navigate",
        re.compile(r"/@([A-Za-z0-9._]+)/?"),
    ),
    "linkedin-automation": Profiles(
        "/api/linkedin/debug/js",
        "js",
        "result",
        "/api/linkedin/navigate/messaging",
        re.compile(r"/in/([^/]+)/?.*"),
    ),
}
