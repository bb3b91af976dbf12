"""Carries a command to its service over HTTP and brings back what became of it."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol

import httpx

from actp.errors import InvalidInput
from actp.safari.answers import read_answer
from actp.safari.identity import identity_problem
from actp.safari.local import DRIVING_ACTIONS, run_local
from actp.safari.outcomes import Failure, Phase, Reply, refused_input
from actp.safari.posts import find_post
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

    def find_post(self, command: Command) -> Command | Outcome:
        """Return a comment with the post it is for, or why there is none; blocks, sends nothing."""

    def carry(self, command: Command, request: ServiceRequest | None) -> Outcome:
        """Carry it out and return what became of it; blocks, never longer than its deadline."""

    def probe(self) -> str | None:
        """Return why the service cannot be used now, or None; blocks shortly."""

    def close(self) -> None:
        """Give connections back."""


class HttpCarrier:
    """One connection: a service is asked one thing at a time.

    It speaks through httpx's transport, since a client's redirects, cookies and authentication
    have no place between us and a service, and cost a third of the time.
    """

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
        self._url = httpx.URL(url)
        self._urls: dict[str, httpx.URL] = {}
        self._headers = httpx.Headers(
            {
                "Host": self._url.netloc.decode("ascii"),
                "Accept": "application/json",
                "Content-Type": "application/json",
                **bearer_headers(token),
            }
        )
        self._transport = httpx.HTTPTransport(
            limits=httpx.Limits(max_connections=1, keepalive_expiry=KEEPALIVE_SECONDS),
            trust_env=False,
            # Loading the certificates of the world takes longer than starting a worker otherwise.
            verify=self._url.scheme == "https",
        )

    def prepare(self, command: Command) -> ServiceRequest:
        """See Carrier."""
        return build_request(self.service, command, self._options)

    def needs_turn(self, command: Command) -> bool:  # noqa: ARG002 - every request drives a page
        """See Carrier."""
        return True

    def find_post(self, command: Command) -> Command | Outcome:
        """See Carrier."""
        try:
            return find_post(self._exchange, self.service, command)
        finally:
            self._urls.clear()  # some hold the name of a person

    def carry(self, command: Command, request: ServiceRequest | None) -> Outcome:
        """See Carrier."""
        asked = request or self.prepare(command)
        content = json.dumps(dict(asked.json)).encode()
        reply = self._exchange(asked.method, asked.path, content, asked.timeout_seconds)
        return read_answer(self.service, command, reply, now=datetime.now().astimezone())

    def probe(self) -> str | None:
        """See Carrier; asks ``/health`` who is listening."""
        reply = self._exchange("GET", self.service.health_path, b"", PROBE_TIMEOUT_SECONDS)
        if isinstance(reply, Failure):
            return f"{self.service.name} does not answer: {reply.detail}"
        try:
            body = json.loads(reply.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return f"{self.service.url_setting} leads to something that is not {self.service.name}"
        return identity_problem(self.service, body)

    def close(self) -> None:
        """See Carrier."""
        self._transport.close()

    def _url_of(self, path: str) -> httpx.URL:
        if path not in self._urls:  # a service has a handful of paths
            self._urls[path] = self._url.copy_with(path=path)
        return self._urls[path]

    def _exchange(
        self, method: str, path: str, content: bytes, timeout_seconds: float
    ) -> Reply | Failure:
        deadline = monotonic() + timeout_seconds
        timeout = httpx.Timeout(
            timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS, write=WRITE_TIMEOUT_SECONDS
        )
        request = httpx.Request(
            method,
            self._url_of(path),
            headers=self._headers,
            content=content,
            extensions={"timeout": timeout.as_dict()},
        )
        try:
            with closing(self._transport.handle_request(request)) as answer:
                # A read timeout counts from byte to byte; the deadline holds for all of them.
                body = bytearray()
                for chunk in answer.iter_raw():
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


class LocalCarrier:
    """Does what needs no service: opens a page, runs the CRM brain."""

    def __init__(self, service: Service, options: LocalOptions) -> None:
        self.service = service
        self._options = options

    def prepare(self, command: Command) -> None:
        """See Carrier; a local action is checked by carrying it out, which reaches nobody."""

    def needs_turn(self, command: Command) -> bool:
        """See Carrier."""
        return command.action in DRIVING_ACTIONS

    def find_post(self, command: Command) -> Outcome:
        """See Carrier; no local action is about a post."""
        error = InvalidInput(f"{command.action} is about no post", remedy="")
        return refused_input(self.service.name, error)

    def carry(self, command: Command, request: ServiceRequest | None) -> Outcome:
        """See Carrier."""
        del request  # nothing leaves this host
        return run_local(command, self._options)

    def probe(self) -> str | None:
        """See Carrier; this host is always there."""
        return None

    def close(self) -> None:
        """See Carrier."""


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
