"""Parses research results from each platform's format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from actp.counts import first_count, first_number
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Creator", "Findings", "Post", "read_findings"]

MAX_TEXT_CHARS: Final = 2000
MAX_NAME_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Post:
    """A post that was found; ``author`` is a handle without @, counts nobody gave are None."""

    text: str
    url: str
    author: str
    id: str = ""
    author_name: str = ""
    author_followers: int | None = None
    likes: int | None = None
    replies: int | None = None
    reposts: int | None = None
    quotes: int | None = None
    bookmarks: int | None = None
    views: int | None = None
    engagement_score: float = 0.0


@dataclass(frozen=True, slots=True)
class Creator:
    """Somebody who posts about a niche; ``handle`` is without @."""

    handle: str
    display_name: str
    followers: int | None = None
    engagement_score: float | None = None
    top_post_text: str = ""
    top_post_url: str = ""
    bio: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one niche brought: creators and posts, the most engaging first."""

    platform: str
    niche: str
    creators: tuple[Creator, ...]
    posts: tuple[Post, ...]

    @property
    def is_empty(self) -> bool:
        """Whether neither anybody nor anything was found."""
        return not (self.creators or self.posts)


def read_findings(platform: str, niche: str, data: object) -> Findings:
    """Read the results of a job: the file it wrote, one object, or a list with one for each niche.

    What has neither text nor handle is left out.
    """
    found = _of_niche(niche, data)
    posts = [p for item in _objects(found, "tweets", "posts", "videos") if (p := _post(item)).text]
    posts.sort(key=lambda post: post.engagement_score, reverse=True)
    best: dict[str, Post] = {}
    for post in posts:
        best.setdefault(post.author.lower(), post)
    creators = [
        creator
        for item in _objects(found, "topCreators", "creators")
        if (creator := _creator(item, best)).handle
    ]
    creators.sort(key=lambda creator: creator.engagement_score or 0.0, reverse=True)
    return Findings(platform, niche, tuple(creators), tuple(posts))


def _of_niche(niche: str, data: object) -> Mapping[str, Any]:
    if isinstance(data, dict) and isinstance(data.get("results"), list):
        data = data["results"]  # a file, which also has the settings of its research
    several = data if isinstance(data, list) else [data]
    objects = [item for item in several if isinstance(item, dict)]
    named = [item for item in objects if str(item.get("niche", "")).lower() == niche.lower()]
    return next(iter(named or objects), {})


def _objects(found: Mapping[str, Any], *names: str) -> Iterable[Mapping[str, Any]]:
    lists = (found[name] for name in names if isinstance(found.get(name), list))
    return [item for item in next(lists, []) if isinstance(item, dict)]


def _post(item: Mapping[str, Any]) -> Post:
    likes = first_count(item, "likes", "reactions")
    replies = first_count(item, "replies", "comments")
    reposts = first_count(item, "retweets", "reposts", "shares")
    if not any((likes, replies, reposts)):
        # A page that was not read for them gives zeros, as do the cards of a search on TikTok.
        likes = replies = reposts = None
    return Post(
        text=_text(item, "text", "caption", "description"),
        url=_text(item, "url", "tweetUrl", "postUrl", "videoUrl"),
        author=_handle(item, "author", "handle", "username"),
        id=_text(item, "id", "tweetId", "postId"),
        author_name=_text(
            item, "authorDisplayName", "authorName", "displayName", longest=MAX_NAME_CHARS
        ),
        author_followers=first_count(item, "authorFollowers", "followers") or None,
        likes=likes,
        replies=replies,
        reposts=reposts,
        quotes=first_count(item, "quotes"),
        bookmarks=first_count(item, "bookmarks"),
        views=first_count(item, "views") or None,  # somebody has always seen a post that is out
        engagement_score=first_number(item, "engagementScore")
        or float((likes or 0) + 2 * (reposts or 0) + (replies or 0)),
    )


def _creator(item: Mapping[str, Any], best: Mapping[str, Post]) -> Creator:
    handle = _handle(item, "handle", "username", "author")
    own = next(iter(_objects(item, "topTweets", "topPosts", "topVideos")), None)
    given = item.get("topPost")
    top = given if isinstance(given, dict) else own or {}
    found = best.get(handle.lower())
    text = _text(top, "text", "caption") or _text(item, "topPostText")
    url = _text(item, "topTweetUrl", "topPostUrl", "topVideoUrl") or _text(top, "url", "tweetUrl")
    return Creator(
        handle=handle,
        display_name=_text(item, "displayName", "name", longest=MAX_NAME_CHARS) or handle,
        # Only the first creators' profiles are opened, and a page that was not read gives zeros.
        followers=first_count(item, "followers", "followerCount") or None,
        engagement_score=first_number(item, "totalEngagement", "engagementScore", "avgEngagement")
        or None,
        top_post_text=text or (found.text if found else ""),
        top_post_url=url or (found.url if found else ""),
        bio=_text(item, "bio"),
    )


def _text(item: Mapping[str, Any], *names: str, longest: int = MAX_TEXT_CHARS) -> str:
    values = (item[name] for name in names if isinstance(item.get(name), str | int))
    return storable_text(str(next(values, "")).strip(), longest)


def _handle(item: Mapping[str, Any], *names: str) -> str:
    return _text(item, *names, longest=MAX_NAME_CHARS).lstrip("@")
