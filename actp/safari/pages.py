"""The pages of posts, and the routes by which services say which one they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LIMIT_WORDS", "PAGE_WITHOUT_POSTS", "SHOWN", "Shown"]

# A page of Twitter on which nobody has written anything.
PAGE_WITHOUT_POSTS: Final = "https://x.com/settings"

# The words anywhere in a page that a driver takes for a limit, in lower case.
LIMIT_WORDS: Final = {
    "instagram-dm": (
        "action blocked",
        "try again later",
        "temporarily blocked",
        "slow down",
        "too many requests",
    ),
    "tiktok-comments": ("too many comments",),
    "tiktok-dm": (
        "you are visiting too fast",
        "temporarily blocked",
        "verify you are human",
        "too many requests",
        "slow down",
    ),
}


class Shown(NamedTuple):
    """How a service shows a post and says where its page is.

    ``first_author`` is whose post stands first on the page, where the service says so: a reply has
    the post that it answers above it, and the drivers comment on the first.
    ``again_seconds`` are the pauses before it is asked again: a page may come late, and a route
    that opens the page anew must give it the time to arrive.
    ``failure_script`` returns where the page holds words that the driver takes for a failure: in a
    ``post``, or elsewhere on the ``page``.
    """

    open_path: str | None
    ask: Callable[[str], tuple[str, str, dict[str, str] | None]]
    address: Callable[[dict[str, Any]], Any]
    again_seconds: tuple[float, ...]
    first_author: Callable[[dict[str, Any]], Any] = lambda _: None
    failure_script: str | None = None


def _failure_script(holds: str, posts: str) -> str:
    """Return a script that looks as the driver does, with and without the text of the posts."""
    look = f"""
        function holds(t){{return {holds};}}
        var all=(document.querySelector('[data-testid="primaryColumn"]')||document.body).innerText,
          own='',rest=all,posts=document.querySelectorAll('{posts}');
        for(var i=0;i<posts.length;i++){{
          var text=posts[i].innerText;
          own+=text+' ';
          if(text)rest=rest.split(text).join(' ');
        }}
        return !holds(all)?'':holds(own)||!holds(rest)?'post':'page';
    """
    return f"(function(){{try{{{' '.join(look.split())}}}catch(_){{return '';}}}})()"


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
        lambda said: said.get("author"),
        _failure_script(
            "t.includes('Something went wrong')||(t.includes('rate')&&t.includes('limit'))",
            "[data-pressable-container]",
        ),
    ),
    "twitter-comments": Shown(
        None,
        lambda url: ("POST", "/api/twitter/tweet/detail", {"url": url}),
        _tweet_address,
        (12.0,),
        lambda said: said["tweet"].get("handle"),
        _failure_script(
            "t.includes('Something went wrong')||t.includes('Rate limit')",
            'article[data-testid="tweet"]',
        ),
    ),
}
