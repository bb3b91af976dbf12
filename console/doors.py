"""Who may enter: links that work once, and the sessions that they open.

Both are random tokens of which only the digest lies on the disk, as the name of an empty file in a
folder of the owner. So a link is used up by removing its file, in one step whatever the number of
processes, and neither a log nor a backup holds anything that opens the console.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from actp.settings import Settings

__all__ = ["LINK_SECONDS", "SESSION_SECONDS", "Doors", "doors_of"]

LINK_SECONDS: Final = 600.0
SESSION_SECONDS: Final = 12 * 3600.0
TOKEN_BYTES: Final = 32
MAX_TOKEN_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Doors:
    """The links and sessions of one console, below its folder."""

    folder: Path

    def new_link(self) -> str:
        """Return a token that opens one session within ten minutes."""
        return self._issue("links", LINK_SECONDS)

    def enter(self, link: str) -> str | None:
        """Use up a link and return the token of a new session; None when it is not valid."""
        path = self._path("links", link)
        if path is None:
            return None
        try:
            issued_at = path.stat().st_mtime
            path.unlink()
        except OSError:
            return None
        if not _is_young(issued_at, LINK_SECONDS):
            return None
        return self._issue("sessions", SESSION_SECONDS)

    def is_open(self, session: str) -> bool:
        """Return whether a session was opened here and has not ended."""
        path = self._path("sessions", session)
        try:
            return path is not None and _is_young(path.stat().st_mtime, SESSION_SECONDS)
        except OSError:
            return False

    def leave(self, session: str) -> None:
        """End a session."""
        if path := self._path("sessions", session):
            path.unlink(missing_ok=True)

    def _issue(self, kind: str, seconds: float) -> str:
        folder = self.folder / kind
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in folder.iterdir():
            try:
                if not _is_young(old.stat().st_mtime, seconds):
                    old.unlink(missing_ok=True)
            except OSError:
                continue
        token = secrets.token_urlsafe(TOKEN_BYTES)
        (folder / _digest(token)).touch(mode=0o600)
        return token

    def _path(self, kind: str, token: str) -> Path | None:
        if not token or len(token) > MAX_TOKEN_LENGTH:
            return None
        return self.folder / kind / _digest(token)


def doors_of(settings: Settings) -> Doors:
    """Return the links and sessions of the console of this ACTP_HOME."""
    return Doors(settings.actp_home / "console")


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _is_young(issued_at: float, seconds: float) -> bool:
    return 0 <= time.time() - issued_at <= seconds
