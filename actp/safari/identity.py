"""Whether the process on a port is the service it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.safari.catalogue import Service

__all__ = ["identity_problem"]


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


def _has_message_limits(body: Mapping[str, Any]) -> bool:
    rate_limits = body.get("rateLimits")
    limits = rate_limits.get("limits") if isinstance(rate_limits, dict) else None
    return isinstance(limits, dict) and {"messagesPerHour", "messagesPerDay"} <= limits.keys()
