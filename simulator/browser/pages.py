"""Which page of which site an address opens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from urllib.parse import urlsplit

__all__ = [
    "HOME_URLS",
    "INBOX_URLS",
    "Kind",
    "Page",
    "handle_in",
    "moved",
    "page_at",
    "thread_page",
]

HOME_URLS = {
    "instagram": "https://www.instagram.com/",
    "twitter": "https://x.com/home",
    "tiktok": "https://www.tiktok.com/",
    "threads": "https://www.threads.com/",
    "linkedin": "https://www.linkedin.com/feed/",
    "google": "https://www.google.com/",
}
INBOX_URLS = {
    "instagram": "https://www.instagram.com/direct/inbox/",
    "twitter": "https://x.com/messages",
    "tiktok": "https://www.tiktok.com/messages",
    "linkedin": "https://www.linkedin.com/messaging/",
}
_HOSTS = {
    "instagram.com": "instagram",
    "x.com": "twitter",
    "twitter.com": "twitter",
    "tiktok.com": "tiktok",
    "threads.com": "threads",
    "threads.net": "threads",
    "linkedin.com": "linkedin",
    "google.com": "google",
}
# Where a site sends who comes by its old name.
_MOVED = {"threads.net": "threads.com", "twitter.com": "x.com"}
# The segment of an address that is followed by a post, by a thread.
_POSTS = frozenset({"p", "reel", "reels", "tv", "post", "t", "video", "status"})
_THREADS = ("/direct/t/", "/messages/", "/messaging/thread/")
_HOMES = frozenset({"home", "feed", "explore", "search", "foryou"})

_FEEDS = frozenset({"instagram", "twitter", "tiktok", "threads"})
_TIMELINES = frozenset({"twitter", "threads"})


class Kind(StrEnum):
    """What a page is for."""

    HOME = "home"
    PROFILE = "profile"
    INBOX = "inbox"
    THREAD = "thread"
    POST = "post"
    COMPOSE = "compose"
    OTHER = "other"


def moved(url: str) -> str:
    """Return the address at which a tab ends up: old names of a site lead to the new one."""
    parts = urlsplit(url)
    for old, new in _MOVED.items():
        if parts.netloc.removeprefix("www.") == old:
            host = parts.netloc.replace(old, new) if new != "x.com" else new
            return parts._replace(netloc=host).geturl()
    return url


@dataclass(frozen=True, slots=True)
class Page:
    """A page: ``subject`` is the person, or the address of the post."""

    url: str
    site: str
    kind: Kind
    subject: str = ""

    @property
    def has_box(self) -> bool:
        """Return whether a text box is open."""
        return self.kind in {Kind.THREAD, Kind.POST, Kind.COMPOSE}

    @property
    def is_of_person(self) -> bool:
        """Return whether it is a profile, also below an open thread."""
        return self.kind in {Kind.PROFILE, Kind.THREAD}

    @property
    def takes_comments(self) -> bool:
        """Return whether a post stands there: the one it is for, or the first of a feed."""
        if self.kind is Kind.HOME:
            return self.site in _FEEDS
        return self.kind is Kind.POST or (self.kind is Kind.PROFILE and self.site in _TIMELINES)


@lru_cache(maxsize=4096)
def page_at(url: str) -> Page:
    """Return the page that an address opens, also without a scheme."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    host = (parts.hostname or "").removeprefix("www.")
    site = _HOSTS.get(host, "other")
    path = f"{parts.path.rstrip('/')}/"
    segments = [segment for segment in path.split("/") if segment]
    if site in {"other", "google"}:
        return Page(url, site, Kind.OTHER)
    kind, subject = _kind(site, path, segments)
    return Page(url, site, kind, subject or (url if kind is not Kind.HOME else ""))


def _kind(site: str, path: str, segments: list[str]) -> tuple[Kind, str]:  # noqa: PLR0911
    """Return the kind of a page, and its subject where that is not its address."""
    is_thread = any(path.startswith(each) and len(path) > len(each) for each in _THREADS)
    is_linkedin = site == "linkedin"
    if is_thread:
        return Kind.THREAD, "" if is_linkedin else segments[-1]
    if path.startswith(("/direct/", "/messages/", "/messaging/")):
        return Kind.INBOX, ""
    if path.startswith("/compose/"):
        return Kind.COMPOSE, ""
    if _POSTS.intersection(segments[:-1]):
        return Kind.POST, ""
    if is_linkedin and segments[:1] == ["in"]:
        return Kind.PROFILE, ""
    if len(segments) == 1 and segments[0] not in _HOMES:
        return Kind.PROFILE, segments[0].removeprefix("@")
    return Kind.HOME, ""


def thread_page(profile: Page) -> Page:
    """Return the page that the Message button of a profile opens."""
    match profile.site:
        case "instagram":
            url = f"https://www.instagram.com/direct/t/{profile.subject}/"
        case "linkedin":
            url = profile.url  # a layer over the profile
        case site:
            url = f"{INBOX_URLS.get(site, '')}/{profile.subject}"
    return Page(url, profile.site, Kind.THREAD, profile.subject)


def handle_in(url: str) -> str:
    """Return the person whose profile or post an address shows."""
    return urlsplit(url).path.strip("/").split("/")[0].lstrip("@")
