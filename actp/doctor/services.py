"""Checks of the nine services: reachable, identified, and accepting the token."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from actp.doctor.finding import Finding, fine, problem, warning
from actp.safari.catalogue import HTTP_SERVICES
from actp.safari.hindrances import another_login
from actp.safari.outcomes import Failure
from actp.safari.own_limits import described, wider
from actp.safari.session_check import StatedLimits, fetch, probe_all, said_object, stated_limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.safari.catalogue import Service
    from actp.safari.outcomes import Reply
    from actp.safari.session_check import Health
    from actp.settings import Settings

__all__ = ["REJECTED", "RESPONDS", "services"]

TOKEN_TIMEOUT_SECONDS: Final = 2.0
RESPONDS: Final = "responds at"
REJECTED: Final = "the token was rejected"
RESEARCH_STATUS_PATH: Final = "/api/research/status"
_REFUSED: Final = frozenset({400, 401, 403})


def services(settings: Settings) -> Iterator[Finding]:
    """Check identity, token and limits of all nine services at once."""
    answers = {health.service_name: health for health in probe_all(settings.service_url)}
    well = [it for it in HTTP_SERVICES if answers[it.name].status == "healthy"]
    replies = _replies(settings, well)
    for service in HTTP_SERVICES:
        reply = replies.get(service.name)
        refused = reply.status if reply is not None and reply.status in _REFUSED else None
        yield _finding(settings, service, answers[service.name], refused)
        own_handle = settings.safari_logins.get(service.platform or "")
        if own_handle and service in well and refused is None:
            yield from _login(settings, service, own_handle)
        if reply is not None and reply.status == 200:
            yield from _limits(settings, service, stated_limits(service, said_object(reply) or {}))


def _login(settings: Settings, service: Service, own_handle: str) -> Iterator[Finding]:
    """Compare the account in Safari with the one that the settings name."""
    url, token = settings.service_url(service.name), settings.service_token(service.name)
    said = another_login(service, url, token, own_handle)
    if said is not None:
        yield problem(
            service.name,
            f"{said}; commands wait",
            f"Log in as @{own_handle}, or correct SAFARI_ACCOUNTS and SAFARI_OWN_HANDLES.",
        )


def _limits(settings: Settings, service: Service, theirs: StatedLimits) -> Iterator[Finding]:
    """Compare the limits of a service with ours."""
    if theirs.daily is None or service.platform is None or service.kind is None:
        return
    said = f"its own limits: {described(theirs)}"
    ours = settings.safari_daily_limits[service.platform][service.kind]
    active = settings.safari_active_hours
    found = wider(theirs, daily=ours, hours=(active.start, active.end), hourly=theirs.hourly)
    remedies = []
    if "daily" in found:
        command = f"bin/limits set {service.platform} {service.kind} {theirs.daily}"
        remedies.append(f"Ours is {ours} a day: {command}.")
    if "hours" in found and theirs.hours:
        remedies.append(
            f"Ours are {active}: set SAFARI_ACTIVE_HOURS={theirs.hours[0]}-{theirs.hours[1]}."
        )
    if remedies:
        yield warning(service.name, f"{said}; commands beyond them wait", " ".join(remedies))
    else:
        yield fine(service.name, said)


def _finding(settings: Settings, service: Service, health: Health, refused: int | None) -> Finding:
    name, url = service.name, settings.service_url(service.name)
    if health.status == "timeout":
        return problem(name, f"{health.error} at {url}", "Restart it; Safari may show a dialog.")
    if health.status == "down" and health.response_ms is None:
        return problem(name, str(health.error), f"Start it, or set {service.url_setting}.")
    if health.status == "down":
        return problem(
            name, str(health.error), f"Set {service.url_setting} to where {name} listens."
        )
    if refused is not None:
        return problem(
            name,
            f"{REJECTED} (HTTP {refused})",
            f"Set {service.token_setting} to the token that the service was started with.",
        )
    return fine(name, f"{RESPONDS} {url} in {health.response_ms} ms")


def _replies(settings: Settings, asked: list[Service]) -> dict[str, Reply]:
    """Return what services answer on a route that needs the token, by name."""

    def ask(service: Service) -> Reply | None:
        path = _guarded_path(service)
        if path is None:
            return None
        url, token = settings.service_url(service.name), settings.service_token(service.name)
        answer = fetch(url, path, token, timeout_seconds=TOKEN_TIMEOUT_SECONDS)
        return None if isinstance(answer, Failure) else answer

    with ThreadPoolExecutor(len(HTTP_SERVICES), "doctor") as pool:
        replies = zip(asked, pool.map(ask, asked), strict=True)
        return {service.name: reply for service, reply in replies if reply is not None}


def _guarded_path(service: Service) -> str | None:
    """Return a route that needs the token, but no tab and no turn at Safari."""
    if service.name == "market-research":
        return RESEARCH_STATUS_PATH
    return service.limits_path
