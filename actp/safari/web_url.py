"""Validates web addresses before they are opened in the logged-in Safari."""

from __future__ import annotations

import re
import unicodedata
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import unquote, urlsplit

from actp.errors import InvalidInput

__all__ = ["web_url"]

MAX_URL_LENGTH: Final = 2048
# Besides what ends an argument, signs that change how the rest is shown: U+202E turns it around.
_UNPRINTED: Final = re.compile(
    r"[\x00-\x20\x7f-\xa0\"`\\\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ud800-\udfff]"
)
# Reserved for private networks; a name without a dot is resolved there, too.
_LOCAL_DOMAINS: Final = frozenset(
    {"localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "arpa",
     "test", "invalid", "onion"}
)  # fmt: skip
_ENDS_IN_NUMBER: Final = re.compile(r"(?:^|\.)(?:0x[0-9a-f]*|[0-9]+)$")


def web_url(value: str) -> str:
    """Return an http(s) address of the public internet, safe to pass to a browser as one argument.

    Raises InvalidInput for any other: Safari reaches what listens on this host and in its network.
    """
    given = value.strip()
    if not given or len(given) > MAX_URL_LENGTH or _UNPRINTED.search(given):
        raise InvalidInput(f"not an address: {given[:80]!r}", remedy="Give an http(s) URL.")
    try:
        parts = urlsplit(given)
        _ = parts.port  # raises here, not later, for a port that is no number
    except ValueError:
        raise InvalidInput(
            f"not an address: {given[:80]!r}", remedy="Give an http(s) URL."
        ) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInput(f"not an http(s) address: {given[:80]!r}", remedy="Give an http(s) URL.")
    if "@" in parts.netloc:
        raise InvalidInput("an address with a user or password in it", remedy="Leave them out.")
    if not _is_public(parts.hostname):
        raise InvalidInput(
            f"an address of this host or its network: {given[:80]!r}",
            remedy="Give an address of the public internet.",
        )
    return given


def _is_public(host: str) -> bool:
    """Return whether a host is on the public internet, however a browser may read its name."""
    # Full-width letters and the full stops of other scripts are plain ones to a browser.
    host = unicodedata.normalize("NFKC", unquote(host)).replace("\u3002", ".").rstrip(".").lower()
    try:
        if ":" in host:
            address = IPv6Address(host)
            inner = address.ipv4_mapped or address.sixtofour
            return address.is_global and (inner is None or inner.is_global)
        if _ENDS_IN_NUMBER.search(host):
            return IPv4Address(_ipv4_number(host)).is_global
    except ValueError:
        return False
    name, _, top = host.rpartition(".")
    return bool(name) and top not in _LOCAL_DOMAINS


def _ipv4_number(host: str) -> int:
    """Return an IPv4 address as browsers read it: 127.1 and 0x7f000001 are both 127.0.0.1."""
    *front, last = (_number(part) for part in host.split("."))
    if len(front) > 3 or any(number > 255 for number in front):
        raise ValueError(host)
    return int(last + sum(number << (24 - 8 * place) for place, number in enumerate(front)))


def _number(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8) if len(part) > 1 and part.startswith("0") else int(part)
