"""Commands that tests of several modules need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.safari.commands import Local, parse_command

if TYPE_CHECKING:
    from actp.safari.commands import Command

POSTS = {
    "instagram": "https://www.instagram.com/p/Cabc123/",
    "threads": "https://www.threads.com/@ada/post/Cabc123",
    "tiktok": "https://www.tiktok.com/@ada/video/7301",
    "twitter": "https://x.com/ada/status/17",
}


def command(action: str, platform: str | None = None, **params: Any) -> Command:
    return parse_command({"id": "1", "action": action, "platform": platform, "params": params})


def local_command(action: str, **params: Any) -> Local:
    """Return a command that needs no service."""
    made = command(action, **params)
    assert isinstance(made, Local)
    return made


def command_of(service: str, text: str = "Hello") -> Command:
    """Return a valid command for a service."""
    match service.split("-"):
        case ["market", _]:
            return command("market_research", "twitter", query="ai")
        case [platform, "comments"]:
            return command("comment", platform, postUrl=POSTS[platform], text=text)
        case ["linkedin", _]:
            return command("send_dm", "linkedin", profileUrl="ada-lovelace", text=text)
        case [platform, _]:
            return command("send_dm", platform, username="ada", text=text)
        case _:
            return command("sync")
