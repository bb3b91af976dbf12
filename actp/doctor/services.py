"""What the doctor finds about the nine services: there, themselves, and open to our token."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from actp.doctor.finding import Finding, fine, problem
from actp.safari.catalogue import HTTP_SERVICES
from actp.safari.outcomes import Failure
from actp.safari.session_check import fetch, probe_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.safari.catalogue import Service
    from actp.safari.session_check import Health
    from actp.settings import Settings

__all__ = ["services"]

TOKEN_TIMEOUT_SECONDS: Final = 2.0
RESEARCH_STATUS_PATH: Final = "/api/research/status"
_REFUSED: Final = frozenset({400, 401, 403})


def services(settings: Settings) -> Iterator[Finding]:
    """Ask all nine at once who they are, then whether they take our token."""
    answers = {health.service_name: health for health in probe_all(settings.service_url)}
    well = [it for it in HTTP_SERVICES if answers[it.name].status == "healthy"]
    refused = _refused(settings, well)
    for service in HTTP_SERVICES:
        yield _finding(settings, service, answers[service.name], refused.get(service.name))


def _finding(settings: Settings, service: Service, health: Health, refused: int | None) -> Finding:
    name, url = service.name, settings.service_url(service.name)
    if health.status == "timeout":
        return problem(name, f"{health.error} at {url}", "Start it anew; Safari may show a dialog.")
    if health.status == "down" and health.response_ms is None:
        return problem(name, str(health.error), f"Start it, or set {service.url_setting}.")
    if health.status == "down":
        return problem(
            name, str(health.error), f"Set {service.url_setting} to where {name} listens."
        )
    if refused is not None:
        return problem(
            name,
            f"it refuses our token (HTTP {refused})",
            f"Set {service.token_setting} to the token that it was started with.",
        )
    return fine(name, f"it answers at {url} in {health.response_ms} ms")


def _refused(settings: Settings, asked: list[Service]) -> dict[str, int]:
    """Return the status with which services refuse, by name."""

    def ask(service: Service) -> int:
        path = _guarded_path(service)
        if path is None:
            return 0
        url, token = settings.service_url(service.name), settings.service_token(service.name)
        answer = fetch(url, path, token, timeout_seconds=TOKEN_TIMEOUT_SECONDS)
        return 0 if isinstance(answer, Failure) else answer.status

    with ThreadPoolExecutor(len(HTTP_SERVICES), "doctor") as pool:
        statuses = zip(asked, pool.map(ask, asked), strict=True)
        return {service.name: status for service, status in statuses if status in _REFUSED}


def _guarded_path(service: Service) -> str | None:
    """Return a route that needs the token, but no tab and no turn at Safari."""
    if service.name == "market-research":
        return RESEARCH_STATUS_PATH
    if service.status_path is None:
        return None
    return service.status_path.removesuffix("status") + "rate-limits"
