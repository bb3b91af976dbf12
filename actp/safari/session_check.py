"""Checks whether a service can be used: reachable, identified, with a page, below its limits."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from actp.safari.catalogue import HTTP_SERVICES, Service
from actp.safari.exchange import Connection
from actp.safari.outcomes import Failure, Phase
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from pydantic import SecretStr

    from actp.safari.outcomes import Reply

__all__ = [
    "Health",
    "StatedLimits",
    "fetch",
    "identity_problem",
    "limit_reason",
    "probe_all",
    "said_object",
    "stated_limits",
]

PROBE_TIMEOUT_SECONDS: Final = 1.8
MAX_BODY_BYTES: Final = 256 * 1024
MAX_ERROR_LENGTH: Final = 200

# Each /health of these leaves something behind in the service forever; this route does not.
_ALIVE_PATHS: Final = {
    "instagram-dm": "/api/rate-limits",
    "linkedin-automation": "/api/linkedin/rate-limits",
}
# It counts every request, /health too, against the sixty a minute that its comments need.
_CONNECT_ONLY: Final = frozenset({"threads-comments"})
# The wordings of the limits that services state of themselves.
_HOURLY: Final = ("messagesPerHour", "commentsPerHour")
_DAILY: Final = ("messagesPerDay", "commentsPerDay")

_USED_THIS_HOUR: Final = ("messagesSentThisHour", "commentsThisHour")
_USED_TODAY: Final = ("messagesSentToday", "messagesToday", "commentsToday")


@dataclass(frozen=True, slots=True)
class Health:
    """How one service answered."""

    service_name: str
    port: int | None
    status: Literal["healthy", "down", "timeout"]
    response_ms: int | None = None
    error: str | None = None

    def row(self) -> dict[str, Any]:
        """Return the item for safari_record_health."""
        return asdict(self)


class StatedLimits(NamedTuple):
    """How much a service sends an hour and a day, and between which hours of its clock."""

    hourly: int | None
    daily: int | None
    hours: tuple[int, int] | None


def probe_all(
    url_of: Callable[[str], str],
    *,
    token_of: Callable[[str], SecretStr | None] = lambda _: None,
    identify: Collection[str] | None = None,
) -> list[Health]:
    """Return the health of every service with a port, in the order of the catalogue.

    Takes at most ``PROBE_TIMEOUT_SECONDS`` however the services hang. ``url_of`` gives a
    service's origin. Those in ``identify`` (None: all) must say at ``/health`` who they are;
    the others only that they live, on a route that can be asked every minute.
    """

    def probe(service: Service) -> Health:
        is_identified = identify is None or service.name in identify
        url = url_of(service.name)
        return _probe(service, url, token_of(service.name), must_identify=is_identified)

    with ThreadPoolExecutor(len(HTTP_SERVICES), "probe") as pool:
        return list(pool.map(probe, HTTP_SERVICES))


def fetch(
    url: str, path: str, token: SecretStr | None, *, timeout_seconds: float
) -> Reply | Failure:
    """Return the answer to one GET on its own connection."""
    with closing(Connection(url, token)) as connection:
        return connection.exchange("GET", path, timeout_seconds=timeout_seconds)


def said_object(reply: Reply) -> dict[str, Any] | None:
    """Return the JSON object of an answer, None where it holds none or is too long."""
    if len(reply.body) > MAX_BODY_BYTES:
        return None
    try:
        said = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def identity_problem(service: Service, health_body: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a ``/health`` answer, or None where it is the service's own."""
    named = health_body.get("service")
    if named == service.name:
        return None
    if isinstance(named, str) and named:
        return f"{service.url_setting} leads to {storable_text(named, 60)}, not to {service.name}"
    if service.names_itself:
        return f"{service.url_setting} leads to something that does not call itself {service.name}"
    if _has_message_limits(health_body):
        return None
    return f"{service.url_setting} leads to something without the message limits of {service.name}"


def stated_limits(service: Service, said: Mapping[str, Any]) -> StatedLimits:
    """Return the limits in the body of a service's ``rate-limits`` that hold for its sends."""
    parts = list(_objects(said))
    hours = (_number(parts, ("activeHoursStart",)), _number(parts, ("activeHoursEnd",)))
    if None in hours:
        named = [part["activeHours"] for part in parts if isinstance(part.get("activeHours"), dict)]
        hours = (_number(named, ("start",)), _number(named, ("end",)))
    start, end = hours
    is_told = "outside_hours" in service.limits_told
    return StatedLimits(
        _number(parts, _HOURLY),
        _number(parts, _DAILY),
        (start, end) if is_told and start is not None and end is not None else None,
    )


def limit_reason(service: Service, said: Mapping[str, Any]) -> str | None:
    """Return why a service would refuse to send now, or None where nothing it states says so."""
    parts = list(_objects(said))
    for part in parts if "outside_hours" in service.limits_told else ():
        if part.get("isActive") is False or part.get("withinActiveHours") is False:
            return "it is outside its own hours"
    if "service_quota" not in service.limits_told:
        return None
    limits = stated_limits(service, said)
    for used, limit, span in (
        (_number(parts, _USED_THIS_HOUR), limits.hourly, "hour"),
        (_number(parts, _USED_TODAY), limits.daily, "day"),
    ):
        if used is not None and limit is not None and used >= limit:
            return f"it has sent {used} of its {limit} an {span}".replace("an day", "a day")
    return None


def _has_message_limits(body: Mapping[str, Any]) -> bool:
    rate_limits = body.get("rateLimits")
    limits = rate_limits.get("limits") if isinstance(rate_limits, dict) else None
    return isinstance(limits, dict) and {"messagesPerHour", "messagesPerDay"} <= limits.keys()


def _probe(service: Service, url: str, token: SecretStr | None, *, must_identify: bool) -> Health:
    began = monotonic()
    path = service.health_path if must_identify else _alive_path(service)
    if path is None:
        with closing(Connection(url)) as connection:
            answer: Reply | Failure | None = connection.can_connect(PROBE_TIMEOUT_SECONDS)
    else:
        sent_token = None if path == service.health_path else token
        answer = fetch(url, path, sent_token, timeout_seconds=PROBE_TIMEOUT_SECONDS)
    took = monotonic() - began
    if isinstance(answer, Failure):
        return _unanswered(service, url, answer, took)
    if answer is None:
        problem = None
    elif path == service.health_path:
        problem = _stranger(service, url, answer)
    else:
        # A service that refuses us, for the token or the rate, is alive.
        problem = f"HTTP {answer.status}" if answer.status >= 500 else None
    status: Literal["healthy", "down"] = "down" if problem else "healthy"
    return Health(service.name, service.port, status, response_ms=round(took * 1000), error=problem)


def _alive_path(service: Service) -> str | None:
    if service.name in _CONNECT_ONLY:
        return None
    return _ALIVE_PATHS.get(service.name, service.health_path)


def _unanswered(service: Service, url: str, failure: Failure, took_seconds: float) -> Health:
    if took_seconds >= PROBE_TIMEOUT_SECONDS:
        error = f"no answer within {PROBE_TIMEOUT_SECONDS:g} s"
        return Health(service.name, service.port, "timeout", error=error)
    if failure.phase is Phase.NEVER_CONNECTED:
        return Health(service.name, service.port, "down", error=f"nothing listens at {url}")
    error = storable_text(failure.detail, MAX_ERROR_LENGTH)
    return Health(service.name, service.port, "down", error=error)


def _stranger(service: Service, url: str, reply: Reply) -> str | None:
    if reply.status != 200:
        return f"HTTP {reply.status}"
    if len(reply.body) > MAX_BODY_BYTES:
        return "its answer is too long for a Safari service"
    said = said_object(reply)
    if said is None:
        return f"what answers at {url} speaks no JSON; it is another program"
    return identity_problem(service, said)


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
