"""The shape of handles and addresses that may leave for a service or come from its page.

The database decides which spellings mean one person or post (``safari_address``, ``safari_post``)
and stores the result in the row. The services put handles and addresses unescaped into shell
commands and page scripts, so only plain signs pass here, and what passes means the same there.
"""

from __future__ import annotations

import re
import unicodedata
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from actp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "clean_handle",
    "clean_post_url",
    "handle_in_post",
    "is_name_of",
    "is_same_post",
    "letters_of",
    "linkedin_profile_url",
    "post_id",
    "post_key",
    "shares_no_word",
]

MAX_URL_LENGTH: Final = 2048
SHORTEST_WORD: Final = 3
HOSTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "instagram": ("instagram.com", "instagr.am"),
        "linkedin": ("linkedin.com",),
        "threads": ("threads.com", "threads.net"),
        "tiktok": ("tiktok.com",),
        "twitter": ("x.com", "twitter.com"),
    }
)

_HANDLE = re.compile(r"@?([A-Za-z0-9._]{1,30})")
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\"'`\\\u2028\u2029\u00a0]")
# Letters, marks and digits of any script; no sign that means something in an address.
_SLUG = re.compile(
    r"[^\x00-,./:-@\[-^`{-\u00a0\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]{1,100}"
)
# The visitor's own page, and what stands where there is nobody.
_NO_PROFILES: Final = frozenset({"edit", "me", "unavailable"})
_MEMBER_ID = re.compile(r"ACo[A-Za-z0-9_-]{30,}")

_NAME = r"(?P<author>[A-Za-z0-9._]{1,30})"
_CODE = r"(?P<id>[A-Za-z0-9_-]{1,64})"
# No platform writes a number with zeros in front: 02 would be a second key of post 2.
_NUMBER = r"(?P<id>[1-9][0-9]{0,24})"
# The services never check that the page is a post: on a profile they answer whatever stands first.
_POST_SHAPES: Final[Mapping[str, tuple[re.Pattern[str], str]]] = MappingProxyType(
    {
        "instagram": (
            re.compile(
                rf"/(?:(?!(?:share|explore|stories|p|reels?|tv)/){_NAME}/)?"
                rf"(?P<kind>p|reel|tv)s?/{_CODE}/?"
            ),
            "/p/… or /reel/…",
        ),
        "threads": (re.compile(rf"/(?:@{_NAME}/post|t)/{_CODE}/?"), "/@name/post/… or /t/…"),
        "tiktok": (
            # Older links of phones, and of pages that show a video, name nobody.
            re.compile(
                rf"/(?:@{_NAME}?/(?P<kind>video|photo)/|(?P<old>v/)|embed/(?:v[0-9]/)?)"
                rf"{_NUMBER}(?(old)\.html)/?"
            ),
            "/@name/video/…",
        ),
        "twitter": (
            re.compile(rf"/(?:i/web|i|{_NAME})/status/{_NUMBER}(?:/(?:photo|video)/[0-9]+)?/?"),
            "/name/status/…",
        ),
    }
)
_TIKTOK_SHORT_HOSTS: Final = frozenset({"vm.tiktok.com", "vt.tiktok.com"})


class _Address(NamedTuple):
    """An https address on a platform: the host in lower case, and the path as it was given."""

    host: str
    path: str


class _Post(NamedTuple):
    """A post and its author, where the address names one."""

    id: str
    author: str | None
    url: str
    key: str


def clean_handle(platform: str, value: str) -> str:
    """Return a handle in lower case without ``@``; a profile's address of the platform also does.

    Raises InvalidInput for anything else.
    """
    given = value.strip()
    if "/" in given:
        given = _handle_of_profile(platform, given)
    match = _HANDLE.fullmatch(given.rstrip("."))
    if match is None:
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
        address = _split(given, "linkedin")
        parts = [part for part in address.path.split("/") if part]
        if parts[:1] == ["pub"]:
            raise InvalidInput(
                f"an old LinkedIn address, which does not say who has it now: {given[:80]!r}",
                remedy="Open it once and give the /in/… address that the browser then shows.",
            )
        is_profile = len(parts) > 1 and parts[0] == "in"
        if not is_profile or not _is_profile_host("linkedin", address.host):
            raise InvalidInput(
                f"not a LinkedIn profile: {given[:80]!r}",
                remedy="Give https://www.linkedin.com/in/<name>/ or the name alone.",
            )
        slug = parts[1]
    slug = unicodedata.normalize("NFC", unquote(slug, errors="replace"))
    if _SLUG.fullmatch(slug) is None or slug.lower() in _NO_PROFILES:
        raise InvalidInput(
            f"not a LinkedIn profile name: {slug[:60]!r}",
            remedy="Give https://www.linkedin.com/in/<name>/ or the name alone.",
        )
    name = slug if _MEMBER_ID.fullmatch(slug) else slug.lower()
    return f"https://www.linkedin.com/in/{quote(name, safe='')}/"


def clean_post_url(platform: str, value: str) -> str:
    """Return the address at which a post is opened; raises InvalidInput for any other address."""
    return _post(platform, value).url


def post_key(platform: str, value: str) -> str:
    """Return a post's address by its id alone, the same for every address that it has."""
    return _post(platform, value).key


def post_id(platform: str, value: str) -> str:
    """Return what names a post on its platform, whatever stands before it."""
    return _post(platform, value).id


def is_same_post(platform: str, shown: str, wanted: str) -> bool:
    """Return whether two addresses lead to one post."""
    try:
        return post_key(platform, shown) == post_key(platform, wanted)
    except InvalidInput:
        return False


def handle_in_post(platform: str, value: str) -> str | None:
    """Return the author's handle where a post's address contains it."""
    return _post(platform, value).author


def letters_of(text: str, keep: str = "") -> str:
    """Return the letters and digits of a text, in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", text).lower()
    return "".join(sign for sign in plain if sign.isalnum() or sign in keep)


def is_name_of(name: str, handle: str) -> bool:
    """Return whether a person's name is that of a handle or of a profile's address.

    All words of one stand in the other, two of them at least, or their letters are the same. What a
    handle has in digits does not count, unless the name has some as well.
    """
    words, parts = _words(name), _words(unquote(handle))
    if not words or not parts or re.search(r"[0-9]", name):
        return letters_of(name) == letters_of(unquote(handle)) != ""
    if "".join(words) == "".join(parts):
        return True
    fewer, more = sorted((set(words), set(parts)), key=len)
    return len(fewer) > 1 and fewer <= more


def shares_no_word(name: str, handle: str) -> bool:
    """Return whether a name has words, and none of three letters stands in a profile's address.

    False for an address that is a member's id or in another script than the name.
    """
    letters = letters_of(unquote(handle))
    words = [word for word in _words(name) if len(word) >= SHORTEST_WORD]
    if not words or _MEMBER_ID.fullmatch(handle) or letters.isascii() != "".join(words).isascii():
        return False
    return not any(word in letters for word in words)


def _words(text: str) -> list[str]:
    split = re.split(r"[\W_]+", letters_of(text, keep=" _.-"))
    without_end = [word.rstrip("0123456789") for word in split]
    return [word for word in without_end if word and not re.search(r"[0-9]", word)]


def _post(platform: str, value: str) -> _Post:
    address = _split(value.strip(), platform)
    if address.host in _TIKTOK_SHORT_HOSTS:
        raise InvalidInput(
            f"TikTok short link: {value.strip()[:80]!r}",
            remedy="Open it once and give the address that contains /@name/video/….",
        )
    shape, example = _POST_SHAPES[platform]
    found = shape.fullmatch(address.path)
    if found is None or not _is_profile_host(platform, address.host):
        raise InvalidInput(
            f"not the address of a {platform} post: {value.strip()[:80]!r}",
            remedy=f"Give https://{HOSTS[platform][0]}{example}.",
        )
    groups = found.groupdict()
    id_, author, kind = groups["id"], (groups["author"] or "").lower() or None, groups.get("kind")
    match platform:
        case "twitter":
            url, key = (f"https://x.com/{name}/status/{id_}" for name in (author or "i", "i"))
        case "instagram":
            place = f"{author}/{kind}" if author else kind
            url = f"https://www.instagram.com/{place}/{id_}/"
            key = f"https://www.instagram.com/p/{id_}/"
        case "threads":
            key = f"https://www.threads.com/t/{id_}"
            url = f"https://www.threads.com/@{author}/post/{id_}" if author else key
        case _:
            url = f"https://www.tiktok.com/@{author or ''}/{kind or 'video'}/{id_}"
            key = f"https://www.tiktok.com/@/video/{id_}"
    return _Post(id_, author, url, key)


def _handle_of_profile(platform: str, given: str) -> str:
    address = _split(given, platform)
    segments = [part for part in address.path.split("/") if part]
    is_named = platform not in {"threads", "tiktok"} or "".join(segments[:1]).startswith("@")
    if len(segments) != 1 or not is_named or not _is_profile_host(platform, address.host):
        raise InvalidInput(
            f"not a profile on {platform}: {given[:80]!r}",
            remedy="Give the username alone.",
        )
    return segments[0]


def _is_profile_host(platform: str, host: str) -> bool:
    """Return whether a host shows people and posts; others of the platform lead elsewhere."""
    front, _, _ = host.rpartition(next(n for n in HOSTS[platform] if host.endswith(n)))
    is_country = platform == "linkedin" and re.fullmatch(r"[a-z]{2}\.", front) is not None
    return front in {"", "www.", "m.", "mobile."} or is_country


def _split(given: str, platform: str) -> _Address:
    if len(given) > MAX_URL_LENGTH or _UNSAFE.search(given):
        raise InvalidInput(
            f"an address with signs that no {platform} address has: {given[:80]!r}",
            remedy="Copy the address from the browser, without quotes or blanks.",
        )
    try:
        parts = urlsplit(given)
        port = parts.port  # raises for one that is no number
    except ValueError:
        raise InvalidInput(
            f"not an address: {given[:80]!r}", remedy="Give an http(s) URL."
        ) from None
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
    if parts.username is not None or port not in {None, 443} or not _is_plain_host(host):
        raise InvalidInput(
            f"not a plain {platform} address: {given[:80]!r}",
            remedy=f"Give https://{HOSTS[platform][0]}/….",
        )
    if {".", ".."} & set(unquote(parts.path).split("/")):
        raise InvalidInput(
            f"an address with dot segments: {given[:80]!r}",
            remedy="Copy the address from the browser.",
        )
    return _Address(host, parts.path)


def _is_plain_host(host: str) -> bool:
    return re.fullmatch(r"[a-z0-9.-]+", host) is not None
