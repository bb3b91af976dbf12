"""Carries a command to its service over HTTP and brings back what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from actp.clock import steady_seconds
from actp.errors import InvalidInput
from actp.safari.answers import read_answer
from actp.safari.exchange import Connection
from actp.safari.front import Front
from actp.safari.local import DRIVING_ACTIONS, run_local
from actp.safari.look import Look
from actp.safari.outcomes import Failure, refused_input
from actp.safari.posts import find_post
from actp.safari.requests import RequestOptions, build_request
from actp.safari.session_check import identity_problem, said_object

if TYPE_CHECKING:
    from pydantic import SecretStr

    from actp.safari.catalogue import Service
    from actp.safari.commands import Command
    from actp.safari.local import LocalOptions
    from actp.safari.outcomes import Outcome
    from actp.safari.requests import ServiceRequest

__all__ = ["Carrier", "CarrierOptions", "HttpCarrier", "LocalCarrier", "with_ceiling"]

PROBE_TIMEOUT_SECONDS: Final = 5.0


class Carrier(Protocol):
    """Does what commands of one service ask for; used by one thread."""

    service: Service

    def prepare(self, command: Command) -> ServiceRequest | None:
        """Return what will leave for a command; raises InvalidInput for what must not."""

    def needs_turn(self, command: Command) -> bool:
        """Return whether carrying it out drives Safari."""

    def find_post(self, command: Command) -> Command | Outcome:
        """Return a comment with the post it is for, or why there is none; blocks, sends nothing."""

    def look(self, command: Command) -> Outcome | None:
        """Return why a command is not to be sent now, or None; blocks, in the turn.

        Verdict ``wait`` is about the session and leaves the command as it was; any other ends an
        attempt at it.
        """

    def carry(self, command: Command, request: ServiceRequest | None) -> Outcome:
        """Carry it out and return its outcome; blocks, never longer than its deadline."""

    def probe(self) -> str | None:
        """Return why the service cannot be used now, or None; blocks shortly."""

    def close(self) -> None:
        """Give connections back."""


@dataclass(frozen=True, slots=True)
class CarrierOptions:
    """The settings that a carrier needs.

    ``is_looking`` is off only for benchmarks. ``time_scale`` is the share of their real time that
    stand-ins for the services take.
    """

    request: RequestOptions = field(default_factory=RequestOptions)
    front: Front = field(default_factory=Front)
    is_looking: bool = True
    time_scale: float = 1.0


class HttpCarrier:
    """One connection: a service is asked one thing at a time."""

    def __init__(
        self,
        service: Service,
        *,
        url: str,
        token: SecretStr | None,
        options: CarrierOptions | None = None,
    ) -> None:
        self.service = service
        self._options = options or CarrierOptions()
        self._connection = Connection(url, token)
        self._look = Look(
            service,
            self._connection.exchange,
            front=self._options.front,
            time_scale=self._options.time_scale,
        )

    def prepare(self, command: Command) -> ServiceRequest:
        """See Carrier."""
        return build_request(self.service, command, self._options.request)

    def needs_turn(self, command: Command) -> bool:  # noqa: ARG002 - every request drives a page
        """See Carrier."""
        return True

    def find_post(self, command: Command) -> Command | Outcome:
        """See Carrier."""
        return find_post(self._connection.exchange, self.service, command)

    def look(self, command: Command) -> Outcome | None:
        """See Carrier."""
        return self._look.before(command) if self._options.is_looking else None

    def carry(self, command: Command, request: ServiceRequest | None) -> Outcome:
        """See Carrier."""
        asked = request or self.prepare(command)
        content = json.dumps(dict(asked.json)).encode()
        began_at = steady_seconds()
        reply = self._connection.exchange(
            asked.method, asked.path, content, timeout_seconds=asked.timeout_seconds
        )
        outcome = read_answer(
            self.service,
            command,
            reply,
            now=datetime.now().astimezone(),
            took_seconds=(steady_seconds() - began_at) / self._options.time_scale,
        )
        return self._look.after(command, outcome) if self._options.is_looking else outcome

    def probe(self) -> str | None:
        """See Carrier; asks ``/health`` who is listening."""
        reply = self._connection.exchange(
            "GET", self.service.health_path, timeout_seconds=PROBE_TIMEOUT_SECONDS
        )
        if isinstance(reply, Failure):
            return f"{self.service.name} does not answer: {reply.detail}"
        if (said := said_object(reply)) is None:
            return f"{self.service.url_setting} leads to something that is not {self.service.name}"
        return identity_problem(self.service, said)

    def close(self) -> None:
        """See Carrier."""
        self._connection.close()


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

    def look(self, command: Command) -> None:
        """See Carrier; a local action opens its page itself."""

    def carry(self, command: Command, request: ServiceRequest | None) -> Outcome:
        """See Carrier."""
        del request  # nothing leaves this host
        return run_local(command, self._options)

    def probe(self) -> str | None:
        """See Carrier; this host is always there."""
        return None

    def close(self) -> None:
        """See Carrier."""
