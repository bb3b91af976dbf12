"""Templates and their shared context."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from actp.errors import ActpError, InvalidInput, NotFound, StoreError, StoreUnavailable, WrongState
from console.words import FILTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from actp.settings import Settings
    from actp.store import Store
    from console.doors import Doors
    from console.live import Live

__all__ = ["FOLDER", "Site", "form_of", "site_of", "templates"]

FOLDER: Final = Path(__file__).parent
ASSETS: Final = ("static", "templates")
PAGES: Final = (
    ("/", "Overview", "o"),
    ("/commands", "Commands", "c"),
    ("/unknown", "Unknown", "u"),
    ("/inbox", "Inbox", "i"),
    ("/review", "Review", "r"),
    ("/people", "People", "p"),
    ("/campaigns", "Campaigns", "m"),
    ("/limits", "Limits", "l"),
    ("/webhooks", "Webhooks", "w"),
    ("/agents", "Agents", "a"),
    ("/system", "System", "s"),
)
_STATUSES: Final[tuple[tuple[type[ActpError], int], ...]] = (
    (NotFound, 404),
    (WrongState, 409),
    (InvalidInput, 400),
    (StoreUnavailable, 503),
    (StoreError, 503),
)
MAX_FIELDS: Final = 200


def templates() -> Environment:
    """Return the environment of all templates, in which everything is escaped."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(FILTERS)
    digest = sha256()
    for path in sorted(path for name in ASSETS for path in (FOLDER / name).rglob("*.*")):
        digest.update(path.read_bytes())
    environment.globals.update(pages=PAGES, version=digest.hexdigest()[:8])
    return environment


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages share."""

    store: Store
    settings: Settings
    live: Live
    doors: Doors
    environment: Environment

    @property
    def may_write(self) -> bool:
        """Whether actions are allowed."""
        return self.settings.console_write

    def fill(self, template: str, **values: Any) -> str:
        """Return a template with values."""
        return self.environment.get_template(template).render(may_write=self.may_write, **values)

    def page(self, request: Request, template: str, *, code: int = 200, **values: Any) -> Response:
        """Return a whole page."""
        shown = {
            "path": request.url.path,
            "here": str(request.url.path) + (f"?{request.url.query}" if request.url.query else ""),
            "snapshot": self.live.snapshot,
            "code": code,
            "seen": "",
            "is_shown_by_get": request.method != "POST",
            **values,
        }
        return HTMLResponse(self.fill(template, **shown), code)

    def failed(self, request: Request, error: ActpError) -> Response:
        """Return what an error says and what to do about it, as a page or as a note on one."""
        status = next((code for kind, code in _STATUSES if isinstance(error, kind)), 500)
        cause = str(error).partition("\n")[0]
        is_away = isinstance(error, StoreUnavailable)
        if request.headers.get("hx-request") == "true":
            if request.method == "POST":
                # What changed meanwhile is shown as it is now.
                headers = {"HX-Trigger": "actp:acted"} if status in {404, 409} else {}
                return HTMLResponse(self.refusal(cause, error.remedy), 200, headers)
            if is_away:  # the page keeps what it shows; its banner says since when
                return Response(status_code=204)
        name = "away.html" if is_away else "error.html"
        return self.page(request, name, code=status, cause=cause, remedy=error.remedy)

    def refusal(self, cause: str, remedy: str) -> str:
        """Return a note on an action that was not done."""
        return self.fill("parts/refused.html", cause=cause, remedy=remedy)


def site_of(request: Request) -> Site:
    """Return the site that a request came to."""
    site: Site = request.app.state.site
    return site


def form_of(body: bytes) -> Mapping[str, str]:
    """Return the fields of a form; raises InvalidInput for what is none.

    Of fields of one name the last counts, but for ``ids``, which are joined by blanks.
    """
    if b"\0" in body or b"%00" in body:
        raise InvalidInput("the form holds a character of no text", remedy="Correct it.")
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except (UnicodeDecodeError, ValueError):
        raise InvalidInput("the form cannot be read", remedy="Reload the page.") from None
    form = dict(pairs)
    if ids := [value for name, value in pairs if name == "ids"]:
        form["ids"] = " ".join(ids)
    return form
