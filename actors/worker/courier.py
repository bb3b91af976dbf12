"""The thread on which a service's requests travel, and what is under way on it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from actors.runtime.offload import Offload
from actors.worker.messages import Answered, PostFound, Probed
from actp.clock import steady_seconds
from actp.safari.answers import read_answer
from actp.safari.outcomes import Failure, Outcome, Phase
from metrics import instruments

if TYPE_CHECKING:
    from actors.runtime.registry import Registry
    from actors.worker.messages import Row
    from actp.safari.carrier import Carrier
    from actp.safari.commands import Command
    from actp.safari.requests import ServiceRequest

__all__ = ["Courier", "Flight"]

# A carrier's deadline is looked at from read to read, so a call may take it twice.
OVERDUE_FACTOR = 2.0
OVERDUE_MARGIN_SECONDS = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Flight:
    """A begun attempt on its way."""

    row: Row
    command: Command
    request: ServiceRequest | None
    attempt: int


class Courier:
    """Carries one command at a time and outlives the actor that sent it.

    The outcome stays here until an actor lands the flight, so that a crash of the actor loses
    neither the answer nor the knowledge that something is on the wire.
    """

    def __init__(self, carrier: Carrier, registry: Registry) -> None:
        self.carrier = carrier
        self.flight: Flight | None = None
        self.departed_at = 0.0
        self.is_looking = False
        self._overdue_at = inf
        self._outcome: Outcome | None = None
        self._registry = registry
        self._offload = Offload(f"{carrier.service.name}-wire")

    @property
    def is_overdue(self) -> bool:
        """Whether what is under way should have ended long ago; sleep does not count."""
        is_flying = self.flight is not None and self._outcome is None
        return is_flying and monotonic() > self._overdue_at

    def depart(self, flight: Flight) -> None:
        """Send a command on its way; Answered is told when it has landed."""
        self._outcome = None
        self.departed_at = steady_seconds()
        self._overdue_at = monotonic() + _longest_seconds(flight)
        self.flight = flight
        self._offload.run(self._fly)

    def land(self) -> tuple[Flight, Outcome] | None:
        """Take the flight with its outcome, once; None while it is under way or none was."""
        flight, outcome = self.flight, self._outcome
        if flight is None or outcome is None:
            return None
        self.flight = self._outcome = None
        return flight, outcome

    def outcome_of(self, command: Command, failure: Failure) -> Outcome:
        """Return what it means that a command of this service got no answer."""
        now = datetime.now().astimezone()
        return read_answer(self.carrier.service, command, failure, now=now)

    def probe(self) -> None:
        """Look whether the service can be used; Probed is told."""
        self._offload.run(self._look)

    def find_post(self, command: Command) -> None:
        """Look for the post that a comment is for; PostFound is told."""
        self.is_looking = True
        self._offload.run(lambda: self._look_for_post(command))

    def close(self) -> None:
        """Let the thread end after what is under way."""
        self._offload.run(self.carrier.close)
        self._offload.close()

    def _fly(self) -> None:
        flight = self.flight
        if flight is None:
            return
        service = self.carrier.service.name
        try:
            outcome = self.carrier.carry(flight.command, flight.request)
        except Exception as error:  # noqa: BLE001 - bytes may have left before any mistake of ours
            _log.error("carrying failed", exc_info=True, extra={"action": "carry_failed"})
            detail = f"the worker failed: {type(error).__name__}: {error}"
            failure = Failure(Phase.MAYBE_SENT, detail[:200])
            outcome = self.outcome_of(flight.command, failure)
        instruments.REQUEST_SECONDS.labels(service).observe(steady_seconds() - self.departed_at)
        self._outcome = outcome
        self._registry.tell(service, Answered())

    def _look_for_post(self, command: Command) -> None:
        service = self.carrier.service
        found: Command | Outcome
        try:
            found = self.carrier.find_post(command)
        except Exception as raised:  # noqa: BLE001 - nothing was sent: it may be tried again
            _log.error("looking for a post failed", exc_info=True, extra={"action": "look_failed"})
            error = f"{service.name}: the worker failed: {type(raised).__name__}: {raised}"
            found = Outcome("retry", "posts_not_shown", error=error[:500], quota_back=True)
        self.is_looking = False
        self._registry.tell(service.name, PostFound(command.id, found))

    def _look(self) -> None:
        try:
            error = self.carrier.probe()
        except Exception as raised:  # noqa: BLE001 - a probe that fails says that it may not be used
            _log.exception("probing failed", extra={"action": "probe_failed"})
            error = f"the probe failed: {raised}"
        self._registry.tell(self.carrier.service.name, Probed(error))


def _longest_seconds(flight: Flight) -> float:
    if flight.request is None:  # a child process, killed when its own time is over
        return inf
    return OVERDUE_FACTOR * flight.request.timeout_seconds + OVERDUE_MARGIN_SECONDS
