"""Alerts to mail, Slack, ntfy and the like, through the optional package apprise."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from actp.errors import SettingsError

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = ["Channel", "channels", "is_installed"]

PACKAGE: Final = "apprise"
INSTALL: Final = "Install it with uv pip install 'actp-worker[notify]', or unset APPRISE_URLS."
MARK_LENGTH: Final = 12


@dataclass(frozen=True, slots=True)
class Channel:
    """One address; ``name`` is its kind, and ``mark`` stands for it where it must not be shown."""

    name: str
    mark: str
    _server: Any

    def send(self, title: str, body: str) -> str | None:
        """Send one plain text and return why it was not taken, or None; never raises."""
        try:
            is_taken = self._server.notify(body=body or title, title=title, body_format="text")
        except Exception as error:  # noqa: BLE001  a plugin may raise anything
            return f"{self.name}: {type(error).__name__}"
        return None if is_taken else f"{self.name} did not accept it"


def is_installed() -> bool:
    """Return whether the package is there."""
    return importlib.util.find_spec(PACKAGE) is not None


def channels(urls: SecretStr) -> tuple[Channel, ...]:
    """Return the channels of a list of addresses; raises SettingsError without showing one."""
    if not is_installed():
        raise SettingsError("APPRISE_URLS: the package apprise is not installed", remedy=INSTALL)
    # It logs addresses, which hold passwords; and what its plugins import is not ours to mend.
    logging.getLogger(PACKAGE).setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        apprise = importlib.import_module(PACKAGE)
        found = importlib.import_module(f"{PACKAGE}.utils.parse").parse_urls(
            urls.get_secret_value()
        )
        made = [apprise.Apprise.instantiate(url, suppress_exceptions=True) for url in found]
    wrong = [str(number) for number, server in enumerate(made, 1) if server is None]
    if wrong or not made:
        which = f"address {', '.join(wrong)} of {len(made)}" if wrong else "the list"
        raise SettingsError(
            f"APPRISE_URLS: {which} cannot be read",
            remedy="See https://github.com/caronc/apprise/wiki for the form of each service.",
        )
    return tuple(
        Channel(
            str(server.service_name or "a service"),
            hashlib.sha256(url.encode()).hexdigest()[:MARK_LENGTH],
            server,
        )
        for url, server in zip(found, made, strict=True)
    )
