"""Detects why a running service cannot be used: no tab, no login, another account."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Final

from actp.safari.asking import Asking
from actp.safari.catalogue import HTTP_SERVICES, SERVICES
from actp.safari.exchange import Connection
from actp.safari.login import login_script, shown_login
from actp.safari.outcomes import Failure
from actp.safari.session_check import fetch, said_object
from actp.safari.session_outcomes import other_account
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic import SecretStr

    from actp.safari.catalogue import Service
    from actp.safari.outcomes import Reply

__all__ = ["another_login", "ask_ready"]

# These routes look at the page, which takes an osascript or two.
READY_TIMEOUT_SECONDS: Final = 10.0
MAX_DETAIL_LENGTH: Final = 120
# They know a login by the English names of buttons.
_KNOW_LOGIN_BY_WORDS: Final = frozenset({"instagram-comments", "threads-comments"})
# Where a service has no route for its own state; it answers 503 as long as it has no tab.
_SESSION_STATUS_PATH: Final = "/api/session/status"


def ask_ready(
    names: Iterable[str],
    url_of: Callable[[str], str],
    token_of: Callable[[str], SecretStr | None],
    logins: Mapping[str, str],
) -> dict[str, str | None]:
    """Return why each of these services cannot be used, None where nothing speaks against it.

    ``logins`` names the account that must be logged in on a platform. Only routes that leave the
    page as it is are asked, so no turn at Safari is needed.
    """

    def ask(name: str) -> str | None:
        service, url, token = SERVICES[name], url_of(name), token_of(name)
        path = service.status_path or _SESSION_STATUS_PATH
        reply = fetch(url, path, token, timeout_seconds=READY_TIMEOUT_SECONDS)
        own_handle = logins.get(service.platform or "")
        return _hindrance(service, reply) or (
            another_login(service, url, token, own_handle) if own_handle else None
        )

    asked = tuple(names)
    with ThreadPoolExecutor(len(HTTP_SERVICES), "ready") as pool:
        return dict(zip(asked, pool.map(ask, asked), strict=True))


def another_login(
    service: Service, url: str, token: SecretStr | None, own_handle: str
) -> str | None:
    """Return which other account is logged in, None where the page shows ours or none."""
    script = login_script(service)
    if script is None:
        return None
    with closing(Connection(url, token)) as connection:
        _, shown = Asking(service, connection.exchange).evaluated(script)
    handle = shown_login(service, shown)
    if handle in {None, own_handle}:
        return None
    return other_account(service, handle or "", own_handle)


def _hindrance(service: Service, reply: Reply | Failure) -> str | None:
    if isinstance(reply, Failure):
        return f"it does not report its state: {reply.detail}"
    said = said_object(reply) or {}
    if reply.status == 503:
        reason = storable_text(str(said.get("error") or "no Safari tab"), MAX_DETAIL_LENGTH)
        return f"{reason}; open the site in Safari and log in"
    if reply.status in {401, 403}:
        return f"it rejected the token; set {service.token_setting}"
    if reply.status != 200:
        return None
    is_on_site = any(value is True for key, value in said.items() if key.startswith("isOn"))
    if is_on_site and said.get("isLoggedIn") is False:
        is_read = service.name in _KNOW_LOGIN_BY_WORDS
        return "not logged in, or not shown in English" if is_read else "not logged in"
    return None
