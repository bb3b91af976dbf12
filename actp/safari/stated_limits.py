"""The limits that a service states of itself, in whichever of its wordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["StatedLimits", "limit_reason", "stated_limits"]

_HOURLY: Final = ("messagesPerHour", "commentsPerHour")
_DAILY: Final = ("messagesPerDay", "commentsPerDay")

_USED_THIS_HOUR: Final = ("messagesSentThisHour", "commentsThisHour")
_USED_TODAY: Final = ("messagesSentToday", "messagesToday", "commentsToday")


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


def limit_reason(said: Mapping[str, Any]) -> str | None:
    """Return why a service would refuse to send now, or None where nothing it states says so."""
    parts = list(_objects(said))
    for part in parts:
        if part.get("isActive") is False or part.get("withinActiveHours") is False:
            return "it is outside its own hours"
    limits = stated_limits(said)
    for used, limit, span in (
        (_number(parts, _USED_THIS_HOUR), limits.hourly, "hour"),
        (_number(parts, _USED_TODAY), limits.daily, "day"),
    ):
        if used is not None and limit is not None and used >= limit:
            return f"it has sent {used} of its own {limit} an {span}".replace("an day", "a day")
    return None


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
