"""Decides whether a conversation in the CRM contains a reply; ambiguous ones are held."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from actp.campaigns.events import Doubted, Replied

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Heard", "is_one_of", "judge", "read_heard"]

# A preview may be cut anywhere, but two words are too few to tell whose they are.
SHORTEST_PREVIEW: Final = 12
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Heard:
    """One message, or what is kept of the last one; None stands for what is not known.

    ``seen_at`` is when it was first read: it was written before that.
    """

    at: datetime | None
    text: str | None
    is_ours: bool | None = None
    seen_at: datetime | None = None


def read_heard(item: Mapping[str, Any]) -> Heard:
    """Return a message as the database gave it, with whatever a foreign table held."""
    text, outbound = item.get("text"), item.get("outbound")
    return Heard(
        _moment(item.get("at")),
        text if isinstance(text, str) and text.strip() else None,
        outbound if isinstance(outbound, bool) else None,
        _moment(item.get("seen_at")),
    )


def judge(
    heard: Iterable[Heard],
    *,
    since: datetime,
    our_texts: Sequence[str],
    calmed_at: datetime | None = None,
) -> Replied | Doubted | None:
    """Return Replied for a message after ``since`` that is not ours, Doubted where it may be.

    A person has judged everything up to ``calmed_at``, messages without a time included. A text
    that the CRM knows as sent by us is ours wherever it stands.
    """
    doubt: Doubted | None = None
    start = since if calmed_at is None else max(since, calmed_at)
    messages = list(heard)
    ours = [*our_texts, *(m.text for m in messages if m.is_ours and m.text is not None)]
    for message in messages:
        known_by = message.at or message.seen_at
        if message.is_ours is True or (known_by is not None and known_by <= start):
            continue
        if message.is_ours is None and message.text is not None and is_one_of(message.text, ours):
            continue
        if message.at is None:
            is_open = calmed_at is None or message.seen_at is not None
            if is_open and (message.text is not None or message.is_ours is False):
                doubt = Doubted("a message without a time is not from us")
        elif message.is_ours is None and message.text is None:
            doubt = Doubted("a newer message whose text is not known")
        else:
            return Replied()
    return doubt


def is_one_of(text: str, ours: Iterable[str]) -> bool:
    """Return whether a text, or the beginning of one, is among those that we sent.

    Only words count: lists show no emoji, and put blanks where there are line ends.
    """
    given = _words(text)
    is_cut = len(given) >= SHORTEST_PREVIEW
    return any(given == own or (is_cut and own.startswith(given)) for own in map(_words, ours))


def _words(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold())) or text.strip()


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
