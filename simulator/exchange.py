"""One request and its reply, as the services see them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from simulator.scenario import Rule

__all__ = [
    "Answer",
    "Call",
    "Dropped",
    "Effect",
    "Json",
    "Refused",
    "Reply",
    "Route",
    "Sent",
    "drives",
    "tells",
]

Json: TypeAlias = dict[str, Any]

_encode = json.JSONEncoder(separators=(",", ":")).encode
JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"


class Dropped(Exception):
    """Raised when the client gets no answer: its connection is cut."""


class Refused(Exception):
    """Raised when a driver gives up with these words after so many tries, or with a reply."""

    def __init__(self, text: str, attempts: int = 1, reply: Reply | None = None) -> None:
        super().__init__(text)
        self.attempts = attempts
        self.reply = reply


@dataclass(slots=True)
class Call:
    """A request, with the rule that decides it, if any."""

    request_id: int
    method: str
    path: str
    request: web.BaseRequest
    body: Json = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    rule: Rule | None = None

    def text_of(self, *names: str) -> str:
        """Give the first of these body fields that is a string, or nothing."""
        for name in names:
            value = self.body.get(name)
            if isinstance(value, str):
                return value
        return ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What somebody outside is to see; ``text`` as it will be published."""

    kind: str
    recipient: str
    text: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What a driver believes to have sent; ``verified`` is None where it does not say."""

    verified: bool | None = True
    attempts: int = 1
    recipient: str = ""


@dataclass(slots=True)
class Reply:
    """A status and a JSON object, or the raw bytes that stand in its place."""

    status: int
    body: Json | list[Any] | None = None
    headers: Mapping[str, str] | None = None
    raw: bytes | None = None
    content_type: str = JSON_TYPE

    def payload(self) -> bytes:
        """Give the bytes of the body."""
        return _encode(self.body).encode() if self.raw is None else self.raw

    def response(self) -> web.Response:
        """Give the response of the HTTP server."""
        headers = {"Content-Type": self.content_type}
        if self.headers is not None:
            headers.update(self.headers)
        return web.Response(status=self.status, body=self.payload(), headers=headers)

    @classmethod
    def html(cls, status: int, title: str) -> Reply:
        """Give an error page such as a proxy makes."""
        page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
        return cls(status, raw=page.encode(), content_type=HTML_TYPE)


Answer: TypeAlias = "Callable[[Call], Awaitable[Reply]]"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes, and what it must bring.

    ``action`` is the name that scenarios use.
    """

    answer: Answer
    action: str
    drives_page: bool = False
    guarded: bool = True
    needs_tab: bool = True


def drives(answer: Answer, action: str, **more: bool) -> Route:
    """Return a route that drives the page."""
    return Route(answer, action, drives_page=True, **more)


def tells(answer: Answer, action: str, **more: bool) -> Route:
    """Return a route that needs no tab."""
    return Route(answer, action, needs_tab=False, **more)
