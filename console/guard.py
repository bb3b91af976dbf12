"""Checks every request, and sets the headers of every response.

The console listens on loopback, where any web page that the operator visits can reach it. A page
elsewhere is kept out by the name in Host (DNS rebinding), by Origin and Sec-Fetch-Site (forged
requests) and by a cookie that only a link printed on this machine sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from console.doors import Doors

__all__ = ["Guard", "Refusal", "cookie_of", "session_of"]

HTTP_PORT: Final = 80
MAX_BODY_BYTES: Final = 64 * 1024
MAX_UPLOAD_BYTES: Final = 4 * 1024 * 1024
FORM: Final = "application/x-www-form-urlencoded"
UPLOAD: Final = "multipart/form-data"
_SAFE: Final = frozenset({"GET", "HEAD"})
# Reached without a session: the door itself and what its pages look like.
_OPEN: Final = ("/enter", "/static/")
# The pages that take a file.
_UPLOADS: Final = frozenset({"/people/import"})
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # With no-referrer a browser sends "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Refusal(Exception):
    """Raised for a request that must not reach a page; becomes an answer with this status."""

    def __init__(self, status: int, why: str, remedy: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        self.remedy = remedy


class Guard:
    """ASGI middleware: refuses what does not come from the console's own pages."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        port: int,
        doors: Doors,
        may_write: bool,
        refused: Callable[[Refusal, Headers], ASGIApp],
    ) -> None:
        self._app = app
        self._port = port
        # A browser names no port where it is that of HTTP.
        suffix = "" if port == HTTP_PORT else f":{port}"
        self._hosts = frozenset(f"{name}{suffix}" for name in ("127.0.0.1", "localhost", "[::1]"))
        self._doors = doors
        self._may_write = may_write
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sender = _with_headers(send, is_fixed=scope["path"].startswith("/static/"))
        try:
            self._check(scope)
        except Refusal as refusal:
            await self._refused(refusal, Headers(scope=scope))(scope, receive, sender)
            return
        await self._app(scope, _bounded(receive, _longest_body(scope["path"])), sender)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            raise Refusal(400, "The console does not serve this address.", "Open the printed link.")
        method, path = scope["method"], scope["path"]
        if method not in {*_SAFE, "POST"}:
            raise Refusal(
                405, f"The console does not accept {method}.", "Use the console's own pages."
            )
        if "\0" in path or b"%00" in scope["query_string"]:
            raise Refusal(400, "The address contains a character of no text.", "Correct it.")
        self._check_source(headers, hosts[0], is_safe=method in _SAFE)
        session = session_of(headers, self._port)
        if not path.startswith(_OPEN) and not self._doors.is_open(session):
            raise Refusal(403, "This browser has no session.", "Run bin/console for a new link.")
        if method in _SAFE:
            return
        if not self._may_write:
            raise Refusal(
                403, "The console is read-only.", "Set CONSOLE_WRITE=true and restart the console."
            )
        if "transfer-encoding" in headers:
            raise Refusal(413, "The form has no Content-Length.", "Use the console's own pages.")
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 10) or int(
            length
        ) > _longest_body(path):
            raise Refusal(413, "The form is too large or has no Content-Length.", "Send less.")
        kind = headers.get("content-type", "").partition(";")[0]
        if kind != (UPLOAD if path in _UPLOADS else FORM):
            raise Refusal(
                415,
                "The request is not one of the console's forms.",
                "Use the console's own pages.",
            )

    def _check_source(self, headers: Headers, host: str, *, is_safe: bool) -> None:
        site, origin = (_only(headers, name) for name in ("sec-fetch-site", "origin"))
        elsewhere = Refusal(
            403, "The request comes from another page.", "Open the console directly."
        )
        if is_safe:
            # A link elsewhere may lead here, and carries no session; nothing may be embedded.
            is_visit = headers.get("sec-fetch-mode") == "navigate" and (
                headers.get("sec-fetch-dest") == "document"
            )
            if site not in {None, "same-origin", "none"} and not is_visit:
                raise elsewhere
            if origin is not None and origin != f"http://{host}":
                raise elsewhere
        elif origin != f"http://{host}" or site not in {None, "same-origin"}:
            raise elsewhere


def _only(headers: Headers, name: str) -> str | None:
    """Return a header that a browser sends once; what is there twice is no value of the console."""
    values = headers.getlist(name)
    return ", ".join(values) if values else None


def cookie_of(port: int) -> str:
    """Return the name of the session's cookie; a browser sends cookies to every port of a host."""
    return f"actp_console_{port}"


def session_of(headers: Headers, port: int) -> str:
    """Return the session that a request names, or nothing."""
    # A strict reader drops all cookies for one that another program of this host has set badly.
    return cookie_parser(headers.get("cookie", "")).get(cookie_of(port), "")


def _longest_body(path: str) -> int:
    return MAX_UPLOAD_BYTES if path in _UPLOADS else MAX_BODY_BYTES


def _bounded(receive: Receive, longest: int) -> Receive:
    """Return ``receive`` that ends a body longer than any form, whatever length it named."""
    left = longest

    async def bounded() -> Message:
        nonlocal left
        message = await receive()
        if message["type"] == "http.request":
            left -= len(message.get("body", b""))
            if left < 0:
                return {"type": "http.disconnect"}
        return message

    return bounded


def _with_headers(send: Send, *, is_fixed: bool) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers: Any = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers["Cache-Control"] = "private, max-age=3600" if is_fixed else "no-store"
        await send(message)

    return sender
