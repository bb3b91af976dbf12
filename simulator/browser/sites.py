"""What the platforms keep: threads with people, comments below posts, and timelines."""

from __future__ import annotations

import re
import time
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from simulator.browser.pages import Kind, Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.scenario.safari import Notice, SafariSettings

__all__ = ["Comment", "Message", "Site", "Tweet", "iso_time"]

ME = "me"
ENGLISH = "en"
KEPT_THREADS, KEPT_POSTS, KEPT_EACH, KEPT_TWEETS = 1000, 1000, 200, 200
POSTS_OF_A_PERSON = 5
_POST_URLS = {
    "instagram": "https://www.instagram.com/p/{handle}{number}/",
    "threads": "https://www.threads.com/@{handle}/post/{handle}{number}",
    "tiktok": "https://www.tiktok.com/@{handle}/video/{number}",
    "twitter": "https://x.com/{handle}/status/{number}",
}
# Where a post is known by its number without its author.
_NUMBERED = frozenset({"tiktok", "twitter"})
# What a script looks for in the navigation to find the account, and where that link leads.
_OWN_LINKS = {
    "instagram": ('a[href="/direct/inbox/"]', "https://www.instagram.com/{handle}/"),
    "threads": ('a[href="/search"]', "https://www.threads.com/@{handle}"),
    "tiktok": ('[data-e2e="nav-profile"]', "https://www.tiktok.com/@{handle}"),
    "twitter": ('[data-testid="AppTabBar_Profile_Link"]', "https://x.com/{handle}"),
}
K = TypeVar("K")
V = TypeVar("V")


def iso_time(at: float) -> str:
    """Return a time as JavaScript writes it."""
    then = datetime.fromtimestamp(at, UTC)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Message:
    """A message in a thread; ``is_dated`` tells whether lists show its time."""

    text: str
    is_ours: bool
    at: float
    is_dated: bool = True


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment below a post."""

    author: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Tweet:
    """A tweet of our own."""

    url: str
    text: str
    at: float


class Site:
    """One platform; it outlives tabs, services and Safari."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.threads: OrderedDict[str, list[Message]] = OrderedDict()
        self.comments: OrderedDict[str, list[Comment]] = OrderedDict()
        self.tweets: list[Tweet] = []
        self.drafts: dict[str, str] = {}
        self.is_logged_in = True
        self.account = ME
        self.language = ENGLISH
        self.load_seconds = 0.0
        self.keeps_drafts = False
        self.chat: str | None = None
        self._keeps_chats = self._is_chat_sticky = False
        self._open_chat: str | None = None
        self.pinned_post: str | None = None
        self._unreachable: frozenset[str] = frozenset()
        self._replies: dict[str, str] = {}
        self._post_texts: dict[str, str] = {}
        self._notice: Notice | None = None
        self._sends = 0
        self._count = 0

    def arrange(self, settings: SafariSettings) -> None:
        """Set what the scenario says of this site."""
        name = self.name
        self.is_logged_in = name not in settings.logged_out
        self.account = settings.accounts.get(name, ME)
        self.language = settings.languages.get(name, ENGLISH)
        self.load_seconds = settings.load_seconds.get(name, 0.0)
        self.keeps_drafts = name in settings.keeps_drafts
        self._keeps_chats = name in settings.keeps_chats
        self._is_chat_sticky = name in settings.sticky_chats
        open_chat = settings.open_chats.get(name)
        if open_chat != self._open_chat:
            self.chat = self._open_chat = open_chat
        self.pinned_post = settings.pinned_posts.get(name)
        self._unreachable, self._replies = settings.unreachable, settings.replies
        self._post_texts = settings.post_texts
        notice = settings.notices.get(name)
        if notice != self._notice:
            self._notice, self._sends = notice, 0

    @property
    def notice(self) -> str:
        """Return the words that every page shows now, or nothing."""
        notice = self._notice
        return "" if notice is None or self._sends < notice.after_sends else notice.text

    # What is sent and received

    def take(self, page: Page, text: str) -> tuple[str, str]:
        """Take what is sent from a page; return the kind of it and who got it."""
        self._sends += 1
        now = time.time()
        match page.kind:
            case Kind.THREAD:
                self._message(page.subject, Message(text, is_ours=True, at=now))
                if self._keeps_chats:
                    self.chat = self.chat or page.subject
                return "dm", page.subject
            case Kind.COMPOSE:
                self._count += 1
                url = f"https://x.com/{self.account}/status/{1_000_000 + self._count}"
                self.tweets.insert(0, Tweet(url, text, now))
                del self.tweets[KEPT_TWEETS:]
                return "tweet", ""
            case _:
                post = self.first_post(page.url)
                _push(self.comments, post, Comment(self.account, text, now), KEPT_POSTS)
                return "comment", post

    def receive(self, person: str, text: str, *, is_dated: bool) -> None:
        """Let somebody write to us."""
        self._message(person, Message(text, is_ours=False, at=time.time(), is_dated=is_dated))

    # What pages show

    def has_button(self, profile: Page) -> bool:
        """Return whether a profile has a Message button."""
        person = profile.subject.rstrip("/").rsplit("/", 1)[-1]
        # On Instagram it is known by its English word.
        is_read = self.name != "instagram" or self.language == ENGLISH
        return self.is_logged_in and is_read and person not in self._unreachable

    def close_chat(self) -> None:
        """Press what closes the conversation that stands open over the pages."""
        if not self._is_chat_sticky:
            self.chat = None

    def own_link(self, page: Page, script: str) -> str:
        """Return the address of the account's profile, where a script looks for that link."""
        sought = _OWN_LINKS.get(self.name)
        if sought is None or page.site != self.name or not self.is_logged_in:
            return ""
        marker, shape = sought
        return shape.format(handle=self.account) if marker in script else ""

    def redirected(self, url: str) -> str:
        """Return the address that a site leads to from the one of everybody's own profile."""
        if self.name != "linkedin" or not self.is_logged_in:
            return url
        return re.sub(r"/in/me/?$", f"/in/{self.account}/", url)

    def suggested(self, handle: str) -> str:
        """Return whom a search or a sidebar puts before the person who is looked for."""
        somebody = (
            "https://www.linkedin.com/in/stranger/" if self.name == "linkedin" else "stranger"
        )
        return next((p for p in reversed(self.threads) if p != handle), somebody)

    def first_post(self, url: str) -> str:
        """Return the address of the post that stands first on the page of a post."""
        return self._replies.get(url, url)

    def content(self, page: Page) -> str:
        """Return what people have written on a page, without the words of the site."""
        if page.kind is Kind.THREAD:
            return "\n".join(message.text for message in self.threads.get(page.subject, ()))
        return self._post_texts.get(page.url, "")

    def shown_text(self, page: Page, box: str) -> Iterator[str]:
        """Yield the texts on a page, the newest last, with that of the open box."""
        yield self.notice
        if page.kind is Kind.THREAD:
            yield from (message.text for message in self.threads.get(page.subject, ()))
        else:
            yield from (comment.text for comment in self.comments.get(page.url, ()))
        yield box

    def conversations(self) -> Iterator[tuple[str, Message]]:
        """Yield people with the last message of their threads, newest first."""
        for person, messages in reversed(self.threads.items()):
            yield person, messages[-1]

    def posts_of(self, handle: str) -> list[str]:
        """List the addresses that a profile shows, newest first below the pinned one."""
        shape = _POST_URLS.get(self.name)
        if shape is None:
            return []
        numbers = range(POSTS_OF_A_PERSON, 0, -1)
        pinned = [] if self.pinned_post is None else [self.pinned_post]
        own = [tweet.url for tweet in self.tweets] if handle == self.account else None
        # A number belongs to one post, regardless of its author.
        first = 10_000 * (zlib.crc32(handle.lower().encode()) if self.name in _NUMBERED else 0)
        newest = [shape.format(handle=handle, number=first + 1000 + number) for number in numbers]
        return [*pinned, *(newest if own is None else own)]

    def _message(self, person: str, message: Message) -> None:
        _push(self.threads, person, message, KEPT_THREADS)


def _push(kept: OrderedDict[K, list[V]], key: K, value: V, most: int) -> None:
    """Add a value under a key that becomes the newest; drop the oldest."""
    values = kept.setdefault(key, [])
    values.append(value)
    del values[:-KEPT_EACH]
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)
