"""Carries a command to its service over HTTP and brings back what became of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol

import httpx

from actp.safari.answers import read_answer
from actp.safari.identity import identity_problem
from actp.safari.local import run_local
from actp.safari.outcomes import Failure, Phase, Reply
from actp.safari.requests import RequestOptions, bearer_headers, build_request

if TYPE_CHECKING:
    from pydantic import SecretStr

    from actp.safari.catalogue import Service
    from actp.safari.commands import Command
    from actp.safari.local import LocalOptions
    from actp.safari.outcomes import Outcome
    from actp.safari.requests import ServiceRequest

__all__ = ["Carrier", "HttpCarrier", "LocalCarrier", "with_ceiling"]

CONNECT_TIMEOUT_SECONDS: Final = 3.0
WRITE_TIMEOUT_SECONDS: Final = 5.0
PROBE_TIMEOUT_SECONDS: Final = 5.0
# The services run on Node, which closes an idle connection after 5 s: one that may be closed at the
# very moment of a send would leave its outcome unknown.
KEEPALIVE_SECONDS: Final = 2.0
MAX_REPLY_BYTES: Final = 9 * 1024 * 1024

# Nothing left this host when one of these was raised.
_NEVER_CONNECTED: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Carrier(Protocol):
    """Does what commands of one service ask for; used by one thread."""

    service: Service

    def prepare(self, command: Command) -> ServiceRequest | None:
        """Return what will leave for a command; raises InvalidInput for what must not."""

    def needs_turn(self, command: Command) -> bool:
        """Return whether carrying it out drives Safari."""

    def carry(self, command: Command, request: ServiceRequest | None) -> Outcome:
        """Carry it out and return what became of it; blocks, never longer than its deadline."""

    def probe(self) -> str | None:
        """Return why the service cannot be used now, or None; blocks shortly."""

    def close(self) -> None:
        """Give connections back."""


class HttpCarrier:
    """One client and one connection: a service is asked one thing at a time."""

    def __init__(
        self,
        service: Service,
        *,
        url: str,
        token: SecretStr | None,
        options: RequestOptions | None = None,
    ) -> None:
        self.service = service
        self._options = options or RequestOptions()
        self._client = httpx.Client(
            base_url=url,
            headers=bearer_headers(token),
            limits=httpx.Limits(max_connections=1, keepalive_expiry=KEEPALIVE_SECONDS),
            trust_env=False,
        )

    def prepare(self, command: Command) -> ServiceRequest:
        """See Carrier."""
        return build_request(self.service, command, self._options)

    def needs_turn(self, command: Command) -> bool:  # noqa: ARG002 - every request drives a page
        """See Carrier."""
        return True

    def carry(self, command: Command, request: ServiceRequest | None) -> Outcome:
        """See Carrier."""
        reply = self._exchange(request or self.prepare(command))
        return read_answer(self.service, command, reply, now=datetime.now().astimezone())

    def probe(self) -> str | None:
        """See Carrier; asks ``/health`` who is listening."""
        try:
            answer = self._client.get(self.service.health_path, timeout=PROBE_TIMEOUT_SECONDS)
            body = answer.json()
        except httpx.HTTPError as error:
            return f"{self.service.name} does not answer: {_said(error)}"
        except ValueError:
            return f"{self.service.url_setting} leads to something that is not {self.service.name}"
        return identity_problem(self.service, body if isinstance(body, dict) else {})

    def close(self) -> None:
        """See Carrier."""
        self._client.close()

    def _exchange(self, request: ServiceRequest) -> Reply | Failure:
        deadline = monotonic() + request.timeout_seconds
        timeout = httpx.Timeout(
            request.timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS, write=WRITE_TIMEOUT_SECONDS
        )
        try:
            with self._client.stream(
                request.method, request.path, json=dict(request.json), timeout=timeout
            ) as answer:
                # A read timeout counts from byte to byte; the deadline holds for all of them.
                body = bytearray()
                for chunk in answer.iter_bytes():
                    body += chunk
                    if monotonic() > deadline or len(body) > MAX_REPLY_BYTES:
                        return Failure(Phase.MAYBE_SENT, "the answer did not end")
                return Reply(answer.status_code, answer.headers, bytes(body))
        except _NEVER_CONNECTED as error:
            return Failure(Phase.NEVER_CONNECTED, _said(error))
        except httpx.HTTPError as error:
            return Failure(Phase.MAYBE_SENT, _said(error))


def with_ceiling(service: Service, ceiling_seconds: float | None) -> Service:
    """Return the service with its times cut down to one ceiling for all actions."""
    if ceiling_seconds is None:
        return service
    return replace(
        service,
        action_timeout_seconds=min(service.action_timeout_seconds, ceiling_seconds),
        busy_seconds=min(service.busy_seconds, 2 * ceiling_seconds),
    )


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


class LocalCarrier:
    """Does what needs no service: opens a page, runs the CRM brain."""

    # Which local actions drive Safari; scoring and writing do not.
    _DRIVING: Final = frozenset({"navigate", "sync", "pipeline"})

    def __init__(self, service: Service, options: LocalOptions) -> None:
        self.service = service
        self._options = options

    def prepare(self, command: Command) -> None:
        """See Carrier; a local action is checked by carrying it out, which reaches nobody."""

    def needs_turn(self, command: Command) -> bool:
        """See Carrier."""
        return command.action in self._DRIVING

    def carry(self, command: Command, request: ServiceRequest | None) -> Outcome:
        """See Carrier."""
        del request  # nothing leaves this host
        return run_local(command, self._options)

    def probe(self) -> str | None:
        """See Carrier; this host is always there."""
        return None

    def close(self) -> None:
        """See Carrier."""
