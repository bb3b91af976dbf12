"""The limits that services enforce themselves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from actp.safari.catalogue import HTTP_SERVICES
from actp.safari.outcomes import Failure
from actp.safari.session_check import StatedLimits, fetch, said_object, stated_limits

if TYPE_CHECKING:
    from actp.safari.catalogue import Service
    from actp.settings import Settings

__all__ = ["ask_limits", "described", "wider"]

ASK_TIMEOUT_SECONDS: Final = 2.0


def ask_limits(settings: Settings) -> dict[str, StatedLimits]:
    """Return the limits of the services that state them now, by name; asks all at once."""
    asked = [service for service in HTTP_SERVICES if service.limits_path is not None]
    with ThreadPoolExecutor(len(asked), "limits") as pool:
        stated = zip(asked, pool.map(lambda each: _ask(settings, each), asked), strict=True)
        return {service.name: limits for service, limits in stated if limits is not None}


def _ask(settings: Settings, service: Service) -> StatedLimits | None:
    url, token = settings.service_url(service.name), settings.service_token(service.name)
    path = service.limits_path or ""
    reply = fetch(url, path, token, timeout_seconds=ASK_TIMEOUT_SECONDS)
    if isinstance(reply, Failure) or reply.status != 200:
        return None
    limits = stated_limits(service, said_object(reply) or {})
    return limits if limits != StatedLimits(None, None, None) else None


def described(theirs: StatedLimits) -> str:
    """Return what a service states, in words."""
    parts = [
        f"{theirs.hourly} an hour" if theirs.hourly is not None else "",
        f"{theirs.daily} a day" if theirs.daily is not None else "",
        f"{theirs.hours[0]} to {theirs.hours[1]} o'clock" if theirs.hours else "",
    ]
    return ", ".join(part for part in parts if part)


def wider(
    theirs: StatedLimits, *, daily: int, hours: tuple[int, int], hourly: int | None = None
) -> list[str]:
    """Return which of our limits a service would not follow: ``daily``, ``hourly``, ``hours``.

    Without our hourly limit the daily one counts for an hour as well.
    """
    found = []
    if theirs.daily is not None and daily > theirs.daily:
        found.append("daily")
    if theirs.hourly is not None and (daily if hourly is None else hourly) > theirs.hourly:
        found.append("hourly")
    if theirs.hours and (hours[0] < theirs.hours[0] or hours[1] > theirs.hours[1]):
        found.append("hours")
    return found
