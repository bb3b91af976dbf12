"""A row of the queue, read once into a typed command whose every field is checked."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from actp.errors import InvalidInput
from actp.safari import addresses
from actp.safari.catalogue import Service, named_platform, route
from actp.safari.texts import clean_query, clean_text, visible_text
from actp.safari.web_url import web_url

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Command",
    "Comment",
    "Local",
    "Research",
    "SendDm",
    "Tweet",
    "awaits_post",
    "handle_of",
    "parse_command",
    "parse_params",
    "recipient",
    "text_hash",
    "text_of",
]

MAX_POSTS: Final = 1000
DEFAULT_POSTS: Final = 20
DEFAULT_SCORE_LIMIT: Final = 20
DEFAULT_MIN_SCORE: Final = 20


@dataclass(frozen=True, slots=True)
class SendDm:
    """A direct message; ``to`` is a handle, on LinkedIn the address of a profile."""

    action: ClassVar[str] = "send_dm"
    id: str
    service: Service
    platform: str
    to: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a post; without ``post_url`` on the newest of ``author`` not excluded.

    ``chosen_by`` says how such a post was chosen: by its time, or by its place on the page.
    """

    action: ClassVar[str] = "comment"
    id: str
    service: Service
    platform: str
    post_url: str | None
    author: str | None
    excluded: tuple[str, ...] = field(repr=False)
    text: str = field(repr=False)
    chosen_by: str | None = None


@dataclass(frozen=True, slots=True)
class Tweet:
    """A post of our own on Twitter."""

    action: ClassVar[str] = "tweet"
    id: str
    service: Service
    platform: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Research:
    """A search for posts; with ``deep_scrape`` TikTok's videos are opened one by one."""

    action: ClassVar[str] = "market_research"
    id: str
    service: Service
    platform: str
    query: str
    max_posts: int
    deep_scrape: bool


@dataclass(frozen=True, slots=True)
class Local:
    """What needs no service; ``url`` is set for navigate alone."""

    id: str
    service: Service
    platform: str | None
    action: str
    url: str | None
    limit: int
    min_score: int


Command: TypeAlias = SendDm | Comment | Tweet | Research | Local


def parse_command(row: Mapping[str, Any]) -> Command:
    """Return the command of a queue row; raises InvalidInput with what is wrong with it.

    The row needs ``id`` and ``action``; ``params`` can be an object or its JSON text.
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
    given = parse_params(row.get("params"))
    service = route(action, platform, given)
    wanted = named_platform(platform, given) or service.platform or ""
    params = _Params(action, given)
    id_ = str(row.get("id", ""))
    match action:
        case "send_dm":
            return _send_dm(id_, service, wanted, params)
        case "comment":
            return _comment(id_, service, wanted, params)
        case "tweet":
            return Tweet(id_, service, wanted, clean_text(service.name, params.text("text")))
        case "market_research":
            return _research(id_, service, wanted, params)
        case _:
            return _local(id_, service, wanted or None, params)


def _send_dm(id_: str, service: Service, platform: str, params: _Params) -> SendDm:
    text = clean_text(service.name, params.text("text"))
    if platform == "linkedin":
        to = addresses.linkedin_profile_url(params.text("profile_url"))
    else:
        to = addresses.clean_handle(platform, params.text("username"))
    return SendDm(id_, service, platform, to, text)


def _comment(id_: str, service: Service, platform: str, params: _Params) -> Comment:
    post_url, named = None, params.value("author")
    if params.value("post_url") is not None or named is None:
        post_url = addresses.clean_post_url(platform, params.text("post_url"))
        author = addresses.handle_in_post(platform, post_url) or _handle(platform, named)
    else:
        author = addresses.clean_handle(platform, str(named))
    excluded = params.value("exclude")
    return Comment(
        id_,
        service,
        platform,
        post_url,
        author,
        tuple(map(str, excluded)) if isinstance(excluded, list) else (),
        clean_text(service.name, params.text("text")),
    )


def _research(id_: str, service: Service, platform: str, params: _Params) -> Research:
    return Research(
        id_,
        service,
        platform,
        clean_query(params.text("query")),
        params.whole_number("max_posts", default=DEFAULT_POSTS, lowest=1, highest=MAX_POSTS),
        params.value("deep_scrape") is True,
    )


def _local(id_: str, service: Service, platform: str | None, params: _Params) -> Local:
    return Local(
        id_,
        service,
        platform,
        params.action,
        web_url(params.text("url")) if params.action == "navigate" else None,
        params.whole_number("limit", default=DEFAULT_SCORE_LIMIT, lowest=1, highest=1000),
        params.whole_number("min_score", default=DEFAULT_MIN_SCORE, lowest=0, highest=100),
    )


def _handle(platform: str, named: Any) -> str | None:
    try:
        return addresses.clean_handle(platform, str(named or ""))
    except InvalidInput:
        return None


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
    """Return whether it comments on a post of its author that is still to be found."""
    return isinstance(command, Comment) and command.post_url is None


def recipient(command: Command) -> str | None:
    """Return whom or what a command reaches, in one spelling.

    That is the handle of a DM, the profile on LinkedIn, the post of a comment; None where it
    reaches nobody in particular.
    """
    match command:
        case SendDm(to=to):
            return to
        case Comment(platform=platform, post_url=str(url)):
            return addresses.post_key(platform, url)
        case _:
            return None


def handle_of(command: Command) -> str | None:
    """Return the handle of the person reached, for a list of people not to contact.

    A comment names its person where the post's address or ``params.handle`` does.
    """
    match command:
        case SendDm(platform="linkedin", to=to):
            return to.rstrip("/").rsplit("/", 1)[-1]
        case SendDm(to=to):
            return to
        case Comment(author=author):
            return author
        case _:
            return None


def text_of(command: Command) -> str | None:
    """Return the text that a command puts somewhere, or None where it puts none."""
    return command.text if isinstance(command, SendDm | Comment | Tweet) else None


def text_hash(command: Command) -> str | None:
    """Return the SHA-256 of the text as a reader sees it, or None where it has no text.

    Blanks and signs that show nothing make no other text.
    """
    text = text_of(command)
    if text is None:
        return None
    plain = visible_text(text)
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


# What other tools write for the same thing; the first that is filled in counts.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "text": ("text", "message"),
        "post_url": ("postUrl", "post_url", "url", "videoUrl", "tweetUrl"),
        "author": ("handle",),
        "exclude": ("exclude",),
        "username": ("username", "handle", "profileUrl", "profile_url"),
        "profile_url": ("profileUrl", "profile_url", "url", "username", "handle"),
        "query": ("query", "keyword"),
        "max_posts": ("maxPosts", "max_posts", "postsPerQuery", "N"),
        "deep_scrape": ("deepScrape",),
        "url": ("url",),
        "limit": ("limit",),
        "min_score": ("min_score", "minScore"),
    }
)


@dataclass(frozen=True, slots=True)
class _Params:
    """The parameters of a row under any of their names."""

    action: str
    given: Mapping[str, Any]

    def value(self, name: str) -> Any:
        """Return a parameter, or None where it is absent or empty."""
        for alias in _NAMES[name]:
            value = self.given.get(alias)
            if value is not None and value != "":
                return value
        return None

    def text(self, name: str) -> str:
        """Return a parameter that must be a text; raises InvalidInput where it is not."""
        value = self.value(name)
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
        value = self.value(name)
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
