"""Validates where a rendered video is stored: at Remotion's address, or in its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import httpx

from actp.clients.remotion.errors import RemotionError
from actp.settings.values import is_loopback

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["VIDEO_SUFFIXES", "Origin", "is_web_address", "suffix_of"]

VIDEO_SUFFIXES: Final = frozenset({".m4v", ".mov", ".mp4", ".webm"})
MAX_SHOWN: Final = 200


def is_web_address(output: str) -> bool:
    """Return whether an output is a whole URL."""
    return output.lower().startswith(("http://", "https://"))


def suffix_of(output: str) -> str:
    """Return the suffix of the file that an output names, in lower case."""
    path = httpx.URL(output).path if is_web_address(output) else output
    return PurePosixPath(path).suffix.lower()


@dataclass(frozen=True, slots=True)
class Origin:
    """The service at ``url``, started in the folder ``home``.

    Whatever lies elsewhere is not the service's to publish: raises RemotionError.
    """

    url: str
    home: Path | None

    def url_of(self, output: str) -> str:
        """Return the address of an output, which may start from that of the service."""
        base = httpx.URL(self.url)
        try:
            found = base.join(output)
        except (httpx.InvalidURL, ValueError):
            _refuse(output, "is no address")
        # A service calls its own machine localhost or 127.0.0.1, whatever we call it.
        same_host = found.host == base.host or (is_loopback(str(found)) and is_loopback(self.url))
        same_port = (found.scheme, _port(found)) == (base.scheme, _port(base))
        if not same_host or not same_port or found.userinfo:
            _refuse(output, f"is not at {self.url}")
        _check_suffix(output, found.path)
        return str(found.copy_with(host=base.host))

    def file_of(self, output: str) -> Path:
        """Return the file of an output, which may be named from the service's folder."""
        if self.home is None:
            raise RemotionError(
                f"the video is at {output[:MAX_SHOWN]!r}, in the service's folder",
                "misconfigured",
                remedy="Set REMOTION_HOME to the folder that the service was started in.",
            )
        try:
            home = self.home.resolve(strict=True)
            found = (home / output).resolve(strict=True)
            is_file = found.is_file()
        except (OSError, ValueError, RuntimeError):
            _refuse(output, "is not there")
        if not found.is_relative_to(home):
            _refuse(output, f"is not below {self.home}")
        if not is_file:
            _refuse(output, "is no file")
        _check_suffix(output, found.name)
        return found


def _check_suffix(output: str, path: str) -> None:
    if PurePosixPath(path).suffix.lower() not in VIDEO_SUFFIXES:
        _refuse(output, "is no video")


def _port(url: httpx.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)


def _refuse(output: str, why: str) -> NoReturn:
    raise RemotionError(f"the video that Remotion names, {output[:MAX_SHOWN]!r}, {why}", "refused")
