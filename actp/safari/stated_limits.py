"""The limits that a service states of itself, in whichever of its wordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["StatedLimits", "stated_limits"]

_HOURLY: Final = ("messagesPerHour", "commentsPerHour")
_DAILY: Final = ("messagesPerDay", "commentsPerDay")


class StatedLimits(NamedTuple):
    """How much a service sends an hour and a day, and between which hours of its own clock."""

    hourly: int | None
    daily: int | None
    hours: tuple[int, int] | None


def stated_limits(said: Mapping[str, Any]) -> StatedLimits:
    """Return the limits in the body of a service's ``rate-limits``."""
    parts = list(_objects(said))
    hours = (_number(parts, ("activeHoursStart",)), _number(parts, ("activeHoursEnd",)))
    if None in hours:
        named = [part["activeHours"] for part in parts if isinstance(part.get("activeHours"), dict)]
        hours = (_number(named, ("start",)), _number(named, ("end",)))
    start, end = hours
    return StatedLimits(
        _number(parts, _HOURLY),
        _number(parts, _DAILY),
        None if start is None or end is None else (start, end),
    )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner)


def _number(parts: list[dict[str, Any]], names: tuple[str, ...]) -> int | None:
    for part in parts:
        for name in names:
            value = part.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                return value
    return None
