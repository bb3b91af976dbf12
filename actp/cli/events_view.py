"""One line per event of a command, for the demo and the live status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rich.text import Text

from actp.cli.output import one_line, text
from actp.moments import stored_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["EventLine", "drawn", "event_line"]

# Enqueueing and claiming are not worth a line.
_WORDS: Final = {
    "begun": ("sending", "dim"),
    "completed": ("done", ""),
    "retrying": ("retries", "yellow"),
    "waiting": ("waits", "yellow"),
    "unknown": ("unknown", "bold red"),
    "looked": ("checked on the page", "green"),
    "failed": ("failed", "red"),
    "cancelled": ("cancelled", "dim"),
    "handed_back": ("handed back", "dim"),
    "rescued": ("rescued", "yellow"),
}
_WHOM_WIDTH: Final = 24
_LONGEST: Final = 200


class EventLine(NamedTuple):
    """What one event says; the order is that of time."""

    id: int
    at: datetime
    service: str
    whom: str
    style: str
    words: str


def event_line(event: Mapping[str, Any], service: str, whom: str) -> EventLine | None:
    """Return the line for an event of safari_show or safari_feed; None for one without a line."""
    if event["event"] not in _WORDS:
        return None
    words, style = _WORDS[event["event"]]
    at = stored_time(event["at"]).astimezone()
    return EventLine(event["id"], at, service, whom, style, f"{words}{_because(event, service)}")


def drawn(line: EventLine) -> Text:
    """Return a line with time, service, recipient and words in columns, cut at the window."""
    about = f"{line.service:<20} {one_line(line.whom, _WHOM_WIDTH):<{_WHOM_WIDTH + 1}}"
    moment = line.at.strftime("%H:%M:%S.%f")[:10]
    shown = Text.assemble((f"{moment}  ", "dim"), about, text(line.words, line.style, _LONGEST))
    shown.no_wrap, shown.overflow = True, "ellipsis"
    return shown


def _because(event: Mapping[str, Any], service: str) -> str:
    detail = event["detail"] or {}
    if event["event"] == "begun":
        return f", try {event['attempt']}" if event["attempt"] > 1 else ""
    if event["event"] == "completed":
        verification = (detail.get("result") or {}).get("verification")
        return ", but not verified" if verification == "none" else ""
    reason = detail.get("error") or detail.get("reason") or ""
    return f": {reason.removeprefix(f'{service}: ')}" if reason else ""
