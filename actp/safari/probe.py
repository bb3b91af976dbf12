"""Asks all nine services at once how they are, within one deadline."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal

import httpx

from actp.safari.catalogue import HTTP_SERVICES, Service
from actp.safari.identity import identity_problem
from actp.safari.storable import storable_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Health", "probe_all"]

PROBE_TIMEOUT_SECONDS: Final = 1.8
MAX_BODY_BYTES: Final = 256 * 1024
MAX_ERROR_LENGTH: Final = 200


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


def probe_all(url_of: Callable[[str], str]) -> list[Health]:
    """Return the health of every service with a port, in the order of the catalogue.

    Takes at most ``PROBE_TIMEOUT_SECONDS`` however the services hang. ``url_of`` gives a
    service's origin.
    """
    return asyncio.run(_probe_all(url_of))


async def _probe_all(url_of: Callable[[str], str]) -> list[Health]:
    async with httpx.AsyncClient(trust_env=False, timeout=None) as client:  # noqa: S113  # _probe has the deadline, body included
        probes = [_probe(client, service, url_of(service.name)) for service in HTTP_SERVICES]
        return await asyncio.gather(*probes)


async def _probe(client: httpx.AsyncClient, service: Service, url: str) -> Health:
    began = monotonic()
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
            problem = await _problem(client, service, url)
    except TimeoutError:
        error = f"no answer within {PROBE_TIMEOUT_SECONDS:g} s"
        return Health(service.name, service.port, "timeout", error=error)
    except httpx.ConnectError:
        return Health(service.name, service.port, "down", error=f"nothing listens at {url}")
    except httpx.HTTPError as failure:
        error = storable_text(str(failure) or type(failure).__name__, MAX_ERROR_LENGTH)
        return Health(service.name, service.port, "down", error=error)
    took = round((monotonic() - began) * 1000)
    status: Literal["healthy", "down"] = "down" if problem else "healthy"
    return Health(service.name, service.port, status, response_ms=took, error=problem)


async def _problem(client: httpx.AsyncClient, service: Service, url: str) -> str | None:
    async with client.stream("GET", f"{url}{service.health_path}") as answer:
        if answer.status_code != httpx.codes.OK:
            return f"HTTP {answer.status_code}"
        body = bytearray()
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return "its answer is too long for a service of ours"
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return f"what answers at {url} speaks no JSON; it is another program"
    return identity_problem(service, said)
