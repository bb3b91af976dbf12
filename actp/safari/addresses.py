"""Whom and what a command is for: handles, profiles and posts, checked and in one spelling.

The services put handles and addresses unescaped into shell commands and page scripts, so only
plain letters, digits and a few signs may pass.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from actp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "clean_handle",
    "clean_post_url",
    "handle_in_post",
    "is_same_post",
    "linkedin_profile_url",
    "post_id",
    "post_key",
    "web_url",
]

MAX_URL_LENGTH: Final = 2048
HOSTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "instagram": ("instagram.com",),
        "linkedin": ("linkedin.com",),
        "threads": ("threads.com", "threads.net"),
        "tiktok": ("tiktok.com",),
        "twitter": ("x.com", "twitter.com"),
    }
)

_HANDLE = re.compile(r"@?([A-Za-z0-9._]{1,30})")
_POST_PATH = re.compile(r"/[A-Za-z0-9._~@/-]+")
_UNPRINTED = re.compile(r"[\x00-\x20\x7f-\x9f\"`\\\u2028\u2029\u00a0\ud800-\udfff]")
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\"'`\\\u2028\u2029\u00a0]")
_POST_ID = re.compile(r"/(?:p|reels?|tv|post|t|status|video)/([^/]+)")
_SLUG = re.compile(r"[\w-]{1,100}")

# The services never check that the page is a post: on a profile they answer whatever stands first.
_POST_SHAPES: Final[Mapping[str, tuple[re.Pattern[str], str]]] = MappingProxyType(
    {
        "instagram": (re.compile(r"/(?:[^/]+/)?(?:p|reel|reels|tv)/[^/]+/?"), "/p/… or /reel/…"),
        "threads": (re.compile(r"/(?:@[^/]+/post|t)/[^/]+/?"), "/@name/post/… or /t/…"),
        "tiktok": (re.compile(r".*(?:/video/|/@).*"), "/@name/video/…"),
        "twitter": (re.compile(r"/(?:[^/]+|i/web)/status/[^/]+(?:/.*)?"), "/name/status/…"),
    }
)
_TIKTOK_SHORT_HOSTS: Final = frozenset({"vm.tiktok.com", "vt.tiktok.com"})


def clean_handle(platform: str, value: str) -> str:
    """Return a handle in lower case without ``@``; a profile's address of the platform also does.

    Raises InvalidInput for anything else.
    """
    given = value.strip()
    if "/" in given:
        given = _handle_of_profile(platform, given)
    match = _HANDLE.fullmatch(given)
    if match is None or not match[1].strip("."):
        raise InvalidInput(
            f"not a username of {platform}: {given[:60]!r}",
            remedy="A username has 1 to 30 letters, digits, dots and underscores.",
        )
    return match[1].lower()


def linkedin_profile_url(value: str) -> str:
    """Return ``https://www.linkedin.com/in/<slug>/`` for a profile's address or its last part."""
    given = value.strip()
    slug = given.removeprefix("@")
    if "/" in given:
        parts = [part for part in _split(given, "linkedin").path.split("/") if part]
        if len(parts) < 2 or parts[0] != "in":
            raise InvalidInput(
                f"not a LinkedIn profile: {given[:80]!r}",
                remedy="Give https://www.linkedin.com/in/<name>/ or the name alone.",
            )
        slug = parts[1]
    slug = unquote(slug, errors="replace")
    if _SLUG.fullmatch(slug) is None:
        raise InvalidInput(
            f"not a LinkedIn profile name: {slug[:60]!r}",
            remedy="Give https://www.linkedin.com/in/<name>/ or the name alone.",
        )
    return f"https://www.linkedin.com/in/{quote(slug.lower(), safe='')}/"


def clean_post_url(platform: str, value: str) -> str:
    """Return a post's address without query and fragment; raises InvalidInput for any other."""
    parts = _split(value.strip(), platform)
    host = parts.hostname or ""
    if host in _TIKTOK_SHORT_HOSTS:
        raise InvalidInput(
            f"TikTok short link: {value.strip()[:80]!r}",
            remedy="Open it once and give the address that contains /@name/video/….",
        )
    shape, example = _POST_SHAPES[platform]
    if _POST_PATH.fullmatch(parts.path) is None or shape.fullmatch(parts.path) is None:
        raise InvalidInput(
            f"not the address of a {platform} post: {value.strip()[:80]!r}",
            remedy=f"Give https://{HOSTS[platform][0]}{example}.",
        )
    return f"https://{host}{parts.path}"


def post_key(platform: str, value: str) -> str:
    """Return one spelling of a post's address, the same for every host name of the platform."""
    parts = urlsplit(clean_post_url(platform, value))
    return f"https://{HOSTS[platform][0]}{parts.path.rstrip('/')}"


def post_id(platform: str, value: str) -> str | None:
    """Return what names a post on its platform, whatever stands before it, where it has that."""
    found = _POST_ID.search(urlsplit(clean_post_url(platform, value)).path)
    return found[1] if found else None


def is_same_post(platform: str, shown: str, wanted: str) -> bool:
    """Return whether two addresses lead to one post."""
    try:
        one, other = (post_id(platform, each) for each in (shown, wanted))
        if one is None or other is None:
            return post_key(platform, shown).lower() == post_key(platform, wanted).lower()
    except InvalidInput:
        return False
    return one == other


def handle_in_post(platform: str, value: str) -> str | None:
    """Return the author's handle where a post's address contains it."""
    segments = urlsplit(clean_post_url(platform, value)).path.split("/")
    first = segments[1]
    if platform == "twitter":
        return None if first == "i" else first.lower()
    return first[1:].lower() or None if first.startswith("@") else None


def web_url(value: str) -> str:
    """Return an http or https address that is safe to hand to a browser as one argument."""
    given = value.strip()
    if not given or len(given) > MAX_URL_LENGTH or _UNPRINTED.search(given):
        raise InvalidInput(f"not an address: {given[:80]!r}", remedy="Give an http(s) URL.")
    parts = _parsed(given)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInput(f"not an http(s) address: {given[:80]!r}", remedy="Give an http(s) URL.")
    return given


def _handle_of_profile(platform: str, given: str) -> str:
    segments = [part for part in _split(given, platform).path.split("/") if part]
    if len(segments) != 1:
        raise InvalidInput(
            f"not a profile on {platform}: {given[:80]!r}",
            remedy="Give the username alone.",
        )
    return segments[0]


def _split(given: str, platform: str) -> SplitResult:
    if len(given) > MAX_URL_LENGTH or _UNSAFE.search(given):
        raise InvalidInput(
            f"an address with signs that no {platform} address has: {given[:80]!r}",
            remedy="Copy the address from the browser, without quotes or blanks.",
        )
    parts = _parsed(given)
    if parts.scheme != "https":
        raise InvalidInput(
            f"not an https address: {given[:80]!r}",
            remedy=f"Give https://{HOSTS[platform][0]}/….",
        )
    host = parts.hostname or ""
    known = HOSTS[platform]
    if not any(host == name or host.endswith(f".{name}") for name in known):
        raise InvalidInput(
            f"not an address on {platform}: {given[:80]!r}",
            remedy=f"Its host must be {' or '.join(known)}.",
        )
    if parts.username is not None or parts.port not in {None, 443} or not _is_plain_host(host):
        raise InvalidInput(
            f"not a plain {platform} address: {given[:80]!r}",
            remedy=f"Give https://{HOSTS[platform][0]}/….",
        )
    return parts


def _parsed(given: str) -> SplitResult:
    try:
        parts = urlsplit(given)
        _ = parts.port  # raises here, not later, for a port that is no number
    except ValueError:
        raise InvalidInput(
            f"not an address: {given[:80]!r}", remedy="Give an http(s) URL."
        ) from None
    return parts


def _is_plain_host(host: str) -> bool:
    return re.fullmatch(r"[a-z0-9.-]+", host) is not None
