"""Finds the post that a comment is for, when the command names only its author."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from time import sleep
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.errors import InvalidInput
from actp.safari.addresses import HOSTS, clean_handle, clean_post_url, handle_in_post, post_key
from actp.safari.answers import read_answer
from actp.safari.outcomes import Failure, Outcome, Phase, refused_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from actp.safari.catalogue import Service
    from actp.safari.commands import Command
    from actp.safari.exchange import Ask
    from actp.safari.outcomes import Reply

__all__ = ["find_post"]

# A page is loaded and read for it; a timeline that takes longer will not come.
LOOK_TIMEOUT_SECONDS: Final = 60.0
TWEETS: Final = 20
# A profile that was navigated to fills in while one looks.
LOOKS: Final = 3
BETWEEN_LOOKS_SECONDS: Final = 2.0


def find_post(
    ask: Ask, service: Service, command: Command, *, pause: Callable[[float], None] = sleep
) -> Command | Outcome:
    """Return the command with its post, the newest not excluded; or why there is none now.

    Nothing is sent by it: whatever went wrong, the quota goes back and another try is safe.
    """
    platform = service.platform or ""
    try:
        handle = clean_handle(platform, str(command.params.get("handle") or ""))
    except InvalidInput as error:
        return refused_input(service.name, error)
    excluded = _keys(platform, command.params.get("exclude"))
    *ways, look = _looks(platform, handle)
    for attempt in range(LOOKS if ways else 1):
        for method, path, body in (look,) if attempt else (*ways, look):
            content = json.dumps(body).encode() if body else b""
            reply = ask(method, path, content, timeout_seconds=LOOK_TIMEOUT_SECONDS)
            data = None if isinstance(reply, Failure) else _object(reply)
            if data is None or data.get("success") is False:
                return _problem(service, command, reply)
        for url in _post_urls(platform, handle, data):
            if post_key(platform, url) not in excluded:
                params = MappingProxyType({**command.params, "postUrl": url})
                return replace(command, params=params)
        if ways:
            pause(BETWEEN_LOOKS_SECONDS)
    what = "no further post" if excluded else "no post"
    absent = InvalidInput(
        f"{what} of {handle} could be found on {platform}",
        remedy="See whether the profile is public and has posts.",
    )
    refused = refused_input(service.name, absent)
    return replace(refused, reason="no_posts", result={**refused.result, "reason": "no_posts"})


def _looks(platform: str, handle: str) -> tuple[tuple[str, str, dict[str, Any]], ...]:
    """Return the requests that show an author's posts; the last one has them."""
    match platform:
        case "twitter":
            body = {"handle": handle, "maxResults": TWEETS}
            return (("POST", "/api/twitter/timeline", body),)
        case "tiktok":
            return (("GET", f"/api/tiktok/profile/{handle}/videos", {}),)
        case "instagram":
            return (
                ("POST", "/api/instagram/navigate", {"username": handle}),
                ("GET", "/api/instagram/profile/posts", {}),
            )
        case _:
            profile = f"https://www.{HOSTS[platform][0]}/@{handle}"
            return (
                ("POST", f"/api/{platform}/navigate", {"url": profile}),
                ("GET", f"/api/{platform}/posts", {}),
            )


def _object(reply: Reply) -> dict[str, Any] | None:
    if reply.status != 200:
        return None
    try:
        data = json.loads(reply.body)
    except ValueError:
        return None
    return {"posts": data} if isinstance(data, list) else data if isinstance(data, dict) else None


def _problem(service: Service, command: Command, reply: Reply | Failure) -> Outcome:
    if isinstance(reply, Failure) and reply.phase is Phase.MAYBE_SENT:
        # Not answered, so Safari may still be at it; but looking reaches nobody.
        return replace(_again(service, "no_answer", reply.detail), is_unclear=True)
    outcome = read_answer(service, command, reply, now=datetime.now().astimezone())
    if outcome.verdict in {"unknown", "sent"}:
        said = f"HTTP {reply.status}" if not isinstance(reply, Failure) else reply.detail
        return _again(service, "posts_not_shown", said)
    return replace(outcome, quota_back=True)


def _again(service: Service, reason: str, detail: str) -> Outcome:
    return Outcome(
        "retry",
        reason,
        error=f"{service.name}: the posts of the person could not be read: {detail}"[:500],
        quota_back=True,
        breaker="count",
        result={"outcome": "retry", "reason": reason, "success": False, "service": service.name},
    )


def _post_urls(platform: str, handle: str, data: Mapping[str, Any] | None) -> Iterator[str]:
    """Return the addresses of the author's posts, in the order in which they are shown."""
    for value in _texts(data):
        given = f"https://www.{HOSTS[platform][0]}{value}" if value.startswith("/") else value
        try:
            url = clean_post_url(platform, given)
            author = handle_in_post(platform, url)
        except InvalidInput:
            continue
        # A timeline also shows what the person shared of others; TikTok's profiles look like posts.
        if author not in {None, handle} or (platform == "tiktok" and "/video/" not in url):
            continue
        yield url


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        # The whole address first: a post's text may hold another post's.
        for key, inner in value.items():
            if isinstance(inner, dict | list) or key.lower().endswith(("url", "href", "link")):
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _keys(platform: str, excluded: Any) -> frozenset[str]:
    keys = set()
    for url in excluded if isinstance(excluded, list) else ():
        try:
            keys.add(post_key(platform, str(url)))
        except InvalidInput:
            continue
    return frozenset(keys)
