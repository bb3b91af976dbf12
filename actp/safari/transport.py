"""Sends commands to their services over HTTP and reads the outcomes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from actp.clock import steady_seconds
from actp.errors import InvalidInput
from actp.safari.answers import read_answer
from actp.safari.commands import Comment, Local, recipient, text_of
from actp.safari.exchange import Connection
from actp.safari.front import Front
from actp.safari.local import DRIVING_ACTIONS, run_local
from actp.safari.look import Look
from actp.safari.outcomes import Failure, Outcome, refused_input
from actp.safari.posts import find_post
from actp.safari.reading import ConnectionReads, read_text
from actp.safari.requests import RequestOptions, build_request
from actp.safari.session_check import identity_problem, limit_reason, said_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

    from actp.safari.catalogue import Service
    from actp.safari.commands import Command
    from actp.safari.local import LocalOptions
    from actp.safari.requests import ServiceRequest

__all__ = ["HttpTransport", "LocalTransport", "Transport", "TransportOptions", "with_ceiling"]

T = TypeVar("T")

PROBE_TIMEOUT_SECONDS: Final = 5.0
# In shadow mode a command is looked at again this seldom.
SHADOW_SECONDS: Final = 3600.0
SHADOW_TEXT_CHARS: Final = 200


class Transport(Protocol):
    """Does what commands of one service ask for; used by one thread.

    Only ``send`` acts on a page; ``look`` and ``read_back`` navigate and read.
    """

    service: Service

    def prepare(self, command: Command) -> ServiceRequest | None:
        """Return what will be sent for a command; raises InvalidInput for what must not."""

    def needs_turn(self, command: Command) -> bool:
        """Return whether carrying it out drives Safari."""

    def look(self, command: Command) -> Command | Outcome:
        """Return the command as it can be sent now, or why it cannot; blocks, sends nothing.

        An outcome of ``wait`` says that the service is not ready; any other concerns the command.
        """

    def send(self, command: Command, request: ServiceRequest | None) -> Outcome:
        """Carry it out and return the outcome; blocks, never longer than its deadline."""

    def read_back(self, command: Command, outcome: Outcome) -> Outcome:
        """Return the outcome with what the page shows of it afterwards; blocks."""

    def outcome_of(self, command: Command, failure: Failure) -> Outcome:
        """Return what it means that a command got no answer."""

    def probe(self) -> str | None:
        """Return why the service cannot be used now, or None; blocks shortly."""

    def close(self) -> None:
        """Give connections back."""


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """The settings that a transport needs.

    ``is_looking`` is off only for benchmarks. With ``is_shadow`` nothing is sent, with
    ``is_reading_all`` each text is read where it should stand. ``logins`` names the account that
    must be logged in on a platform, ``own_handles`` the one whose comments and tweets are ours.
    ``time_scale`` is the share of their real time that stand-ins for the services take.
    """

    request: RequestOptions = field(default_factory=RequestOptions)
    front: Front = field(default_factory=Front)
    is_looking: bool = True
    is_shadow: bool = False
    is_reading_all: bool = False
    own_handles: Mapping[str, str] = field(default_factory=dict)
    logins: Mapping[str, str] = field(default_factory=dict)
    time_scale: float = 1.0


class HttpTransport:
    """One connection: a service is asked one thing at a time."""

    def __init__(
        self,
        service: Service,
        *,
        url: str,
        token: SecretStr | None,
        options: TransportOptions | None = None,
    ) -> None:
        self.service = service
        self._options = options or TransportOptions()
        self._connection = Connection(url, token)
        self._look = Look(
            service,
            self._connection.exchange,
            front=self._options.front,
            own_handle=self._options.logins.get(service.platform or ""),
            time_scale=self._options.time_scale,
        )

    def prepare(self, command: Command) -> ServiceRequest:
        """See Transport."""
        return build_request(self.service, command, self._options.request)

    def needs_turn(self, command: Command) -> bool:  # noqa: ARG002 - every request drives a page
        """See Transport."""
        return True

    def look(self, command: Command) -> Command | Outcome:
        """See Transport; finds the post that a comment is for."""
        looked = self._looked(command)
        if self._options.is_shadow and not isinstance(looked, Outcome):
            return _shadow(looked) if self.service.effect == "once" else looked
        return looked

    def _looked(self, command: Command) -> Command | Outcome:
        if self._options.is_looking:
            return self._paced(self._look.before(command))
        if isinstance(command, Comment) and command.post_url is None:
            return find_post(self._connection.exchange, command)
        return command

    def send(self, command: Command, request: ServiceRequest | None) -> Outcome:
        """See Transport."""
        asked = request or self.prepare(command)
        content = json.dumps(dict(asked.json)).encode()
        began_at = steady_seconds()
        reply = self._connection.exchange(
            asked.method, asked.path, content, timeout_seconds=asked.timeout_seconds
        )
        return read_answer(
            self.service,
            command,
            reply,
            now=datetime.now().astimezone(),
            took_seconds=(steady_seconds() - began_at) / self._options.time_scale,
        )

    def read_back(self, command: Command, outcome: Outcome) -> Outcome:
        """See Transport."""
        if self._options.is_looking:
            read = self._look.after(command, outcome)
            outcome = outcome if read is outcome else self._paced(read)
        if outcome.verdict == "sent" and self._options.is_reading_all:
            return self._seen(command, outcome)
        return outcome

    def _paced(self, looked: T) -> T:
        """Scale how long a session that failed is left alone."""
        if not isinstance(looked, Outcome) or looked.wait_seconds is None:
            return looked
        return replace(looked, wait_seconds=looked.wait_seconds * self._options.time_scale)

    def _seen(self, command: Command, outcome: Outcome) -> Outcome:
        """Return the outcome of a text that was sent, verified where it stands."""
        if self.service.effect != "once" or outcome.result.get("verification") == "seen":
            return outcome
        own = self._options.own_handles.get(command.platform or "")
        begun_at = datetime.now(UTC) - timedelta(seconds=self.service.action_timeout_seconds)
        reads = ConnectionReads(self._connection)
        sight = read_text(reads, command, own_handle=own, begun_at=begun_at)
        looked = {"verdict": sight.verdict, "detail": sight.detail, "address": sight.address}
        level: dict[str, object] = {"looked": looked}
        if sight.verdict == "found":
            level |= {"verification": "seen", "verified": True}
        return replace(outcome, result={**outcome.result, **level})

    def outcome_of(self, command: Command, failure: Failure) -> Outcome:
        """See Transport."""
        return read_answer(self.service, command, failure, now=datetime.now().astimezone())

    def probe(self) -> str | None:
        """See Transport; asks ``/health`` who is listening, and whether its own limits allow it."""
        reply = self._connection.exchange(
            "GET", self.service.health_path, timeout_seconds=PROBE_TIMEOUT_SECONDS
        )
        if isinstance(reply, Failure):
            return f"{self.service.name} does not answer: {reply.detail}"
        if reply.status != HTTPStatus.OK:
            status = f"HTTP {reply.status} to {self.service.health_path}"
            return f"what answers at {self.service.url_setting} says {status}; see its log"
        if (said := said_object(reply)) is None:
            return f"{self.service.url_setting} leads to something that is not {self.service.name}"
        return identity_problem(self.service, said) or self._limit()

    def _limit(self) -> str | None:
        if self.service.limits_path is None:
            return None
        reply = self._connection.exchange(
            "GET", self.service.limits_path, timeout_seconds=PROBE_TIMEOUT_SECONDS
        )
        if isinstance(reply, Failure) or reply.status != 200:
            return None
        reason = limit_reason(self.service, said_object(reply) or {})
        return f"{self.service.name}: {reason}" if reason else None

    def close(self) -> None:
        """See Transport."""
        self._connection.close()


def _shadow(command: Command) -> Outcome:
    """Return the outcome of a command that would have been sent now."""
    whom, text = recipient(command) or "everybody", (text_of(command) or "")[:SHADOW_TEXT_CHARS]
    return Outcome(
        "wait",
        "shadow",
        error=f"{command.service.name}: shadow mode: it would send to {whom}: {text}",
        quota_back=True,
        wait_seconds=SHADOW_SECONDS,
        result={"outcome": "wait", "reason": "shadow", "success": False},
    )


def with_ceiling(service: Service, ceiling_seconds: float | None) -> Service:
    """Return the service with its times cut down to one ceiling for all actions."""
    if ceiling_seconds is None:
        return service
    return replace(
        service,
        action_timeout_seconds=min(service.action_timeout_seconds, ceiling_seconds),
        busy_seconds=min(service.busy_seconds, 2 * ceiling_seconds),
    )


class LocalTransport:
    """Does what needs no service: opens a page, runs the CRM brain."""

    def __init__(self, service: Service, options: LocalOptions) -> None:
        self.service = service
        self._options = options

    def prepare(self, command: Command) -> None:
        """See Transport; a local action is checked by carrying it out, which reaches nobody."""

    def needs_turn(self, command: Command) -> bool:
        """See Transport."""
        return command.action in DRIVING_ACTIONS

    def look(self, command: Command) -> Command:
        """See Transport; a local action opens its page itself."""
        return command

    def send(self, command: Command, request: ServiceRequest | None) -> Outcome:
        """See Transport."""
        del request  # nothing leaves this host
        if not isinstance(command, Local):
            error = InvalidInput(f"{command.action} needs a service", remedy="")
            return refused_input(self.service.name, error)
        return run_local(command, self._options)

    def read_back(self, command: Command, outcome: Outcome) -> Outcome:
        """See Transport."""
        del command
        return outcome

    def outcome_of(self, command: Command, failure: Failure) -> Outcome:
        """See Transport."""
        return read_answer(self.service, command, failure, now=datetime.now().astimezone())

    def probe(self) -> str | None:
        """See Transport; this host is always there."""
        return None

    def close(self) -> None:
        """See Transport."""
