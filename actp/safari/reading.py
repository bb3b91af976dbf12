"""Checks whether a sent text is visible in the thread, the comments or the timeline."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol
from urllib.parse import quote, unquote, urlencode

from actp.errors import ServiceRefused, ServiceUnavailable
from actp.safari.addresses import HOSTS, is_name_of, letters_of
from actp.safari.commands import Comment, SendDm, Tweet, handle_of, text_of
from actp.safari.outcomes import Failure
from actp.safari.recipients import rows_taken_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from actp.safari.commands import Command
    from actp.safari.exchange import Connection

__all__ = ["ConnectionReads", "Reads", "Sight", "read_text"]

READ_TIMEOUT_SECONDS: Final = 60.0
# The services show so much of a text, in a list of conversations and in a thread.
SNIPPET_CHARS: Final = 100
SHOWN_CHARS: Final = 500
# Without our own handle a comment is ours by its words alone, if they are unusual enough.
MIN_TELLING_CHARS: Final = 20
# A tweet that is younger than the attempt by this shows that the timeline is up to date.
YOUNGER: Final = timedelta(minutes=2)
CLOCK_SLACK: Final = timedelta(seconds=1)
# Later, others may have pushed a text out of what is shown.
PROOF_LASTS: Final = timedelta(hours=1)
MESSAGES: Final = 20
# TikTok gives the oldest first.
TIKTOK_MESSAGES: Final = 200
MAX_NAME_LENGTH: Final = 60


class Reads(Protocol):
    """Asks services for what they read off a page; raises ServiceError where they do not say."""

    def get(
        self,
        service: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        timeout_seconds: float,
    ) -> Any:
        """Return the JSON of a GET."""

    def post(
        self, service: str, path: str, *, body: Mapping[str, Any], timeout_seconds: float
    ) -> Any:
        """Return the JSON of a POST."""


class ConnectionReads:
    """Reads over one service's connection, whose thread holds the turn already."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(
        self,
        service: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        timeout_seconds: float,
    ) -> Any:
        """See Reads."""
        query = f"?{urlencode(params)}" if params else ""
        return self._json(service, "GET", f"{path}{query}", b"", timeout_seconds)

    def post(
        self, service: str, path: str, *, body: Mapping[str, Any], timeout_seconds: float
    ) -> Any:
        """See Reads."""
        content = json.dumps(dict(body)).encode()
        return self._json(service, "POST", path, content, timeout_seconds)

    def _json(
        self, service: str, method: str, path: str, content: bytes, timeout_seconds: float
    ) -> Any:
        reply = self._connection.exchange(method, path, content, timeout_seconds=timeout_seconds)
        if isinstance(reply, Failure):
            raise ServiceUnavailable(service, f"{service} gave no answer.")
        if not 200 <= reply.status < 300:
            raise ServiceRefused(service, f"{service}: HTTP {reply.status}", status=reply.status)
        try:
            return json.loads(reply.body)
        except (ValueError, RecursionError):
            return None


class Sight(NamedTuple):
    """What was seen; ``proves_absence`` where a text that is not there was never sent."""

    verdict: Literal["found", "absent", "ambiguous", "unreadable"]
    detail: str = ""
    address: str | None = None
    proves_absence: bool = False


ABSENT: Final = Sight("absent")


def read_text(
    reads: Reads, command: Command, *, own_handle: str | None, begun_at: datetime
) -> Sight:
    """Return whether the text of a command stands where it should; call it in a turn.

    Raises ServiceError where the service cannot be asked. It navigates, and sends nothing.
    """
    sight = _read(reads, command, own_handle, begun_at)
    is_late = datetime.now(UTC) - begun_at > PROOF_LASTS
    return sight._replace(proves_absence=sight.proves_absence and not is_late)


def _read(reads: Reads, command: Command, own_handle: str | None, begun_at: datetime) -> Sight:
    text = text_of(command) or ""
    match command:
        case SendDm(platform=platform):
            return _THREADS[platform](reads, handle_of(command) or "", text)
        case Comment(post_url=str(url)):
            return _comment(reads, command, url, text, own_handle)
        case Tweet():
            return _tweet(reads, text, own_handle, begun_at)
        case _:
            return Sight("unreadable", "there is no page to check")


def _instagram_thread(reads: Reads, handle: str, text: str) -> Sight:
    name = "instagram-dm"
    _ensure(reads, name)
    _post(reads, name, "/api/inbox/navigate")
    listed = _items(_get(reads, name, "/api/conversations"), "conversations")
    talk = _of(listed, "username", handle)
    if talk is None:
        return ABSENT
    if talk.get("lastMessageIsOutbound") is True and _is(talk.get("lastMessage"), text):
        return Sight("found", "it is the last message of the conversation")
    _post(reads, name, "/api/conversations/open", {"username": talk["username"]})
    return _last_of_ours(_messages(reads, name, "/api/messages"), text, "isOutbound")


def _twitter_thread(reads: Reads, handle: str, text: str) -> Sight:
    name = "twitter-dm"
    _post(reads, name, "/api/twitter/inbox/navigate")
    listed = _items(_get(reads, name, "/api/twitter/conversations"), "conversations")
    # ``open`` takes any conversation whose name contains the handle.
    likely = [each for each in listed if handle in str(each.get("username", "")).lower()]
    if len(likely) > 1:
        return Sight("unreadable", "several conversations have names like this")
    if likely and letters_of(likely[0]["username"]) != letters_of(handle):
        return _another_first(likely[0]["username"])
    said = _post(reads, name, "/api/twitter/conversations/open", {"username": handle})
    if said.get("success") is not True:
        return ABSENT
    messages = _messages(reads, name, "/api/twitter/messages")
    sight = _last_of_ours(messages, text, "isOutbound")
    is_whole = 0 < len(messages) < MESSAGES
    return sight._replace(proves_absence=sight.verdict == "absent" and is_whole)


def _tiktok_thread(reads: Reads, handle: str, text: str) -> Sight:
    name = "tiktok-dm"
    _post(reads, name, "/api/tiktok/inbox/navigate")
    listed = _items(_get(reads, name, "/api/tiktok/conversations"), "conversations")
    # It opens the first row that looks like the handle's.
    likely = rows_taken_for(handle, listed)
    if likely and not likely[0].is_named:
        return _another_first(likely[0].name)
    path = "/api/tiktok/messages"
    params: dict[str, str | int] = {"conversationId": handle, "limit": TIKTOK_MESSAGES}
    try:
        said = reads.get("tiktok-dm", path, params=params, timeout_seconds=READ_TIMEOUT_SECONDS)
    except ServiceRefused as error:
        if error.status != 404:
            raise
        return Sight("absent", "there is no such conversation in the list")
    return _last_of_ours(_items(said, "messages"), text, "isOwn")


def _linkedin_thread(reads: Reads, handle: str, text: str) -> Sight:
    name = "linkedin-automation"
    _post(reads, name, "/api/linkedin/navigate/messaging")
    listed = _items(_get(reads, name, "/api/linkedin/conversations"), "conversations")
    # The list knows names, not addresses; and a short text may be theirs.
    same = [
        str(talk.get("participantName") or "somebody")[:MAX_NAME_LENGTH]
        for talk in listed
        if len(text) >= MIN_TELLING_CHARS
        and _is(str(talk.get("lastMessage") or "").removeprefix("You: "), text)
    ]
    named = next((who for who in same if is_name_of(who, handle)), None)
    if named is not None:
        return Sight("found", f"it is the last message to {named}")
    if same:
        return Sight("ambiguous", f"it is the last message to {same[0]}; is that {handle}?")
    return ABSENT


def _another_first(name: Any) -> Sight:
    said = f"the service opens the conversation with {str(name)[:MAX_NAME_LENGTH]}"
    return Sight("unreadable", said)


_THREADS: Final[Mapping[str, Callable[[Reads, str, str], Sight]]] = {
    "instagram": _instagram_thread,
    "linkedin": _linkedin_thread,
    "tiktok": _tiktok_thread,
    "twitter": _twitter_thread,
}


def _comment(reads: Reads, command: Comment, url: str, text: str, own_handle: str | None) -> Sight:
    name, platform = command.service.name, command.platform
    path = f"/api/{platform}/comments"
    if platform in {"tiktok", "twitter"}:
        _post(reads, name, f"/api/{platform}/navigate", {"url": url})
        path = f"{path}?limit=50"
    else:
        path = f"{path}?postUrl={quote(url, safe='')}&limit=50"
    comments = _items(_get(reads, name, path), "comments")
    if own_handle is None and len(text) < MIN_TELLING_CHARS:
        return Sight(
            "unreadable", f"set SAFARI_OWN_HANDLES to recognize our comments on {platform}"
        )
    ours = [
        each
        for each in comments
        if _is(each.get("text"), text)
        and (own_handle is None or _handle(each.get("username")) == own_handle)
    ]
    if not ours:
        return ABSENT
    return Sight("found", "it stands below the post", address=url)


def _tweet(reads: Reads, text: str, own_handle: str | None, begun_at: datetime) -> Sight:
    if own_handle is None:
        return Sight("unreadable", "set SAFARI_OWN_HANDLES to look at our own timeline")
    body = {"handle": own_handle, "maxResults": 10}
    said = _post(reads, "twitter-comments", "/api/twitter/timeline", body)
    tweets = [each for each in _items(said, "tweets") if _handle(each.get("handle")) == own_handle]
    times = [at for each in tweets if (at := _time(each.get("timestamp"))) is not None]
    for tweet in tweets:
        at = _time(tweet.get("timestamp"))
        if at is not None and at >= begun_at - CLOCK_SLACK and _is(tweet.get("text"), text):
            address = str(tweet.get("tweetUrl") or f"https://{HOSTS['twitter'][0]}/{own_handle}")
            return Sight("found", "it stands in our timeline", address=address)
    is_current = bool(times) and max(times) > begun_at + YOUNGER
    # The first can be a pinned one; another that is older shows that none between is missing.
    older = [at for each in tweets[1:] if (at := _time(each.get("timestamp"))) is not None]
    is_whole = bool(older) and min(older) < begun_at
    return Sight("absent", proves_absence=is_current and is_whole)


def _last_of_ours(messages: list[dict[str, Any]], text: str, ours: str) -> Sight:
    own = [each for each in messages if each.get(ours) is True]
    same = [each for each in own if _is(each.get("text"), text)]
    if not same:
        return ABSENT
    if same[-1] is own[-1]:
        return Sight("found", "it is our last message of the conversation")
    # One of our messages followed it, so it may be an earlier one with the same words.
    return Sight("ambiguous", "the same text stands earlier in the conversation")


def _is(shown: Any, text: str) -> bool:
    """Whether a text is shown, perhaps cut at one of the lengths that services show."""
    if not isinstance(shown, str):
        return False
    seen, whole = _plain(shown), _plain(text)
    if seen == whole:
        return bool(seen)
    cut = seen.removesuffix("…").removesuffix("...").rstrip()
    return len(shown) >= SNIPPET_CHARS - 3 and whole.startswith(cut)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _handle(value: Any) -> str:
    return unquote(str(value or "")).strip().removeprefix("@").lower()


def _of(items: Iterable[dict[str, Any]], key: str, handle: str) -> dict[str, Any] | None:
    return next((each for each in items if _handle(each.get(key)) == handle), None)


def _time(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else None


def _items(said: Any, key: str) -> list[dict[str, Any]]:
    found = said.get(key) if isinstance(said, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _messages(reads: Reads, name: str, path: str) -> list[dict[str, Any]]:
    return _items(_get(reads, name, f"{path}?limit={MESSAGES}"), "messages")


def _get(reads: Reads, name: str, path: str) -> Any:
    return reads.get(name, path, timeout_seconds=READ_TIMEOUT_SECONDS)


def _post(reads: Reads, name: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    said = reads.post(name, path, body=body or {}, timeout_seconds=READ_TIMEOUT_SECONDS)
    return said if isinstance(said, dict) else {}


def _ensure(reads: Reads, name: str) -> None:
    said = _post(reads, name, "/api/session/ensure")
    if said.get("ok") is not True:
        raise ServiceRefused(name, f"{name} has no tab in Safari.", status=503, said=said)
