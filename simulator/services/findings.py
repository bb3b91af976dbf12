"""What a research finds: made up, but the same for the same question."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["niche_result", "posts", "result_file"]

POSTS = 10
# What a result calls the posts of a platform; of those that are not here, posts.
POSTS_NAMES = {"twitter": "tweets", "tiktok": "videos"}
HOOKS = (
    "What nobody tells you about {}",
    "We measured {} for 90 days",
    "Stop overthinking {}",
    "Three tools for {} that pay for themselves",
    "I was wrong about {}",
)


def posts(platform: str, query: str) -> list[dict[str, Any]]:
    """Give the posts on a platform about a subject."""
    dice = random.Random(f"{platform}:{query}")
    return [_post(platform, query, number, dice) for number in range(POSTS)]


def niche_result(
    platform: str, niche: str, scripted: Iterable[Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Give what a job finds of a niche: posts, under the name their platform has for them."""
    found = [dict(post) for post in scripted] if scripted is not None else _cards(platform, niche)
    return {
        "niche": niche,
        "query": niche,
        POSTS_NAMES.get(platform, "posts"): found,
        "creators": _creators(found),
        "totalCollected": len(found),
    }


def result_file(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give what a job writes to its file."""
    everybody = [creator for result in results for creator in result["creators"]]
    return {"metadata": {"label": "niche"}, "results": results, "allCreators": everybody}


def _cards(platform: str, niche: str) -> list[dict[str, Any]]:
    """Give posts as the cards of a search show them: on TikTok with their views only."""
    found = posts(platform, niche)
    if platform != "tiktok":
        return found
    nothing = {"likes": 0, "comments": 0, "shares": 0, "engagementScore": 0}
    shown = ("id", "author", "url", "views")
    return [
        {**{name: post[name] for name in shown}, "description": post["text"], **nothing}
        for post in found
    ]


def _creators(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the authors of posts, the most engaging first.

    A post whose score is null leaves the total of its author unknown.
    """
    totals: dict[str, dict[str, Any]] = {}
    for post in found:
        author = str(post.get("author", ""))
        creator = totals.setdefault(
            author,
            {
                "handle": author,
                "displayName": author.title(),
                "followers": 0,
                "bio": "",
                "tweetCount": 0,
                "totalEngagement": 0,
            },
        )
        creator["tweetCount"] += 1
        score, total = post.get("engagementScore", 0), creator["totalEngagement"]
        creator["totalEngagement"] = None if None in (score, total) else total + int(score)
    return sorted(totals.values(), key=lambda c: int(c["totalEngagement"] or 0), reverse=True)


def _post(platform: str, query: str, number: int, dice: random.Random) -> dict[str, Any]:
    author = f"{platform}_maker_{dice.randrange(6)}"
    likes, retweets, replies = dice.randrange(900), dice.randrange(200), dice.randrange(90)
    url = f"https://www.{platform}.com/{author}/status/{abs(hash_of(query)) + number}"
    return {
        "id": str(number),
        "text": dice.choice(HOOKS).format(query),
        "author": author,
        "authorDisplayName": author.title(),
        "url": url,
        "likes": likes,
        "retweets": retweets,
        "replies": replies,
        "comments": replies,
        "shares": retweets,
        "views": likes * 40,
        "engagementScore": likes + retweets * 2 + replies * 3,
    }


def hash_of(text: str) -> int:
    """Give a number that is the same in every run."""
    return int.from_bytes(text.encode()[:6].ljust(6, b"_"), "big")
