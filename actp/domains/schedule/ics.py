"""Writes a plan as an iCalendar file."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import NAMESPACE_URL, uuid5

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from actp.domains.schedule.calendar import Entry

__all__ = ["to_ics"]

LENGTH: Final = timedelta(minutes=30)


def to_ics(entries: Iterable[Entry], now: datetime) -> bytes:
    """Return the file; the same post has the same id in each, so a new import replaces it."""
    from icalendar import Calendar, Event  # noqa: PLC0415  # nothing else needs it

    calendar = Calendar()
    calendar.add("prodid", "-//actp-worker//posting calendar//EN")
    calendar.add("version", "2.0")
    for entry in entries:
        event = Event()
        name = f"actp-worker:{entry.platform}:{entry.at.isoformat()}"
        event.add("uid", str(uuid5(NAMESPACE_URL, name)))
        event.add("dtstamp", now)
        event.add("dtstart", entry.at)
        event.add("dtend", entry.at + LENGTH)
        event.add("summary", f"{entry.platform}: {entry.niche.replace('_', ' ')}")
        said = [entry.hook, entry.reason, "open: nothing is made for it yet" * entry.is_open]
        if entry.repost_of:
            said.append(f"The video of YouTube, {entry.repost_of:%a %H:%M} UTC")
        event.add("description", "\n".join(filter(None, said)))
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written
