"""The application: routes, authentication and request checks."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from actp.errors import ActpError
from console.doors import SESSION_SECONDS, doors_of
from console.guard import Guard, Refusal, cookie_of, session_of
from console.live import Live
from console.pages import (
    actions,
    campaigns,
    commands,
    host,
    imports,
    limits,
    new,
    overview,
    people,
    review,
    webhooks,
)
from console.site import FOLDER, Site, site_of, templates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.datastructures import Headers
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from actp.settings import Settings
    from actp.store import Store

__all__ = ["build"]

# A refusal is a note, whatever part of the page has asked.
_NOTE: Final = {"HX-Retarget": "#toast", "HX-Reswap": "innerHTML", "HX-Reselect": ".toast"}


def build(store: Store, settings: Settings, port: int) -> Starlette:
    """Return the application that answers on ``port`` of loopback."""
    environment = templates()
    live = Live(
        store,
        lambda snapshot: overview.message(site, snapshot),
        overview.news,
        lambda: host.safari_of(settings),
    )
    site = Site(store, settings, live, doors_of(settings), environment)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        live.start(asyncio.get_running_loop())
        try:
            yield
        finally:
            live.close()

    def refused(refusal: Refusal, headers: Headers) -> ASGIApp:
        if headers.get("hx-request") == "true":
            note = site.refusal(refusal.why, refusal.remedy)
            return HTMLResponse(note, refusal.status, _NOTE)
        html = site.fill("door.html", cause=refusal.why, remedy=refusal.remedy)
        return HTMLResponse(html, refusal.status)

    guard = Middleware(
        Guard, port=port, doors=site.doors, may_write=site.may_write, refused=refused
    )
    app = Starlette(
        routes=[
            Route("/enter", _enter),
            Mount("/static", StaticFiles(directory=FOLDER / "static")),
            *overview.routes,
            *commands.routes,
            *new.routes,
            *campaigns.routes,
            *imports.routes,
            *people.routes,
            *review.routes,
            *limits.routes,
            *webhooks.routes,
            *host.routes,
            *actions.routes,
        ],
        middleware=[guard],
        exception_handlers={
            ActpError: _failed,
            HTTPException: _not_there,
            ClientDisconnect: _hung_up,
        },
        lifespan=lifespan,
    )
    app.state.site, app.state.port = site, port
    return app


def _enter(request: Request) -> Response:
    site = site_of(request)
    port = request.app.state.port
    # A preview of the link is no visit, and the link of an open session is not used up.
    is_look = request.method == "HEAD"
    if is_look or site.doors.is_open(session_of(request.headers, port)):
        return RedirectResponse("/", 303)
    session = site.doors.enter(request.query_params.get("link", ""))
    if session is None:
        html = site.fill(
            "door.html",
            cause="This link was already used or has expired.",
            remedy="Run bin/console for a new one.",
        )
        return HTMLResponse(html, 403)
    answer: Response
    if request.headers.get("sec-fetch-site") in {None, "none", "same-origin"}:
        answer = RedirectResponse("/", 303)
    else:
        # Followed from another page, a redirect would go on without the cookie.
        answer = HTMLResponse(site.fill("entered.html"))
    answer.set_cookie(
        cookie_of(port), session, max_age=int(SESSION_SECONDS), httponly=True, samesite="strict"
    )
    return answer


async def _failed(request: Request, error: Exception) -> Response:
    if not isinstance(error, ActpError):
        raise error
    return site_of(request).failed(request, error)


async def _hung_up(_: Request, __: Exception) -> Response:
    # A page that was closed while it sent its form: nothing was done, and nobody reads this.
    return PlainTextResponse("", 400)


async def _not_there(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return site_of(request).page(
        request,
        "error.html",
        code=status,
        cause="Page not found." if status == 404 else "This request is not supported here.",
        remedy="See the overview.",
    )
