"""Parses conversations from each service's format."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from actp.domains.crm.moments import moment
from actp.errors import InvalidInput
from actp.safari.addresses import clean_handle, linkedin_profile_url
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

__all__ = ["Conversation", "read_conversations"]

MOST_CONVERSATIONS: Final = 500
LONGEST_NAME: Final = 200
LONGEST_TEXT: Final = 500

_PERSON: Final = ("username", "handle", "screenName", "participantUsername", "user", "participant")
_NAME: Final = ("displayName", "display_name", "participantName", "fullName", "name", "title")
_URL: Final = ("profileUrl", "profile_url", "participantProfileUrl", "linkedinUrl")
_THREAD: Final = ("threadId", "thread_id", "conversationId", "conversation_id", "id")
_TEXT: Final = (
    "lastMessage", "last_message", "lastMessageText", "lastMessagePreview", "snippet", "preview",
)  # fmt: skip
_AT: Final = ("lastMessageAt", "last_message_at", "lastMessageTime", "timestamp", "time", "date")
_UNREAD: Final = ("unread", "isUnread", "hasUnread", "unreadCount", "unread_count")
_OURS: Final = ("isOutbound", "is_outbound", "lastMessageIsOutbound", "fromMe", "isMine")
# What an object in the place of a text calls its own.
_INNER: Final = ("text", "content", "body", "message", *_PERSON[:2], "name")

_AT_HANDLE = re.compile(r"(?:^|[\s(])@([A-Za-z0-9._]{1,30})(?![\w@])")


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation as a list shows it; what is not known is None.

    ``handle`` is a handle beyond doubt, for LinkedIn a profile's address. ``text`` is the last
    message, which services cut; ``is_ours`` is what the service says of its sender.
    """

    handle: str | None
    name: str
    text: str | None = None
    at: datetime | None = None
    thread: str | None = None
    is_unread: bool = False
    is_ours: bool | None = None


def read_conversations(platform: str, said: Any) -> list[Conversation] | None:
    """Return the conversations in an answer, each person once; None where it holds no list.

    Groups are left out, as are items without a name.
    """
    items = _items(said)
    if items is None:
        return None
    found: dict[str, Conversation] = {}
    for item in items:
        conversation = _conversation(platform, item)
        if conversation is not None and len(found) < MOST_CONVERSATIONS:
            found.setdefault(conversation.handle or conversation.name.casefold(), conversation)
    # Where every item has the same id, it is none.
    counts = Counter(each.thread for each in found.values())
    return [
        each if counts[each.thread] == 1 else replace(each, thread=None) for each in found.values()
    ]


def _items(said: Any) -> list[Mapping[str, Any]] | None:
    inner = said
    if isinstance(said, dict):
        inner = next((said[key] for key in ("conversations", "data") if key in said), None)
    if isinstance(inner, dict):
        # Instagram's, by tab.
        lists: Iterable[Any] = [tab for tab in inner.values() if isinstance(tab, list)]
        if inner and not lists:
            return None
        return [item for tab in lists for item in tab if isinstance(item, dict)]
    if isinstance(inner, list):
        return [item for item in inner if isinstance(item, dict)]
    return None


def _conversation(platform: str, item: Mapping[str, Any]) -> Conversation | None:
    called = _text(item, _PERSON, LONGEST_NAME)
    name = _text(item, _NAME, LONGEST_NAME) or called
    url = _text(item, _URL, LONGEST_NAME)
    is_group = item.get("isGroup") is True or (platform == "linkedin" and "," in (name or ""))
    if is_group or not (name or url):
        return None
    handle = _handle(platform, called, name, url)
    last: Mapping[str, Any] = next(
        (item[key] for key in _TEXT if isinstance(item.get(key), dict)), {}
    )
    ours = next((v for v in _values(item, last, keys=_OURS) if isinstance(v, bool)), None)
    return Conversation(
        handle=handle,
        name=(name or handle or "").splitlines()[0].strip(),
        text=_text(item, _TEXT, LONGEST_TEXT),
        at=next(filter(None, map(moment, _values(item, last, keys=_AT))), None),
        thread=_text(item, _THREAD, LONGEST_NAME),
        is_unread=any(
            v is True or (isinstance(v, int) and v > 0) for v in _values(item, keys=_UNREAD)
        ),
        is_ours=ours,
    )


def _handle(platform: str, called: str | None, name: str | None, url: str | None) -> str | None:
    """Return a handle, where what a service shows as one is no display name."""
    if platform == "linkedin":
        candidates = [each for each in (url, called) if each and "/" in each]
        return next(filter(None, map(_profile, candidates)), None)
    if url and (found := _checked(platform, url)):
        return found
    for shown in filter(None, (called, name)):
        if match := _AT_HANDLE.search(shown):
            return _checked(platform, match[1])
    # Handles are shown in lower case; a capital letter begins somebody's name.
    return _checked(platform, called) if called and called == called.lower() else None


def _checked(platform: str, value: str) -> str | None:
    try:
        return clean_handle(platform, value)
    except InvalidInput:
        return None


def _profile(value: str) -> str | None:
    try:
        return linkedin_profile_url(value)
    except InvalidInput:
        return None


def _values(*items: Mapping[str, Any], keys: Iterable[str]) -> Iterator[Any]:
    keys = tuple(keys)
    for item in items:
        yield from (item[key] for key in keys if item.get(key) is not None)


def _text(item: Mapping[str, Any], keys: Iterable[str], longest: int) -> str | None:
    for value in _values(item, keys=keys):
        given = value
        if isinstance(value, dict):
            given = next(_values(value, keys=_INNER), None)
        if isinstance(given, int) and not isinstance(given, bool):
            given = str(given)
        if isinstance(given, str) and given.strip():
            return storable_text(given.strip(), longest)
    return None
