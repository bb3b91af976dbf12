"""Commands spread evenly over the nine services, and the requests that they become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from actp.safari.catalogue import HTTP_SERVICES
from actp.safari.commands import parse_command
from actp.safari.requests import build_request

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BATCH_SIZE",
    "SERVICE_NAMES",
    "Command",
    "Delivery",
    "command",
    "commands",
    "deliveries",
    "delivery",
    "in_batches",
]

Command: TypeAlias = dict[str, Any]
# What a rival's job needs in order to send the request that we would send.
Delivery: TypeAlias = dict[str, Any]

SERVICE_NAMES: Final = tuple(service.name for service in HTTP_SERVICES)
BATCH_SIZE: Final = 1000
_POSTS: Final = {
    "threads": "https://www.threads.net/@maria/post/{}",
    "instagram": "https://www.instagram.com/p/{}/",
    "tiktok": "https://www.tiktok.com/@maria/video/{}",
    "twitter": "https://x.com/maria/status/{}",
}


def commands(count: int, mark: str) -> list[Command]:
    """Return so many commands, service after service; ``mark`` sets them apart in the world."""
    return [{**command(n, f"{mark}{n}"), "batch_id": mark} for n in range(count)]


def deliveries(count: int, mark: str) -> list[Delivery]:
    """Return the requests of as many commands as jobs for a rival."""
    return [delivery(row) for row in commands(count, mark)]


def in_batches(items: list[Command]) -> Iterator[list[Command]]:
    """Cut the items into what one call takes."""
    for start in range(0, len(items), BATCH_SIZE):
        yield items[start : start + BATCH_SIZE]


def command(number: int, text: str) -> Command:
    """Return one for the service whose turn the number is."""
    service = SERVICE_NAMES[number % len(SERVICE_NAMES)]
    platform = service.split("-", maxsplit=1)[0]
    if service == "market-research":
        action, platform, params = "market_research", "twitter", {"query": text}
    elif service.endswith("-comments"):
        # Tweets and videos have numbers.
        id_ = text if platform in {"instagram", "threads"} else 10**9 + number
        action, params = "comment", {"text": text, "postUrl": _POSTS[platform].format(id_)}
    elif platform == "linkedin":
        address = f"https://www.linkedin.com/in/person-{text}/"
        action, params = "send_dm", {"text": text, "profileUrl": address}
    else:
        action, params = "send_dm", {"text": text, "username": f"p_{text}"}
    return {"action": action, "platform": platform, "params": params}


def delivery(row: Command) -> Delivery:
    """Return the request of a command as a rival's job."""
    parsed = parse_command(row)
    request = build_request(parsed.service, parsed)
    return {"service": parsed.service.name, "path": request.path, "body": dict(request.json)}
