"""``/people/import``: contacts out of a CSV file, counted before they are stored."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.routing import Route

from actp.cli.people import MOST_NAMED, SAID
from actp.domains.crm.importing import import_table
from actp.errors import ActpError, InvalidInput, WrongState
from actp.operators import operator_here
from actp.spreadsheet import read_table
from console.site import site_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from console.site import Site

__all__ = ["routes"]

MAX_FIELDS: Final = 8


async def show(request: Request) -> Response:
    """Show the form."""
    return site_of(request).page(request, "people_import.html", result=None, seen="", error=None)


async def take(request: Request) -> Response:
    """Count what a file would change; with the hash of a file that was counted, store it."""
    site = site_of(request)
    try:
        async with request.form(max_files=1, max_fields=MAX_FIELDS) as form:
            file, seen = form.get("file"), str(form.get("seen") or "")
            if not isinstance(file, UploadFile) or not file.size:
                raise InvalidInput("no file was chosen", remedy="Choose a CSV file.")
            raw, name = await file.read(), (file.filename or "people.csv")[:100]
        result, digest = await run_in_threadpool(_import, site, raw, name, seen)
    except HTTPException:
        wrong: ActpError = InvalidInput("the form cannot be read", remedy="Reload the page.")
    except ActpError as error:
        wrong = error
    else:
        return site.page(
            request,
            "people_import.html",
            result=result,
            most_named=MOST_NAMED,
            said=SAID,
            seen=digest,
            error=None,
        )
    if isinstance(wrong, InvalidInput | WrongState):
        return site.page(request, "people_import.html", code=400, result=None, seen="", error=wrong)
    return await run_in_threadpool(site.failed, request, wrong)


def _import(site: Site, raw: bytes, name: str, seen: str) -> tuple[dict[str, Any], str]:
    digest = sha256(raw).hexdigest()
    if seen and seen != digest:
        raise WrongState(
            "the file changed after the check: nothing was stored",
            remedy="Check it again.",
        )
    operator = operator_here("console")
    table = read_table(raw, name)
    return import_table(site.store, table, name, operator=operator, dry_run=not seen), digest


routes = [
    Route("/people/import", show, methods=["GET"]),
    Route("/people/import", take, methods=["POST"]),
]
