"""Checks of Safari: the tab and the login of each service."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Final

from actp.doctor.finding import Finding, fine, problem, warning
from actp.errors import ServiceError
from actp.safari.catalogue import HTTP_SERVICES
from actp.safari.client import SafariClient
from actp.safari.exchange import Connection
from actp.safari.front import Front
from actp.safari.look import Look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.safari.catalogue import Service
    from actp.settings import Settings

__all__ = ["own_handles", "safari"]

TURN_WAIT_SECONDS: Final = 60.0
TURN_NAMES: Final = 16


def safari(settings: Settings) -> Iterator[Finding]:
    """Ask each service for its tab and its login, one after the other, in a turn."""
    holder = f"doctor-{os.getpid() % TURN_NAMES}"
    with closing(
        SafariClient(settings, holder=holder, turn_wait_seconds=TURN_WAIT_SECONDS)
    ) as safari:
        for service in HTTP_SERVICES:
            try:
                with safari.turn(service.busy_seconds, f"checking {service.name}"):
                    yield _looked(settings, service)
            except ServiceError as error:
                yield problem(service.name, str(error), error.remedy or "Try again.")


def own_handles(settings: Settings) -> Iterator[Finding]:
    """Look whether our own comments and tweets can be told from others'."""
    commenting = {each.platform or "" for each in HTTP_SERVICES if each.kind == "comment"}
    missing = sorted(commenting - set(settings.safari_own_handles))
    if missing and settings.safari_verify != "off":
        yield warning(
            "own handles",
            f"unknown outcomes on {', '.join(missing)} may not settle themselves: a short"
            " comment and every tweet are known as ours by our handle",
            f"Set SAFARI_OWN_HANDLES={','.join(f'{each}=NAME' for each in missing)}.",
        )


def _looked(settings: Settings, service: Service) -> Finding:
    name = service.name
    with closing(Connection(settings.service_url(name), settings.service_token(name))) as asked:
        own_handle = settings.safari_logins.get(service.platform or "")
        look = Look(
            service,
            asked.exchange,
            front=Front(),
            own_handle=own_handle,
            time_scale=settings.safari_time_scale,
        )
        found = look.session()
    if found is None:
        login = " and is logged in" if service.status_path else ""
        return fine(name, f"has a tab in Safari{login}")
    # The words of the service stand in brackets, and may be sentences.
    error = found.error.removeprefix(f"{name}: ")
    end = "). " if "). " in error else ". "
    said, _, remedy = error.partition(end)
    return problem(name, f"{said}{end.rstrip('. ')}", remedy or "See docs/safari.md.")
