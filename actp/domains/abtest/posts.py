"""Finds the two posts of a test on Twitter, and reads their figures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from actp.domains.abtest.verdict import Counts, unmeasured
from actp.errors import InvalidInput, ServiceRefused
from actp.safari.addresses import clean_post_url, handle_in_post
from actp.safari.texts import normalised_text

if TYPE_CHECKING:
    from actp.safari.client import SafariClient

__all__ = ["counts_of", "tweet_by_text", "tweet_id"]

SERVICE: Final = "twitter-comments"
LOOK_TIMEOUT_SECONDS: Final = 60.0
TWEETS: Final = 40
_TWEET_ID = re.compile(r"/status/(\d+)")


def tweet_by_text(safari: SafariClient, own_url: str, text: str) -> str | None:
    """Return the address of the tweet with this text by the author of another; None if not shown.

    Raises ServiceError.
    """
    handle = handle_in_post("twitter", own_url)
    if handle is None:
        return None
    body = {"handle": handle, "maxResults": TWEETS}
    said = safari.post(
        SERVICE, "/api/twitter/timeline", body=body, timeout_seconds=LOOK_TIMEOUT_SECONDS
    )
    tweets = said.get("tweets") if isinstance(said, dict) else None
    for tweet in tweets if isinstance(tweets, list) else []:
        if isinstance(tweet, dict) and _same(str(tweet.get("text") or ""), text):
            try:
                return clean_post_url("twitter", str(tweet.get("tweetUrl") or ""))
            except InvalidInput:
                continue
    return None


def counts_of(safari: SafariClient, url: str) -> Counts | str:
    """Return what a tweet brought so far, or why it cannot be said; raises ServiceError.

    The counts of its page are preferred: the metrics route answers zeros for what it cannot find.
    """
    try:
        said = safari.post(
            SERVICE,
            "/api/twitter/tweet/detail",
            body={"url": url},
            timeout_seconds=LOOK_TIMEOUT_SECONDS,
        )
    except ServiceRefused as error:
        if error.status == 404:
            return "is gone"
        raise
    tweet = said.get("tweet") if isinstance(said, dict) else None
    shown = tweet if isinstance(tweet, dict) else {}
    counts = Counts.read(shown)
    return counts or f"shows no {', '.join(unmeasured(shown))}"


def tweet_id(url: str) -> str | None:
    """Return the number of a tweet."""
    found = _TWEET_ID.search(url)
    return found[1] if found else None


def _same(shown: str, text: str) -> bool:
    # Tweets are sent with typographic apostrophes, and a timeline cuts long ones.
    plain = [normalised_text(each).replace("\u2019", "'") for each in (shown, text)]
    squeezed: list[Any] = [" ".join(each.split()) for each in plain]
    beginning = squeezed[0].rstrip("…").rstrip()
    return len(beginning) > 20 and squeezed[1].startswith(beginning)
