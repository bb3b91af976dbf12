"""A row of the queue, read into a command whose fields have one name each."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.errors import InvalidInput
from actp.safari import addresses
from actp.safari.catalogue import Service, named_platform, route
from actp.safari.texts import normalised_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Command",
    "awaits_post",
    "handle_of",
    "parse_command",
    "parse_params",
    "recipient",
    "text_hash",
]

# What other tools write for the same thing; the first that is filled in counts.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "text": ("text", "message"),
        "post_url": ("postUrl", "post_url", "url", "videoUrl", "tweetUrl"),
        "username": ("username", "handle", "profileUrl", "profile_url"),
        "profile_url": ("profileUrl", "profile_url", "url", "username", "handle"),
        "query": ("query", "keyword"),
        "max_posts": ("maxPosts", "max_posts", "postsPerQuery", "N"),
        "url": ("url",),
        "limit": ("limit",),
        "min_score": ("min_score", "minScore"),
    }
)


@dataclass(frozen=True, slots=True)
class Command:
    """One request of the queue and the service that carries it out.

    ``params`` are as the row has them; read them through ``field`` and ``text_field``.
    """

    id: str
    action: str
    platform: str | None
    service: Service
    params: Mapping[str, Any] = field(repr=False)

    def field(self, name: str) -> Any:
        """Return a parameter under any of its names, or None where it is absent or empty."""
        for alias in _NAMES[name]:
            value = self.params.get(alias)
            if value is not None and value != "":
                return value
        return None

    def text_field(self, name: str) -> str:
        """Return a parameter that must be a text; raises InvalidInput where it is not."""
        value = self.field(name)
        if value is None:
            raise InvalidInput(
                f"{self.action} needs params.{_NAMES[name][0]}",
                remedy=f"Set one of: {', '.join(_NAMES[name])}.",
            )
        if not isinstance(value, str):
            raise InvalidInput(
                f"params.{_NAMES[name][0]} must be a text, not {_json_type(value)}",
                remedy="Put it in quotes.",
            )
        return value

    def whole_number(self, name: str, *, default: int, lowest: int, highest: int) -> int:
        """Return a parameter that must be a whole number; raises InvalidInput where it is not."""
        value = self.field(name)
        if value is None:
            return default
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise InvalidInput(
                f"params.{_NAMES[name][0]} must be a whole number from {lowest} to {highest}",
                remedy=f"Leave it out for {default}.",
            )
        return value


def parse_command(row: Mapping[str, Any]) -> Command:
    """Return the command of a queue row; raises InvalidInput with what is wrong with it.

    The row needs ``id`` and ``action``; ``params`` may be an object or its JSON text.
    """
    action = row.get("action")
    if not isinstance(action, str) or not action.strip():
        raise InvalidInput("the command has no action", remedy="Set action, for example send_dm.")
    action = action.strip()
    platform = row.get("platform")
    if platform is not None and not isinstance(platform, str):
        raise InvalidInput(
            f"platform must be a text, not {_json_type(platform)}",
            remedy="Set platform, for example instagram.",
        )
    params = parse_params(row.get("params"))
    service = route(action, platform, params)
    wanted = named_platform(platform, params) or service.platform
    return Command(
        id=str(row.get("id", "")),
        action=action,
        platform=wanted,
        service=service,
        params=MappingProxyType(params),
    )


def parse_params(value: Any) -> dict[str, Any]:
    """Return params as a dict: absent is empty, a JSON text is read; raises InvalidInput."""
    if value is None:
        return {}
    if isinstance(value, str):
        if not value.strip():
            return {}
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise InvalidInput(
                f"params are not JSON: {value[:80]!r}",
                remedy='Write an object, for example {"username": "ada", "text": "Hi"}.',
            ) from None
        if value is None:
            return {}
    if isinstance(value, dict):
        return value
    raise InvalidInput(
        f"params must be an object, not {_json_type(value)}",
        remedy='Write an object, for example {"username": "ada", "text": "Hi"}.',
    )


def awaits_post(command: Command) -> bool:
    """Return whether it comments on a post of ``params.handle`` that is still to be found."""
    names_author = bool(command.params.get("handle"))
    return command.action == "comment" and names_author and command.field("post_url") is None


def recipient(command: Command) -> str | None:
    """Return whom or what a command reaches, in one spelling.

    That is the handle of a DM, the profile on LinkedIn, the post of a comment; None where it
    reaches nobody in particular. Raises InvalidInput as the request would.
    """
    if command.action == "send_dm":
        if command.platform == "linkedin":
            return addresses.linkedin_profile_url(command.text_field("profile_url"))
        return addresses.clean_handle(command.platform or "", command.text_field("username"))
    if command.action == "comment" and not awaits_post(command):
        return addresses.post_key(command.platform or "", command.text_field("post_url"))
    return None


def handle_of(command: Command) -> str | None:
    """Return the handle of the person reached, for a list of people not to contact.

    A comment names its person where the post's address or ``params.handle`` does.
    """
    if command.action == "send_dm":
        reached = recipient(command)
        if reached and command.platform == "linkedin":
            return reached.rstrip("/").rsplit("/", 1)[-1]
        return reached
    if command.action == "comment":
        return _author(command)
    return None


def _author(command: Command) -> str | None:
    platform = command.platform or ""
    if not awaits_post(command):
        author = addresses.handle_in_post(platform, command.text_field("post_url"))
        if author is not None:
            return author
    try:
        return addresses.clean_handle(platform, str(command.params.get("handle") or ""))
    except InvalidInput:
        return None


def text_hash(command: Command) -> str | None:
    """Return the SHA-256 of the text with plain line ends, or None where it has no text."""
    value = command.field("text")
    if command.service.effect != "once" or not isinstance(value, str):
        return None
    text = normalised_text(value).strip()
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "an array"
        case _:
            return "an object"
