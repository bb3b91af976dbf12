"""Finds the post that a comment is for, when the command names only its author."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from datetime import datetime
from time import sleep
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from actp.errors import InvalidInput
from actp.safari.addresses import HOSTS, clean_post_url, handle_in_post, post_id, post_key
from actp.safari.answers import read_answer
from actp.safari.outcomes import Failure, Outcome, Phase, refused_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from actp.safari.commands import Comment
    from actp.safari.exchange import Ask
    from actp.safari.outcomes import Reply

__all__ = ["find_post"]

# A page is loaded and read for it; a timeline that takes longer will not come.
LOOK_TIMEOUT_SECONDS: Final = 60.0
TWEETS: Final = 20
# A profile that was navigated to fills in while one looks.
LOOKS: Final = 3
BETWEEN_LOOKS_SECONDS: Final = 2.0
# An id gives a time only if it lies between these.
FIRST_POST_SECONDS: Final = 1_262_304_000.0  # 2010
CLOCK_SLACK_SECONDS: Final = 86_400.0
SHORTEST_ID: Final = {"instagram": 11, "threads": 11, "tiktok": 15, "twitter": 15}


class _Post(NamedTuple):
    url: str
    posted_at: float | None


def find_post(
    ask: Ask, command: Comment, *, pause: Callable[[float], None] = sleep
) -> Comment | Outcome:
    """Return the command with its post, the newest not excluded; or why there is none now.

    Nothing is sent by it: whatever went wrong, the quota goes back and another try is safe.
    """
    platform, handle = command.platform, command.author or ""
    excluded = _keys(platform, command.excluded)
    opening, showing = _requests(platform, handle)
    is_of_author = False
    for attempt in range(LOOKS if opening else 1):
        data: Mapping[str, Any] = {}
        for method, path, body in showing if attempt else (*opening, *showing):
            content = json.dumps(body).encode() if body else b""
            reply = ask(method, path, content, timeout_seconds=LOOK_TIMEOUT_SECONDS)
            said = None if isinstance(reply, Failure) else _object(reply)
            if said is None or said.get("success") is False:
                return _problem(command, reply)
            data = {**data, **said}
        is_of_author = is_of_author or _is_profile(platform, handle, data)
        posts = [post for post in _posts(platform, handle, data) if is_of_author]
        fresh = [post for post in posts if post_key(platform, post.url) not in excluded]
        if fresh:
            return _chosen(command, fresh)
        if opening:
            pause(BETWEEN_LOOKS_SECONDS)
    if not is_of_author:
        return _again(command, "posts_not_shown", f"the profile of {handle} did not come")
    what = "no further post" if excluded else "no post"
    absent = InvalidInput(
        f"{what} of {handle} could be found on {platform}",
        remedy="See whether the profile is public and has posts.",
    )
    refused = refused_input(command.service.name, absent)
    return replace(refused, reason="no_posts", result={**refused.result, "reason": "no_posts"})


def _chosen(command: Comment, posts: list[_Post]) -> Comment:
    """Return the command with the newest post; without times, with the first that is shown."""
    times = [post.posted_at for post in posts if post.posted_at is not None]
    if len(times) < len(posts):
        # A post that its author has pinned comes first, and nothing tells it from a new one.
        return replace(command, post_url=posts[0].url, chosen_by="place")
    newest = max(posts, key=lambda post: post.posted_at or 0.0)
    return replace(command, post_url=newest.url, chosen_by="time")


_Request = tuple[str, str, "dict[str, Any]"]


def _requests(platform: str, handle: str) -> tuple[tuple[_Request, ...], tuple[_Request, ...]]:
    """Return the requests that open an author's profile, and those that show the posts there."""
    match platform:
        case "twitter":
            body = {"handle": handle, "maxResults": TWEETS}
            return (), (("POST", "/api/twitter/timeline", body),)
        case "tiktok":
            return (), (("GET", f"/api/tiktok/profile/{handle}/videos", {}),)
        case "instagram":
            return (
                (("POST", "/api/instagram/navigate", {"username": handle}),),
                (
                    ("GET", "/api/instagram/profile/posts", {}),
                    ("GET", "/api/instagram/post/metrics", {}),
                ),
            )
        case _:
            profile = f"https://www.{HOSTS[platform][0]}/@{handle}"
            return (
                (("POST", f"/api/{platform}/navigate", {"url": profile}),),
                (("GET", f"/api/{platform}/posts", {}),),
            )


def _is_profile(platform: str, handle: str, data: Mapping[str, Any]) -> bool:
    """Whether the posts are of the author; Instagram's addresses name none, so its page must."""
    if platform != "instagram":
        return True
    try:
        return urlsplit(str(data.get("url"))).path.strip("/").lower() == handle
    except ValueError:
        return False


def _object(reply: Reply) -> dict[str, Any] | None:
    if reply.status != 200:
        return None
    try:
        data = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return {"posts": data} if isinstance(data, list) else data if isinstance(data, dict) else None


def _problem(command: Comment, reply: Reply | Failure) -> Outcome:
    if isinstance(reply, Failure) and reply.phase is Phase.MAYBE_SENT:
        # Not answered, so Safari may still be at it; but looking reaches nobody.
        return replace(_again(command, "no_answer", reply.detail), is_unclear=True)
    outcome = read_answer(command.service, command, reply, now=datetime.now().astimezone())
    if outcome.verdict in {"unknown", "sent"}:
        said = f"HTTP {reply.status}" if not isinstance(reply, Failure) else reply.detail
        return _again(command, "posts_not_shown", said)
    return replace(outcome, quota_back=True)


def _again(command: Comment, reason: str, detail: str) -> Outcome:
    name = command.service.name
    return Outcome(
        "retry",
        reason,
        error=f"{name}: the posts of the person could not be read: {detail}"[:500],
        quota_back=True,
        breaker="count",
        result={"outcome": "retry", "reason": reason, "success": False, "service": name},
    )


def _posts(platform: str, handle: str, data: Mapping[str, Any]) -> Iterator[_Post]:
    """Return the author's posts in the order in which they are shown."""
    for value, stated_at in _texts(data, None):
        given = f"https://www.{HOSTS[platform][0]}{value}" if value.startswith("/") else value
        try:
            url = clean_post_url(platform, given)
            author = handle_in_post(platform, url)
        except InvalidInput:
            continue
        # A timeline also shows what the person shared of others; TikTok's profiles look like posts.
        if author != (None if platform == "instagram" else handle):
            continue
        if platform == "tiktok" and "/video/" not in url:
            continue
        yield _Post(url, _seconds_of(stated_at) or _seconds_of_id(platform, url))


def _texts(value: Any, stated_at: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, str):
        yield value, stated_at
    elif isinstance(value, dict):
        at = value.get("timestamp") or stated_at
        # The whole address first: a post's text may hold another post's.
        for key, inner in value.items():
            if isinstance(inner, dict | list) or key.lower().endswith(("url", "href", "link")):
                yield from _texts(inner, at)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, stated_at)


def _seconds_of(stated: Any) -> float | None:
    try:
        return _plausible(datetime.fromisoformat(stated).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None


def _seconds_of_id(platform: str, url: str) -> float | None:
    """Return when a post was made, read from its id, where that gives a plausible time."""
    id_ = post_id(platform, url) or ""
    if len(id_) < SHORTEST_ID[platform]:
        return None
    if platform in {"instagram", "threads"}:
        try:
            number = int.from_bytes(base64.b64decode(f"{id_[:11]:A>12}", b"-_", validate=True))
        except ValueError:
            return None
        return _plausible(((number >> 23) + 1_314_220_021_721) / 1000)
    if not (id_.isascii() and id_.isdigit() and len(id_) <= 20):
        return None
    number = int(id_)
    if platform == "tiktok":
        return _plausible(float(number >> 32))
    return _plausible(((number >> 22) + 1_288_834_974_657) / 1000)


def _plausible(seconds: float) -> float | None:
    latest = time.time() + CLOCK_SLACK_SECONDS
    return seconds if FIRST_POST_SECONDS < seconds < latest else None


def _keys(platform: str, excluded: tuple[str, ...]) -> frozenset[str]:
    keys = set()
    for url in excluded:
        try:
            keys.add(post_key(platform, url))
        except InvalidInput:
            continue
    return frozenset(keys)
