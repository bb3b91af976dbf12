"""Asks services that live whether they can be used: is there a tab, is somebody logged in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import httpx

from actp.safari.catalogue import SERVICES, Service
from actp.safari.probe import fetch
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic import SecretStr

__all__ = ["ask_ready"]

# They look at the page, which takes an osascript or two.
READY_TIMEOUT_SECONDS: Final = 10.0
MAX_DETAIL_LENGTH: Final = 120
# Where a service has no route for its own state; it answers 503 as long as it has no tab.
_SESSION_STATUS_PATH: Final = "/api/session/status"


def ask_ready(
    names: Iterable[str],
    url_of: Callable[[str], str],
    token_of: Callable[[str], SecretStr | None],
) -> dict[str, str | None]:
    """Return why each of these services cannot be used, None where nothing speaks against it.

    Only routes that leave the page as it is are asked, so no turn at Safari is needed.
    """
    return asyncio.run(_ask_all(tuple(names), url_of, token_of))


async def _ask_all(
    names: tuple[str, ...],
    url_of: Callable[[str], str],
    token_of: Callable[[str], SecretStr | None],
) -> dict[str, str | None]:
    async with httpx.AsyncClient(trust_env=False, timeout=READY_TIMEOUT_SECONDS) as client:
        found = await asyncio.gather(
            *(_ask(client, SERVICES[name], url_of(name), token_of(name)) for name in names)
        )
    return dict(zip(names, found, strict=True))


async def _ask(
    client: httpx.AsyncClient, service: Service, url: str, token: SecretStr | None
) -> str | None:
    path = service.status_path or _SESSION_STATUS_PATH
    try:
        async with asyncio.timeout(READY_TIMEOUT_SECONDS):
            status, said = await fetch(client, f"{url}{path}", token)
    except (TimeoutError, httpx.HTTPError) as error:
        return f"it does not tell its state: {type(error).__name__}"
    return _hindrance(service, status, said if isinstance(said, dict) else {})


def _hindrance(service: Service, status: int, said: Mapping[str, Any]) -> str | None:
    if status == httpx.codes.SERVICE_UNAVAILABLE:
        reason = storable_text(str(said.get("error") or "no Safari tab"), MAX_DETAIL_LENGTH)
        return f"{reason}; open the site in Safari and log in"
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        return f"it refuses our token; set {service.token_setting}"
    if status != httpx.codes.OK:
        return None
    is_on_site = any(value is True for key, value in said.items() if key.startswith("isOn"))
    if is_on_site and said.get("isLoggedIn") is False:
        return "nobody is logged in"
    return None
