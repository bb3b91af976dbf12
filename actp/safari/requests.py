"""Builds the HTTP request for a command."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.errors import InvalidInput
from actp.safari.commands import Comment, Research, SendDm, Tweet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.safari.catalogue import Service
    from actp.safari.commands import Command

__all__ = ["RequestOptions", "ServiceRequest", "build_request"]

INSTAGRAM_DM_PATH: Final = "/api/messages/send-from-profile"
INSTAGRAM_DM_PLAIN_PATH: Final = "/api/messages/send-to"
_DM_PATHS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "linkedin-automation": "/api/linkedin/messages/send-to",
        "tiktok-dm": "/api/tiktok/messages/send-to",
        "twitter-dm": "/api/twitter/messages/send-to",
    }
)


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """Choices of the settings that change a request.

    ``instagram_dm_plain_route`` uses the route that may send a message twice when it cannot
    verify the first; the default route does not.
    """

    instagram_dm_plain_route: bool = False


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """One HTTP request to a service; the token is added by the connection."""

    method: str
    path: str
    json: Mapping[str, Any] = field(repr=False)
    timeout_seconds: float


def build_request(
    service: Service, command: Command, options: RequestOptions | None = None
) -> ServiceRequest:
    """Return the request of a command; raises InvalidInput for one that no service carries out."""
    path, body = _parts(command, options or RequestOptions())
    return ServiceRequest(
        method="POST",
        path=path,
        json=MappingProxyType(body),
        timeout_seconds=service.action_timeout_seconds,
    )


def _parts(command: Command, options: RequestOptions) -> tuple[str, dict[str, Any]]:
    match command:
        case SendDm(platform="linkedin", to=profile, text=text):
            return _DM_PATHS[command.service.name], {"profileUrl": profile, "text": text}
        case SendDm(to=username, text=text):
            return _dm_path(command, options), {"username": username, "text": text}
        case Comment(platform=platform, post_url=str(url), text=text):
            return f"/api/{platform}/comments/post", {"postUrl": url, "text": text}
        case Tweet(text=text):
            return "/api/twitter/tweet", {"text": text}
        case Research(platform=platform):
            return f"/api/research/{platform}/search", _research(command)
        case _:
            raise InvalidInput(f"{command.action} is not sent to a service", remedy="")


def _dm_path(command: SendDm, options: RequestOptions) -> str:
    if command.service.name != "instagram-dm":
        return _DM_PATHS[command.service.name]
    return INSTAGRAM_DM_PLAIN_PATH if options.instagram_dm_plain_route else INSTAGRAM_DM_PATH


def _research(command: Research) -> dict[str, Any]:
    count = command.max_posts
    config: dict[str, Any] = {"postsPerQuery": count, "maxPosts": count}
    if command.platform == "tiktok":
        # Opening video after video takes minutes, longer than anyone waits for the answer.
        config["deepScrape"] = command.deep_scrape
    return {"query": command.query, "config": config}
