"""What is put on the wire for a command, checked before it leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.errors import InvalidInput
from actp.safari.addresses import clean_handle, clean_post_url, linkedin_profile_url
from actp.safari.texts import clean_query, clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.safari.catalogue import Service
    from actp.safari.commands import Command

__all__ = ["RequestOptions", "ServiceRequest", "build_request"]

MIN_POSTS: Final = 1
MAX_POSTS: Final = 1000
DEFAULT_POSTS: Final = 20

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
    """Return the request of a command; raises InvalidInput for what no service should get."""
    path, body = _parts(service, command, options or RequestOptions())
    return ServiceRequest(
        method="POST",
        path=path,
        json=MappingProxyType(body),
        timeout_seconds=service.action_timeout_seconds,
    )


def _parts(
    service: Service, command: Command, options: RequestOptions
) -> tuple[str, dict[str, Any]]:
    match command.action:
        case "send_dm":
            return _dm(service, command, options)
        case "comment":
            return _comment(service, command)
        case "tweet":
            text = clean_text(service.name, command.text_field("text"))
            return "/api/twitter/tweet", {"text": text}
        case "market_research":
            return _research(command)
        case _:
            raise InvalidInput(f"{command.action} is not sent to a service", remedy="")


def _dm(service: Service, command: Command, options: RequestOptions) -> tuple[str, dict[str, Any]]:
    text = clean_text(service.name, command.text_field("text"))
    if service.platform == "linkedin":
        profile = linkedin_profile_url(command.text_field("profile_url"))
        return _DM_PATHS[service.name], {"profileUrl": profile, "text": text}
    username = clean_handle(service.platform or "", command.text_field("username"))
    if service.name == "instagram-dm":
        plain = options.instagram_dm_plain_route
        path = INSTAGRAM_DM_PLAIN_PATH if plain else INSTAGRAM_DM_PATH
    else:
        path = _DM_PATHS[service.name]
    return path, {"username": username, "text": text}


def _comment(service: Service, command: Command) -> tuple[str, dict[str, Any]]:
    platform = service.platform or ""
    post_url = clean_post_url(platform, command.text_field("post_url"))
    text = clean_text(service.name, command.text_field("text"))
    return f"/api/{platform}/comments/post", {"postUrl": post_url, "text": text}


def _research(command: Command) -> tuple[str, dict[str, Any]]:
    count = command.whole_number(
        "max_posts", default=DEFAULT_POSTS, lowest=MIN_POSTS, highest=MAX_POSTS
    )
    config: dict[str, Any] = {"postsPerQuery": count, "maxPosts": count}
    if command.platform == "tiktok":
        # Opening video after video takes minutes, longer than anyone waits for the answer.
        config["deepScrape"] = command.params.get("deepScrape") is True
    body = {"query": clean_query(command.text_field("query")), "config": config}
    return f"/api/research/{command.platform}/search", body
