"""Whether a service can be given commands: identified, not blocked, its circuit breaker closed.

The breaker is a value: each event yields the next one, and times are passed in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any, Final, Literal

from actp.clock import steady_seconds
from actp.safari.catalogue import EVERY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from actp.safari.catalogue import LimitWait
    from actp.safari.outcomes import Breaking, Outcome

__all__ = ["Breaker", "BreakerState", "Readiness", "Step"]

BreakerState = Literal["closed", "open", "half_open"]
Step = Literal["go", "wait", "probe"]

FAILURES_TO_OPEN: Final = 3
FIRST_COOL_DOWN_SECONDS: Final = 5.0
# A service that is back is used again within this.
LONGEST_COOL_DOWN_SECONDS: Final = 30.0
JITTER_SHARE: Final = 0.2
PROBE_AGAIN_SECONDS: Final = 1.0
# A wait for the service's own hours or quota is looked at again this often, by its own route.
RECHECK_SECONDS: Final = 300.0
# After these the process on the port may be another one than before.
_UNIDENTIFYING: Final = frozenset({"misconfigured", "never_connected", "no_answer"})
# The person it concerns is busy, not the service.
_ABOUT_THE_ROW: Final = frozenset({"in_flight", "shadow"})
# After a block another command goes first, since the page of the one may be its only cause: the
# service is used again after this share of the command's wait.
OTHERS_FIRST_SHARE: Final = 0.75


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether a service may be used.

    It opens after three counted failures in a row, or at once when told to. After a cool-down
    it is half open: ``/health`` and readiness are probed before the next command, and the first
    failure after that opens it again, for twice as long. Times are seconds of one clock.
    """

    state: BreakerState = "closed"
    failures: int = 0
    openings: int = 0
    until: float = 0.0
    is_probed: bool = False

    def step(self, now: float) -> Step:
        """Return what to do before the next command: send it, wait, or probe first."""
        if self.state == "closed" or self.is_probed:
            return "go"
        return "wait" if self.state == "open" and now < self.until else "probe"

    def wait_seconds(self, now: float) -> float:
        """Return how long it stays open."""
        return max(0.0, self.until - now) if self.state == "open" else 0.0

    def after(
        self,
        breaking: Breaking,
        now: float,
        jitter: float = 0.0,
        wait_seconds: float | None = None,
    ) -> Breaker:
        """Return the breaker after an outcome; ``jitter`` is a random number of 0 to 1.

        ``wait_seconds`` is how long the outcome itself says to wait, where it opens at once.
        """
        if breaking == "ok":
            return Breaker()
        if breaking == "open":
            return self._opened(now, wait_seconds or FIRST_COOL_DOWN_SECONDS, jitter)
        failures = self.failures + 1
        if self.state == "closed" and failures < FAILURES_TO_OPEN:
            return replace(self, failures=failures)
        longer = FIRST_COOL_DOWN_SECONDS * 2.0 ** min(self.openings, 16)
        return self._opened(now, min(longer, LONGEST_COOL_DOWN_SECONDS), jitter)

    def after_probe(self, *, is_ready: bool, now: float, jitter: float = 0.0) -> Breaker:
        """Return the breaker after a probe: ready lets one command try, else it opens again."""
        if self.state == "closed":
            return self
        if is_ready:
            return replace(self, state="half_open", is_probed=True)
        return self.after("count", now, jitter)

    def _opened(self, now: float, cool_down_seconds: float, jitter: float) -> Breaker:
        return Breaker(
            state="open",
            failures=self.failures + 1,
            openings=self.openings + 1,
            until=now + cool_down_seconds * (1.0 + JITTER_SHARE * jitter),
        )


class Readiness:
    """Keeps what outcomes and probes have said about one service.

    ``limits_told`` are the waits of which a probe shows whether they still hold.
    """

    def __init__(
        self,
        random: Random,
        clock: Callable[[], float] = steady_seconds,
        *,
        limits_told: frozenset[LimitWait] = EVERY_LIMIT,
    ) -> None:
        self._limits_told = limits_told
        self._random = random
        self._clock = clock
        self._breaker = Breaker()
        self._is_identified = False
        self._blocked_until = 0.0
        self._recheck_at = inf
        self._reason: str | None = "checked before its next command"

    @property
    def step(self) -> Step:
        """Return what to do before the next command: go, wait, or probe first."""
        now = self._clock()
        if now < self._blocked_until:
            return "wait" if now < self._recheck_at else "probe"
        step = self._breaker.step(now)
        return "probe" if step == "go" and not self._is_identified else step

    @property
    def wait_seconds(self) -> float:
        """Return how long to wait before looking again."""
        now = self._clock()
        blocked = min(self._blocked_until, self._recheck_at) - now
        return max(blocked, self._breaker.wait_seconds(now), PROBE_AGAIN_SECONDS)

    @property
    def breaker_state(self) -> BreakerState:
        """Return the state of the breaker."""
        return self._breaker.state

    @property
    def state(self) -> dict[str, Any]:
        """Return what is shown to people."""
        if (step := self.step) == "go":
            return {"state": "ready"}
        until = {"seconds": self.wait_seconds} if step == "wait" else {}
        return {"state": step, "reason": self._reason, **until}

    def learn(self, outcome: Outcome) -> None:
        """Take in what happened to a command."""
        now = self._clock()
        if outcome.reason in _UNIDENTIFYING:
            self._is_identified = False
        if outcome.reason in _ABOUT_THE_ROW:
            return
        self._reason = outcome.error or outcome.alert or outcome.reason
        seconds = outcome.wait_seconds
        if seconds is not None and outcome.reason == "blocked":
            seconds *= OTHERS_FIRST_SHARE
        self._breaker = self._breaker.after(outcome.breaker, now, self._random.random(), seconds)
        if outcome.verdict == "wait" and seconds is not None:
            self._blocked_until = now + seconds
            self._recheck_at = now + RECHECK_SECONDS if outcome.reason in self._limits_told else inf

    def lift(self) -> None:
        """Forget what the service waits for; the next command shows whether it still holds."""
        self._breaker, self._blocked_until, self._recheck_at = Breaker(), 0.0, inf
        self._is_identified = False

    def probed(self, error: str | None) -> None:
        """Take in what a look at the service said."""
        now, jitter = self._clock(), self._random.random()
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
