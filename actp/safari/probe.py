"""Asks all nine services at once how they are, within one deadline."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import httpx

from actp.safari.catalogue import HTTP_SERVICES, Service
from actp.safari.identity import identity_problem
from actp.safari.requests import bearer_headers
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pydantic import SecretStr

__all__ = ["Health", "fetch", "probe_all"]

PROBE_TIMEOUT_SECONDS: Final = 1.8
MAX_BODY_BYTES: Final = 256 * 1024
MAX_ERROR_LENGTH: Final = 200

# Each /health of these leaves something behind in the service for ever; this route does not.
_ALIVE_PATHS: Final = {
    "instagram-dm": "/api/rate-limits",
    "linkedin-automation": "/api/linkedin/rate-limits",
}
# It counts every request, /health too, against the sixty a minute that its comments need.
_CONNECT_ONLY: Final = frozenset({"threads-comments"})


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


def probe_all(
    url_of: Callable[[str], str],
    *,
    token_of: Callable[[str], SecretStr | None] = lambda _: None,
    identify: Collection[str] | None = None,
) -> list[Health]:
    """Return the health of every service with a port, in the order of the catalogue.

    Takes at most ``PROBE_TIMEOUT_SECONDS`` however the services hang. ``url_of`` gives a
    service's origin. Those in ``identify`` (None: all) must say at ``/health`` who they are;
    the others only that they live, on a route that may be asked every minute.
    """
    return asyncio.run(_probe_all(url_of, token_of, identify))


async def fetch(client: httpx.AsyncClient, url: str, token: SecretStr | None) -> tuple[int, Any]:
    """Return the status of a GET and its JSON, None where it is none; raises httpx.HTTPError."""
    async with client.stream("GET", url, headers=bearer_headers(token)) as answer:
        body = bytearray()
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise httpx.HTTPError("its answer is too long for a service of ours")
    try:
        return answer.status_code, json.loads(body)
    except (ValueError, RecursionError):
        return answer.status_code, None


async def _probe_all(
    url_of: Callable[[str], str],
    token_of: Callable[[str], SecretStr | None],
    identify: Collection[str] | None,
) -> list[Health]:
    async with httpx.AsyncClient(trust_env=False, timeout=None) as client:  # noqa: S113  # _probe has the deadline, body included
        probes = [
            _probe(client, service, url_of(service.name), token_of(service.name))
            if identify is not None and service.name not in identify
            else _probe(client, service, url_of(service.name), None, identify=True)
            for service in HTTP_SERVICES
        ]
        return await asyncio.gather(*probes)


async def _probe(
    client: httpx.AsyncClient,
    service: Service,
    url: str,
    token: SecretStr | None,
    *,
    identify: bool = False,
) -> Health:
    began = monotonic()
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
            if identify:
                problem = await _identity_problem(client, service, url)
            else:
                problem = await _life_problem(client, service, url, token)
    except TimeoutError:
        error = f"no answer within {PROBE_TIMEOUT_SECONDS:g} s"
        return Health(service.name, service.port, "timeout", error=error)
    except (httpx.ConnectError, ConnectionRefusedError):
        return Health(service.name, service.port, "down", error=f"nothing listens at {url}")
    except (httpx.HTTPError, OSError) as failure:
        error = storable_text(str(failure) or type(failure).__name__, MAX_ERROR_LENGTH)
        return Health(service.name, service.port, "down", error=error)
    took = round((monotonic() - began) * 1000)
    status: Literal["healthy", "down"] = "down" if problem else "healthy"
    return Health(service.name, service.port, status, response_ms=took, error=problem)


async def _identity_problem(client: httpx.AsyncClient, service: Service, url: str) -> str | None:
    status, said = await fetch(client, f"{url}{service.health_path}", None)
    if status != httpx.codes.OK:
        return f"HTTP {status}"
    if not isinstance(said, dict):
        return f"what answers at {url} speaks no JSON; it is another program"
    return identity_problem(service, said)


async def _life_problem(
    client: httpx.AsyncClient, service: Service, url: str, token: SecretStr | None
) -> str | None:
    if service.name in _CONNECT_ONLY:
        place = urlsplit(url)
        _, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.close()
        return None
    path = _ALIVE_PATHS.get(service.name, service.health_path)
    if path == service.health_path:
        return await _identity_problem(client, service, url)
    # Whoever refuses us, for the token or the rate, lives.
    status, _ = await fetch(client, f"{url}{path}", token)
    return f"HTTP {status}" if status >= httpx.codes.INTERNAL_SERVER_ERROR else None
