"""Commands that can be told apart in the world: each one's text exists once."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, TypeAlias
from uuid import uuid4

__all__ = ["COMMENTS", "DMS", "RESEARCH", "SENDERS", "Command", "a_tweet", "command_for", "text_of"]

Command: TypeAlias = dict[str, Any]

DMS = ("instagram-dm", "twitter-dm", "tiktok-dm", "linkedin-automation")
COMMENTS = ("threads-comments", "instagram-comments", "tiktok-comments", "twitter-comments")
RESEARCH = "market-research"
SENDERS = DMS + COMMENTS

_POSTS = {
    "threads": "https://www.threads.net/@maria/post/{}",
    "instagram": "https://www.instagram.com/p/{}/",
    "tiktok": "https://www.tiktok.com/@maria/video/{}",
    "twitter": "https://x.com/maria/status/{}",
}


def command_for(service: str, *, unlike_all_others: str = "", **more: Any) -> Command:
    """Make a command for a service; nothing in it was used before."""
    number = unlike_all_others or uuid4().hex[:12]
    platform = service.split("-", maxsplit=1)[0]
    if service == RESEARCH:
        params: Command = {"query": f"chaos {number}"}
        return {"action": "market_research", "platform": "twitter", "params": params, **more}
    params = {"text": f"chaos message {number}"}
    if service in COMMENTS:
        params["postUrl"] = _POSTS[platform].format(_post_id(platform, number))
        return {"action": "comment", "platform": platform, "params": params, **more}
    if platform == "linkedin":
        params["profileUrl"] = f"https://www.linkedin.com/in/person-{number}/"
    else:
        # Without a part that other names share: tiktok-dm would take them for one another.
        params["username"] = f"person{number}"
    return {"action": "send_dm", "platform": platform, "params": params, **more}


def a_tweet() -> Command:
    """Make a tweet; nothing in it was used before."""
    params = {"text": f"chaos message {uuid4().hex[:12]}"}
    return {"action": "tweet", "platform": "twitter", "params": params}


def _post_id(platform: str, number: str) -> str:
    """Return an id of a post; on Twitter and TikTok it has digits only."""
    if platform in {"instagram", "threads"}:
        return number
    return str(int.from_bytes(sha256(number.encode()).digest()[:7]))


def text_of(command: Command) -> str:
    """Return the text by which the world knows a command."""
    params = command["params"]
    return str(params.get("text") or params.get("query"))
