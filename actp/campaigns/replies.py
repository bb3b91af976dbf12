"""Whether what a CRM knows of a conversation is a reply. Doubt counts as doubt, not as silence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from actp.campaigns.events import Doubted, Replied
from actp.safari.texts import normalised_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Heard", "judge", "read_heard"]

# A preview may be cut anywhere, but two words are too few to tell whose they are.
SHORTEST_PREVIEW: Final = 12


@dataclass(frozen=True, slots=True)
class Heard:
    """One message, or what is kept of the last one; None stands for what is not known."""

    at: datetime | None
    text: str | None
    is_ours: bool | None = None


def read_heard(item: Mapping[str, Any]) -> Heard:
    """Return a message as the database gave it, with whatever a foreign table held."""
    text, outbound = item.get("text"), item.get("outbound")
    return Heard(
        _moment(item.get("at")),
        text if isinstance(text, str) and text.strip() else None,
        outbound if isinstance(outbound, bool) else None,
    )


def judge(
    heard: Iterable[Heard],
    *,
    since: datetime,
    our_texts: Sequence[str],
    calmed_at: datetime | None = None,
) -> Replied | Doubted | None:
    """Return Replied for a message after ``since`` that is not ours, Doubted where it may be.

    A person has judged everything up to ``calmed_at``, messages without a time included.
    """
    doubt: Doubted | None = None
    start = since if calmed_at is None else max(since, calmed_at)
    for message in heard:
        if message.is_ours is True or (message.at is not None and message.at <= start):
            continue
        if message.is_ours is None and _is_one_of(message.text, our_texts):
            continue
        if message.at is None:
            if calmed_at is None and (message.text is not None or message.is_ours is False):
                doubt = Doubted("a message without a time is not one of ours")
        elif message.is_ours is None and message.text is None:
            doubt = Doubted("a newer message whose text is not known")
        else:
            return Replied()
    return doubt


def _is_one_of(text: str | None, ours: Sequence[str]) -> bool:
    if text is None:
        return False
    given = _plain(text)
    stem = given.removesuffix("…").removesuffix("...").rstrip()
    return any(
        given == _plain(own) or (len(stem) >= SHORTEST_PREVIEW and _plain(own).startswith(stem))
        for own in ours
    )


def _plain(text: str) -> str:
    return " ".join(normalised_text(text).split())


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
