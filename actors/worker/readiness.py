"""Whether a service may be given commands: known, not blocked, breaker closed."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from actp.clock import steady_seconds
from actp.safari.breaker import Breaker

if TYPE_CHECKING:
    from random import Random

    from actp.safari.breaker import BreakerState, Step
    from actp.safari.outcomes import Outcome

__all__ = ["Readiness"]

PROBE_AGAIN_SECONDS = 1.0
# A wait for the service's own hours or quota is looked at again this often, by a route of its own.
RECHECK_SECONDS = 300.0
# After these the process on the port may be another one than before.
_UNIDENTIFYING = frozenset({"never_connected", "no_answer"})
# The person it concerns is busy, not the service.
_ABOUT_THE_ROW = frozenset({"in_flight", "shadow"})
# A probe shows whether these still hold.
_PROBED = frozenset({"outside_hours", "service_quota"})


class Readiness:
    """Keeps what outcomes and probes have said about one service."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._breaker = Breaker()
        self._is_identified = False
        self._blocked_until = 0.0
        self._recheck_at = inf
        self._reason: str | None = "not yet identified"

    @property
    def step(self) -> Step:
        """Return what to do before the next command: go, wait, or probe first."""
        now = steady_seconds()
        if now < self._blocked_until:
            return "wait" if now < self._recheck_at else "probe"
        step = self._breaker.step(now)
        return "probe" if step == "go" and not self._is_identified else step

    @property
    def wait_seconds(self) -> float:
        """Return how long to wait before looking again."""
        now = steady_seconds()
        blocked = min(self._blocked_until, self._recheck_at) - now
        return max(blocked, self._breaker.wait_seconds(now), PROBE_AGAIN_SECONDS)

    @property
    def breaker_state(self) -> BreakerState:
        """Return the state of the breaker."""
        return self._breaker.state

    @property
    def state(self) -> dict[str, Any]:
        """Return what is shown to people."""
        if self.step == "go":
            return {"state": "ready"}
        return {"state": self.step, "reason": self._reason, "seconds": self.wait_seconds}

    def learn(self, outcome: Outcome) -> None:
        """Take in what became of a command."""
        now = steady_seconds()
        if outcome.reason in _UNIDENTIFYING:
            self._is_identified = False
        if outcome.reason in _ABOUT_THE_ROW:
            return
        self._reason = outcome.error or outcome.reason
        self._breaker = self._breaker.after(
            outcome.breaker, now, self._random.random(), outcome.wait_seconds
        )
        if outcome.verdict == "wait" and outcome.wait_seconds is not None:
            self._blocked_until = now + outcome.wait_seconds
            self._recheck_at = now + RECHECK_SECONDS if outcome.reason in _PROBED else inf

    def lift(self) -> None:
        """Forget what the service waits for; the next command shows whether it still holds."""
        self._breaker, self._blocked_until, self._recheck_at = Breaker(), 0.0, inf
        self._is_identified = False

    def probed(self, error: str | None) -> None:
        """Take in what a look at the service said."""
        now, jitter = steady_seconds(), self._random.random()
        self._is_identified = error is None
        if now < self._blocked_until and error is not None:
            self._recheck_at = now + RECHECK_SECONDS
            return
        if error is None:
            if now >= self._recheck_at:
                self._blocked_until, self._recheck_at = 0.0, inf
            self._breaker = self._breaker.after_probe(is_ready=True, now=now, jitter=jitter)
            return
        self._reason = error
        self._breaker = self._breaker.after("count", now, jitter)
